"""The launcher: a small warm process with the scenario imported once, which forks a worker per trial.

One trial is alive at a time. Before the next begins, every process of the last has ended: in the subreaper
containment that is the kernel's word, not a guess.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

from mprunner.scenario import Scenario
from mprunner.worker.containment import contain
from mprunner.worker.files import remove_tree
from mprunner.worker.protocol import Channel, Hello, Order, Ready, Refused, decode, encode
from mprunner.worker.slot import Slot

# What nearly every scenario uses. Imported here once, it is not imported again in every worker, inside what
# the scenario measures.
PRELOADED = (
    "mprunner.actor_group",
    "multiprocessing.popen_fork",
    "multiprocessing.queues",
    "multiprocessing.sharedctypes",
    "multiprocessing.synchronize",
)

_SHIM = """\
import importlib.util, sys
_spec = importlib.util.spec_from_file_location(__name__, {file!r})
sys.modules[__name__] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
"""


def serve(control: socket.socket) -> NoReturn:
    """Serve the runner on the other side of ``control`` until it is gone, then leave nothing behind."""
    channel = Channel(control)
    scratch: Path | None = None
    try:
        hello = decode(channel.receive())
        assert isinstance(hello, Hello)
        scratch = Path(hello.scratch)
        _serve(channel, hello)
    except (EOFError, ConnectionError):
        pass
    except BaseException:  # mprunner's own fault: the runner shows what it finds on stderr
        traceback.print_exc()
    finally:
        if scratch is not None:
            remove_tree(scratch)
        os._exit(0)


def _serve(channel: Channel, hello: Hello) -> None:
    scratch = Path(hello.scratch)
    try:
        containment = contain(hello.containment)
        scenario = _import_scenario(hello, scratch / "m")
        wake = _catch_signals()  # after the import: a plugin may have set handlers of its own
        slot = Slot(scenario, channel, containment, wake, scratch / "t")
    except BaseException as error:
        traceback.print_exc()
        channel.send(encode(Refused(reason=f"{type(error).__name__}: {error}")))
        return
    channel.send(encode(Ready(containment=containment)))
    gc.collect()
    gc.freeze()  # a worker's collector must not touch, and so copy, the launcher's pages
    try:
        while True:
            order = decode(channel.receive())
            if isinstance(order, Order):  # a Cancel that came too late is no order
                channel.send(encode(slot.execute(order)))
    finally:
        slot.close()


def _catch_signals() -> int:
    """Have every ended child make a descriptor readable, and return it.

    Signals that end a run are the runner's to handle: a launcher that died of one would leave actors behind.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reader


def _import_scenario(hello: Hello, modules: Path) -> type[Scenario[Any, Any]]:
    """Import the scenario's class.

    A plugin that is one file becomes importable by its module's name through a folder at the end of
    ``sys.path``, which multiprocessing hands to spawned and forkserver children however they are started.
    """
    sys.path[:] = hello.sys_path
    if hello.files:
        modules.mkdir()
        for name, file in hello.files.items():
            (modules / f"{name}.py").write_text(_SHIM.format(file=file), encoding="utf-8")
        sys.path.append(str(modules))
    for name in PRELOADED:
        importlib.import_module(name)
    module = importlib.import_module(hello.module)
    scenario: type[Scenario[Any, Any]] = reduce(getattr, hello.qualname.split("."), module)  # type: ignore[assignment]
    return scenario
