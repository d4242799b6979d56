"""The launcher: a small warm process with the scenario imported once, which forks a worker per trial.

With ``isolation: fresh`` it has not imported the scenario, and the worker becomes an interpreter of its own.

One trial is alive at a time. Before the next begins, every process of the last has ended: in the subreaper
containment that is the kernel's word, not a guess.
"""

import gc
import os
import signal
import socket
import traceback
from functools import partial
from pathlib import Path
from typing import NoReturn

from mprunner.limits import Limits
from mprunner.worker.containment import contain
from mprunner.worker.files import remove_tree
from mprunner.worker.fresh import execute_fresh
from mprunner.worker.importing import count_threads, import_scenario, make_importable, preload
from mprunner.worker.protocol import Channel, Hello, Order, Ready, Refused, decode, encode
from mprunner.worker.slot import Slot
from mprunner.worker.trial import execute, subject_of
from mprunner.worker.waiting import Begin


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
        if hello.cpus is not None:  # before the import: a plugin may count CPUs then; workers inherit it
            os.sched_setaffinity(0, hello.cpus)
        containment = contain(hello.containment)
        begin = _beginning(hello)
        wake = _catch_signals()  # after the import: a plugin may have set handlers of its own
        slot = Slot(begin, channel, containment, wake, scratch / "t", Limits(**hello.limits))
    except BaseException as error:
        traceback.print_exc()
        channel.send(encode(Refused(reason=f"{type(error).__name__}: {error}")))
        return
    channel.send(encode(Ready(containment=containment, threads=count_threads())))
    gc.collect()
    gc.freeze()  # a worker's collector must not touch, and so copy, the launcher's pages
    try:
        while True:
            order = decode(channel.receive())
            if isinstance(order, Order):  # a Cancel that came too late is no order
                channel.send(encode(slot.execute(order)))
                slot.prepare(Path(order.log))  # while the runner makes the record safe
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


def _beginning(hello: Hello) -> Begin:
    """Return what a worker does with its order."""
    make_importable(hello)
    if hello.isolation == "fresh":
        return partial(execute_fresh, hello)
    preload(hello)
    return partial(execute, subject_of(import_scenario(hello)))
