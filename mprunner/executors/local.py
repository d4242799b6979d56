"""Executes attempts on this machine, through one launcher."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final

from mprunner.errors import MprunnerError, PluginError
from mprunner.executors import ScenarioSource
from mprunner.executors.interrupt import Interrupt
from mprunner.records import Attempt, Ending, Record, Result, Status, classify
from mprunner.worker.files import current_log, remove_tree
from mprunner.worker.protocol import Cancel, Channel, Ended, Hello, Order, Ready, Refused, decode, encode

START_LIMIT_S: Final = 60.0
"""How long a launcher may take to import the scenario."""

OVERDUE_S: Final = 10.0
"""How long after an attempt's timeout, or its cancelling, the launcher's word is waited for."""


MAX_TMPDIR: Final = 55
"""Characters of ``TMPDIR`` beyond which the sockets of a trial would not fit: 107, less 52 for the names in it."""


class LocalExecutor:
    """One launcher, one attempt at a time. A launcher that gives no word is ended and replaced.

    Attributes:
        containment: ``subreaper`` or ``process-group``, once started.
    """

    def __init__(self, source: ScenarioSource, containment: str | None = None) -> None:
        self.containment = ""
        self._source = source
        self._wanted = containment
        self._launcher: _Launcher | None = None

    def start(self) -> None:
        """Start the launcher and have it import the scenario.

        Raises:
            PluginError: it can't.
        """
        launcher = _Launcher()
        self.containment = launcher.greet(self._source, self._wanted)  # it has closed itself if this raises
        self._launcher = launcher

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt; whatever happens to it, to its processes or to the launcher is in the record."""
        started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        began = monotonic()
        order = Order(
            params=attempt.params,
            seed=attempt.seed,
            repeat=attempt.repeat,
            timeout_s=attempt.timeout_s,
            log=str(logs / f"{attempt.trial_id}.{attempt.attempt}.log"),
        )
        try:
            ending = ending_of(self._execute(order, interrupt))
            status = classify(ending)
        except _LauncherLostError as error:
            ending = Ending(wall_s=monotonic() - began, malformed=str(error))
            status = Status.CANCELLED if interrupt.signal else Status.LOST
        return Record(
            attempt=attempt, status=status, ending=ending, containment=self.containment, started_at=started_at
        )

    def _execute(self, order: Order, interrupt: Interrupt) -> Ended:
        if self._launcher is None:  # the last one was lost
            try:
                self.start()
            except (MprunnerError, OSError) as error:
                raise _LauncherLostError(f"no new launcher could be started: {error}") from error
        assert self._launcher is not None
        ended = self._launcher.execute(order, interrupt)
        if ended is not None:
            return ended
        said = self._launcher.close(patience_s=0.0)
        self._launcher = None
        _keep_log(Path(order.log))
        raise _LauncherLostError(said or "the launcher died, or gave no word in time")

    def close(self) -> None:
        """End the launcher and whatever is below it."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None


class _LauncherLostError(Exception):
    """There is no launcher to say how an attempt ended."""


def _keep_log(log: Path) -> None:
    """Give what a lost attempt has printed its name, before another attempt prints to the same file."""
    current = current_log(log)
    try:
        if current.stat().st_size:
            current.rename(log)
    except OSError:  # it has printed nothing, or there is no log
        return


def ending_of(ended: Ended) -> Ending:
    """Turn a launcher's word into facts about the attempt, with the worker's result read and checked."""
    facts: dict[str, Any] = {name: getattr(ended, name) for name in Ended.__dataclass_fields__}
    text = facts.pop("result")
    if text is None:
        return Ending(**facts)
    try:
        return Ending(**facts, result=Result.from_json(json.loads(text)))
    except (KeyError, TypeError, ValueError) as error:
        return Ending(**facts, malformed=f"the result is malformed: {error}")


def _scratch_folder() -> Path:
    """Make a folder for a launcher, under ``TMPDIR`` unless that is too long for the name of a socket in it.

    multiprocessing's fork server and managers put sockets into their temporary folder, and the system allows a
    socket's name about a hundred characters.
    """
    root = tempfile.gettempdir()
    if len(root) > MAX_TMPDIR and os.access("/tmp", os.W_OK):
        root = "/tmp"
    return Path(tempfile.mkdtemp(prefix="mpr-", dir=root))


class _Launcher:
    """A launcher process, seen from the runner."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        self._channel = Channel(here)
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the launcher
        self._scratch = _scratch_folder()
        try:
            with there:
                # -P: a file of the current folder must not hide a module of the standard library.
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "mprunner.worker", str(there.fileno())],
                    pass_fds=[there.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=self._stderr,
                    stderr=self._stderr,
                    start_new_session=True,
                )
        except OSError as error:
            here.close()
            self._stderr.close()
            remove_tree(self._scratch)
            raise MprunnerError(
                f"the launcher can't be started: {error.strerror}", "see the limits of `ulimit -a`"
            ) from error

    def greet(self, source: ScenarioSource, containment: str | None) -> str:
        """Have the launcher import the scenario and return the containment that holds."""
        hello = Hello(
            module=source.module,
            qualname=source.qualname,
            files=source.files,
            sys_path=tuple(path for path in sys.path if path),
            scratch=str(self._scratch),
            containment=containment,
        )
        answer: object = None
        try:
            self._channel.send(encode(hello))
            answer = self._receive(monotonic() + START_LIMIT_S)
        except OSError:
            pass
        if isinstance(answer, Ready):
            return answer.containment
        said = self.close()
        if isinstance(answer, Refused):
            raise PluginError(f"the worker can't import {source.module}: {answer.reason}", said or None)
        raise MprunnerError("the launcher did not start", said or "it printed nothing")

    def execute(self, order: Order, interrupt: Interrupt) -> Ended | None:
        """Have one attempt executed; None if the launcher is dead or gives no word in time."""
        try:
            self._channel.send(encode(order))
            answer = self._receive(monotonic() + order.timeout_s + OVERDUE_S, interrupt)
            if answer is None and interrupt.signal is not None:
                self._channel.send(encode(Cancel()))
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
        return decode(message)

    def close(self, patience_s: float = OVERDUE_S) -> str:
        """End the launcher, by closing the socket and then by force; return what it printed last."""
        self._channel.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._kill()
        remove_tree(self._scratch)
        with self._stderr:
            self._stderr.seek(0)
            return self._stderr.read()[-4000:].decode(errors="replace").strip()

    def _kill(self) -> None:
        import psutil  # noqa: PLC0415 - only for a launcher that gives no word

        launcher = psutil.Process(self._process.pid)
        tree = [*launcher.children(recursive=True), launcher]
        for process in tree:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        self._process.wait()
