"""The launcher: a small warm process with the scenario imported once, which forks a worker per trial.

One trial is alive at a time. Before the next begins, every process of the last has ended: in the subreaper
containment that is the kernel's word, not a guess.
"""

import gc
import importlib
import os
import select
import signal
import socket
import sys
import traceback
from functools import reduce
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn

from mprunner.scenario import Scenario
from mprunner.worker.containment import Keeper, contain, drain
from mprunner.worker.files import current_log, remove_tree
from mprunner.worker.protocol import (
    MAX_RESULT_BYTES,
    RESULT_HEADER,
    Cancel,
    Channel,
    Ended,
    Hello,
    Order,
    Ready,
    Refused,
    decode,
    encode,
)
from mprunner.worker.trial import execute, subject_of

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


class Slot:
    """Where trials are executed, one after the other, each in a worker of its own."""

    def __init__(
        self,
        scenario: type[Scenario[Any, Any]],
        channel: Channel,
        containment: str,
        wake: int,
        tmp_path: Path,
    ) -> None:
        self._subject = subject_of(scenario)
        self._channel = channel
        self._containment = containment
        self._wake = wake
        self._tmp_path = tmp_path
        tmp_path.mkdir()
        os.environ["TMPDIR"] = str(tmp_path)
        self._log: tuple[Path, int] | None = None

    def execute(self, order: Order) -> Ended:
        """Fork a worker, watch it to its end, and say how it ended."""
        log_fd = self._open_log(Path(order.log))
        reader, writer = os.pipe()
        started = monotonic()
        worker = os.fork()
        if worker == 0:
            os.close(reader)
            self._channel.close()
            execute(
                self._subject,
                order,
                launcher=os.getppid(),
                result_fd=writer,
                log_fd=log_fd,
                tmp_path=self._tmp_path,
            )
        os.close(writer)
        keeper = Keeper(worker, self._containment, self._wake)
        attempt = _Watched(keeper, reader, self._channel, self._wake)
        try:
            attempt.watch(started + order.timeout_s)
        finally:
            wall_s = monotonic() - started
            attempt.drain_result()
            leaked = keeper.end(attempt.helpers())
            os.close(reader)
            self._keep_log(Path(order.log))
            self._clear_tmp()
        return _ended(attempt, keeper, wall_s, leaked)

    def _open_log(self, log: Path) -> int:
        """Return the descriptor of an empty log; one file serves all trials that print nothing."""
        current = current_log(log)
        if self._log is None or self._log[0] != current:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
            self._log = current, os.open(current, flags, 0o644)
        return self._log[1]

    def _keep_log(self, log: Path) -> None:
        """Give the log of a trial that printed its name."""
        assert self._log is not None
        current, log_fd = self._log
        if os.fstat(log_fd).st_size:
            os.close(log_fd)
            current.rename(log)
            self._log = None

    def close(self) -> None:
        """Remove the log that no trial has printed to."""
        if self._log is not None:
            os.close(self._log[1])
            self._log[0].unlink(missing_ok=True)

    def _clear_tmp(self) -> None:
        """Have the scratch folder empty again, whatever the trial put in its place."""
        try:
            if not self._tmp_path.is_symlink() and not any(self._tmp_path.iterdir()):
                return
        except OSError:
            pass
        remove_tree(self._tmp_path)
        self._tmp_path.mkdir(parents=True, exist_ok=True)


class _Watched:
    """An attempt under way: what has come out of its worker, and why watching it stopped."""

    def __init__(self, keeper: Keeper, reader: int, channel: Channel, wake: int) -> None:
        self.timed_out = False
        self.cancelled = False
        self.data = bytearray()
        self._keeper = keeper
        self._reader = reader
        self._channel = channel
        self._wake = wake
        os.set_blocking(reader, False)

    @property
    def ended_itself(self) -> bool:
        """Whether the worker ended without being ended by us."""
        return not (self.timed_out or self.cancelled)

    def watch(self, deadline: float) -> None:
        """Wait for the worker's end, its deadline, a cancel, or the runner's death (EOFError)."""
        poll = select.poll()
        for fd in (self._reader, self._wake, self._channel.fileno()):
            poll.register(fd, select.POLLIN)
        while self._keeper.status is None and not self._keeper.empty:
            left = deadline - monotonic()
            if left <= 0:
                self.timed_out = True
                return
            for fd, _ in poll.poll(left * 1000 + 1):
                if fd == self._reader:
                    if not self._read_result():
                        poll.unregister(fd)
                elif fd == self._wake:
                    drain(fd)
                    self._keeper.reap()
                elif self._is_cancelled():
                    return

    def _is_cancelled(self) -> bool:
        try:
            self._channel.fill()
        except EOFError:
            self.cancelled = True
            raise
        message = self._channel.next()
        self.cancelled = message is not None and isinstance(decode(message), Cancel)
        return self.cancelled

    def _read_result(self) -> bool:
        """Read what is there; return False at the end of the stream."""
        try:
            data = os.read(self._reader, 1 << 16)
        except BlockingIOError:
            return True
        if len(self.data) <= MAX_RESULT_BYTES + RESULT_HEADER.size:
            self.data += data
        return bool(data)

    def drain_result(self) -> None:
        """Read what a worker that has ended left in its pipe."""
        while True:
            before = len(self.data)
            if not self._read_result() or len(self.data) == before:
                return

    def helpers(self) -> tuple[int, ...]:
        """Return the ids of multiprocessing's helpers that the worker said it had."""
        if len(self.data) < RESULT_HEADER.size:
            return ()
        return RESULT_HEADER.unpack_from(self.data)[1:]

    def result(self) -> str | None:
        """Return the JSON text that the worker sent, if it is whole and nothing follows it."""
        if len(self.data) < RESULT_HEADER.size:
            return None
        length = RESULT_HEADER.unpack_from(self.data)[0]
        body = self.data[RESULT_HEADER.size :]
        return body.decode(errors="replace") if len(body) == length else None


def _ended(attempt: _Watched, keeper: Keeper, wall_s: float, leaked: int) -> Ended:
    status = keeper.status
    return Ended(
        exit_code=os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
        timed_out=attempt.timed_out,
        cancelled=attempt.cancelled,
        leaked=leaked if attempt.ended_itself else 0,
        wall_s=wall_s,
        cpu_user_s=keeper.usage.user_s,
        cpu_system_s=keeper.usage.system_s,
        max_process_rss_bytes=keeper.usage.max_rss_bytes,
        result=attempt.result(),
    )
