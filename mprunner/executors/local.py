"""Executes attempts on this machine, through one launcher."""

import json
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final

import psutil

from mprunner.errors import MprunnerError, PluginError
from mprunner.executors import ScenarioSource
from mprunner.executors.interrupt import Interrupt
from mprunner.records import Attempt, Ending, Record, Result, Status, classify
from mprunner.worker.protocol import Cancel, Channel, Ended, Hello, Order, Ready, Refused, decode, encode

START_LIMIT_S: Final = 60.0
"""How long a launcher may take to import the scenario."""

OVERDUE_S: Final = 10.0
"""How long after an attempt's timeout, or its cancelling, the launcher's word is waited for."""


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
        self._launcher = _Launcher()
        self.containment = self._launcher.greet(self._source, self._wanted)

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt; whatever happens to it, to its processes or to the launcher is in the record."""
        if self._launcher is None:
            self.start()
        assert self._launcher is not None
        started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        began = monotonic()
        order = Order(
            params=attempt.params,
            seed=attempt.seed,
            repeat=attempt.repeat,
            timeout_s=attempt.timeout_s,
            log=str(logs / f"{attempt.trial_id}.{attempt.attempt}.log"),
        )
        ended = self._launcher.execute(order, interrupt)
        if ended is None:
            self._launcher.close(patience_s=0.0)
            self._launcher = None
            lost = Ending(wall_s=monotonic() - began)
            status, ending = Status.CANCELLED if interrupt.signal else Status.LOST, lost
        else:
            ending = ending_of(ended)
            status = classify(ending)
        return Record(
            attempt=attempt, status=status, ending=ending, containment=self.containment, started_at=started_at
        )

    def close(self) -> None:
        """End the launcher and whatever is below it."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None


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


class _Launcher:
    """A launcher process, seen from the runner."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the launcher
        self._scratch = Path(tempfile.mkdtemp(prefix="mprunner-"))
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
        self._channel = Channel(here)

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
        said = self._said()
        self.close()
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

    def _said(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read()[-4000:].decode(errors="replace").strip()

    def close(self, patience_s: float = OVERDUE_S) -> None:
        """End the launcher: ask it by closing the socket, then kill what is left."""
        self._channel.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._kill()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._stderr.close()

    def _kill(self) -> None:
        launcher = psutil.Process(self._process.pid)
        tree = [*launcher.children(recursive=True), launcher]
        for process in tree:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        self._process.wait()
