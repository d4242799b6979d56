"""A launcher process, seen from the runner: starting it, talking with it, ending it and all that it leaves."""

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import IO, TYPE_CHECKING, Final

from mprunner.errors import MprunnerError, PluginError
from mprunner.executors.orphans import END_LIMIT_S, MARK, end_marked, new_mark
from mprunner.signals import Interrupt
from mprunner.worker.containment import descendants, is_zombie, kill, remove_tree
from mprunner.worker.log import ANSWER_LIMIT_S
from mprunner.worker.protocol import Cancel, Channel, Ended, Hello, Order, Ready, Refused

if TYPE_CHECKING:
    from mprunner.executors.environments import Environment  # most experiments have no variants

START_LIMIT_S: Final = 300.0
"""How long a launcher may take to import the scenario."""

OVERDUE_S: Final = 10.0
"""How long after an attempt's timeout, or its cancelling, the launcher's word is waited for."""

MAX_TMPDIR: Final = 55
"""Characters of ``TMPDIR`` beyond which the sockets of a trial would not fit: 107, less 52 for the names in it."""


def _scratch_folder() -> Path:
    """Make a folder for a launcher, under ``TMPDIR`` unless that is too long for the name of a socket in it.

    multiprocessing's fork server and managers put sockets into their temporary folder, and the system allows a
    socket's name about a hundred characters.
    """
    root = os.path.realpath(tempfile.gettempdir())
    if len(root) > MAX_TMPDIR and os.access("/tmp", os.W_OK):
        root = "/tmp"
    return Path(tempfile.mkdtemp(prefix="mpr-", dir=root))


class LauncherKilledError(MprunnerError):
    """A signal ended a launcher before it was ready."""


_NO_RESERVE: Final = {"MIMALLOC_ARENA_RESERVE": "0"}
"""Has the allocator of a free-threaded Python take memory as it is needed.

It begins with a gibibyte of its own, which counts as used: a process with a smaller limit would not be limited, and
yet fail to load a module. No other Python looks at it.
"""


class Launcher:
    """A launcher process, seen from the runner. Its interpreter starts while the runner goes on.

    ``environment`` says which interpreter, and what is around it; None for the runner's own. ``bounded`` is whether
    the memory of its workers will be limited.

    Attributes:
        left: what of its scratch folder can't be removed, once it has ended, with the reason.
    """

    def __init__(self, environment: "Environment | None" = None, *, bounded: bool = False) -> None:
        self.left: Sequence[str] = ()
        here, there = socket.socketpair()
        self._channel = Channel(here)
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the launcher
        self._scratch: Path | None = None
        self._mark = new_mark()
        python = sys.executable if environment is None else environment.python
        flags = () if environment is None else environment.variant.flags
        around = os.environ if environment is None else environment.env
        try:
            with there:
                # -P: a file of the current folder must not hide a module of the standard library.
                self._process = subprocess.Popen(
                    [python, *flags, "-P", "-m", "mprunner.worker", str(there.fileno())],
                    pass_fds=[there.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=self._stderr,
                    stderr=self._stderr,
                    start_new_session=True,
                    cwd=None if environment is None else environment.folder,
                    env={
                        **(_NO_RESERVE if bounded else {}),
                        **around,
                        MARK: self._mark,
                        "PYTHONFAULTHANDLER": "1",
                    },
                )
        except OSError as error:
            here.close()
            self._stderr.close()
            may_not = error.errno in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOEXEC)
            hint = f"see whether {python} may be executed" if may_not else "see the limits of `ulimit -a`"
            raise MprunnerError(f"the launcher can't be started: {error.strerror}", hint) from error

    @property
    def name(self) -> str:
        """What no other launcher is called, once it was greeted."""
        return "" if self._scratch is None else self._scratch.name

    def greet(self, hello: Hello) -> Ready:
        """Have the launcher get ready and return what it says of itself; if it can't, it is closed.

        Raises:
            PluginError: it can't import the scenario, or not in time; it does that unless workers are to be fresh.
            LauncherKilledError: a signal ended it.
            MprunnerError: it did not start.
        """
        self._scratch = _scratch_folder()
        deadline = monotonic() + START_LIMIT_S
        answer: object = None
        try:
            self._channel.send(replace(hello, scratch=str(self._scratch)))
            answer = self._receive(deadline)
        except OSError:
            pass
        if isinstance(answer, Ready):
            return answer
        if answer is None and monotonic() >= deadline:
            kill(self._process.pid, signal.SIGUSR2)
            sleep(ANSWER_LIMIT_S)  # it writes its stack, which says what is being imported
            raise PluginError(
                f"the worker has not imported {hello.module} within {START_LIMIT_S:g} s",
                self.destroy() or None,
            )
        said = self.close()
        if isinstance(answer, Refused):
            raise PluginError(f"the worker can't import {hello.module}: {answer.reason}", said or None)
        if self._process.returncode < 0:
            number = -self._process.returncode
            raise LauncherKilledError(
                f"signal {number} ended the launcher before the first trial", said or None
            )
        why = said.splitlines()[-1] if said else "it printed nothing"
        raise MprunnerError(f"the launcher did not start: {why}", "see the limits of `ulimit -a`")

    def execute(self, order: Order, interrupt: Interrupt) -> Ended | None:
        """Have one attempt executed; None if the launcher is dead or gives no word in time."""
        try:
            self._channel.send(order)
            answer = self._receive(monotonic() + order.timeout_s + OVERDUE_S, interrupt)
            if answer is None and interrupt.signal is not None:
                self._channel.send(Cancel())
                answer = self._receive(monotonic() + OVERDUE_S)
        except OSError:
            return None
        return answer if isinstance(answer, Ended) else None

    def _receive(self, deadline: float, interrupt: Interrupt | None = None) -> object:
        """Wait for a message; None at the deadline, on an interrupt, or when the launcher is gone."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        if interrupt is not None:
            poll.register(interrupt, select.POLLIN)
        while (message := self._channel.next()) is None:
            left = deadline - monotonic()
            ready = [fd for fd, _ in poll.poll(max(0.0, left) * 1000)]
            if self._channel.fileno() in ready:
                try:
                    self._channel.fill()
                except EOFError:
                    return None
            elif ready or left <= 0:
                return None
        return message

    def close(self) -> str:
        """End the launcher by closing the socket, by force if that takes too long; return what it printed last."""
        if self._stderr.closed:
            return ""  # it has been closed before
        self._channel.close()
        if self._scratch is None:
            self._process.kill()  # it is nothing but an interpreter that starts
        try:
            self._process.wait(OVERDUE_S)
        except subprocess.TimeoutExpired:
            return self.destroy()
        return self._last_words()

    def destroy(self) -> str:
        """End a launcher that gave no word, and all that its trial left; return what it printed last."""
        self._channel.close()
        self._end_tree()
        return self._last_words()

    def _end_tree(self) -> None:
        """End what is below the launcher, then it, then what bears its mark.

        In this order, because the orphans of its trial stay below it while it is there, though it be stopped.
        """
        until = monotonic() + END_LIMIT_S
        while monotonic() < until:
            alive = _alive_below(self._process.pid)
            if not alive:
                break
            for pid in alive:
                kill(pid)
            sleep(0.001)
        self._process.kill()
        self._process.wait()
        end_marked(self._mark)

    def _last_words(self) -> str:
        if self._scratch is not None:
            self.left = remove_tree(self._scratch)
        with self._stderr:
            self._stderr.seek(0)
            return self._stderr.read()[-4000:].decode(errors="replace").strip()


@contextmanager
def launcher_at_hand() -> Iterator[Launcher]:
    """Have a launcher start while the experiment is read; it is closed in the end, whoever has used it.

    Raises:
        MprunnerError: it can't be started.
    """
    with Interrupt() as interrupt:  # a signal must not come between the start and knowing of it
        launcher = Launcher()
        try:
            interrupt.end_at_once(launcher.close)
            yield launcher
        finally:
            launcher.close()


def _alive_below(pid: int) -> list[int]:
    if sys.platform != "linux":
        import psutil  # noqa: PLC0415 - only where there is no /proc, and only for a launcher that gives no word

        below = psutil.Process(pid).children(recursive=True)
        return [process.pid for process in below if process.status() != psutil.STATUS_ZOMBIE]
    return [process for process in descendants(pid) if not is_zombie(process)]
