"""A group of actors, seen from the worker: started, watched, joined, and what they did."""

import os
import sys
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import Any, Final, Literal, cast

from mprunner.actors.bootstrap import (
    BarrierGate,
    Gate,
    NoGate,
    Part,
    Report,
    SpinGate,
    bootstrap,
    bootstrap_thread,
)
from mprunner.actors.interpreters import PipeSemaphore, interpreters, require_interpreters
from mprunner.actors.thread_gate import ThreadSpinGate

Kind = Literal["process", "thread", "interpreter"]
Method = Literal["fork", "spawn", "forkserver", "default"]
Sync = Literal["none", "barrier", "spin"]

PROCESS: Final = "process"
THREAD: Final = "thread"
INTERPRETER: Final = "interpreter"
KINDS = (PROCESS, THREAD, INTERPRETER)


class ActorsFailed(RuntimeError):  # noqa: N818 - it says what happened
    """At least one actor raised, was killed or ended early; the message names each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorResult:
    """What became of one actor. A time is None if the actor ended before it could report it.

    Attributes:
        actor: its index within the trial, from 0.
        kind: the start method of its process, or ``thread``, or ``interpreter``.
        pid: the id of its process; the worker's for a thread and an interpreter.
        start_latency_s: from the call that started it until its first instruction.
        start_skew_s: how long after the first actor of the group it began to work.
        wall_s: from the beginning of its first round to the end of its last, waiting for others included. A random
            wait at the gate of threads is no part of it, nor of cpu_s: see :mod:`mprunner.actors.thread_gate`.
        cpu_s: CPU time over the same span, spinning at the gate included.
        rounds: the rounds that it finished.
        exit_code: its process's exit code, negative for a signal; None without a process of its own.
        error_type: the type of the exception that ended it.
        error_message: that exception's message.
        value: what its last round returned.
    """

    actor: int
    kind: str
    pid: int | None
    start_latency_s: float | None
    start_skew_s: float | None
    wall_s: float | None
    cpu_s: float | None
    rounds: int
    exit_code: int | None
    error_type: str | None
    error_message: str | None
    value: object = None

    @property
    def failed(self) -> bool:
        """Whether it raised, was killed or left with an exit code other than 0."""
        return self.error_type is not None or self.exit_code not in (0, None)

    @property
    def blame(self) -> str:
        """How it failed, in words."""
        if self.error_type is not None:
            return f"actor {self.actor} raised {self.error_type}: {self.error_message}"
        if self.exit_code is not None and self.exit_code < 0:
            return f"actor {self.actor} was killed by signal {-self.exit_code}"
        return f"actor {self.actor} ended with exit code {self.exit_code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorsResult:
    """What a group of actors did together.

    Attributes:
        actors: one result per actor, in the order given.
        settled: each state that ``settle`` returned, with the number of rounds that ended in it.
        start_s: from the call that started the first actor until the last one ran; None if none ran.
        wall_s: from the first actor's first round to the last actor's end; None if no actor began.
    """

    actors: tuple[ActorResult, ...]
    settled: Mapping[Any, int]
    start_s: float | None
    wall_s: float | None

    def raise_failures(self) -> None:
        """Raise :class:`ActorsFailed` if any actor failed, naming those that caused it first."""
        failed = [actor for actor in self.actors if actor.failed]
        if failed:
            failed.sort(key=lambda actor: actor.error_type == "GateBroken")
            raise ActorsFailed("; ".join(actor.blame for actor in failed))


@dataclass(frozen=True, slots=True)
class _Joined:
    """An actor that has ended.

    Attributes:
        called: when it was started, in ``perf_counter`` seconds.
        report: what it handed over; None if it was killed before it could.
        pid: the id of its process.
        exit_code: of its process; None without one of its own.
    """

    called: float
    report: Report | None
    pid: int | None
    exit_code: int | None


_Ended = Callable[[int, _Joined], None]
"""Is called with the index of an actor that has ended, while others may go on."""

_Execute = Callable[[Part, list[Report | None]], None]
"""Executes a part in the thread that calls it, and leaves its report in the list."""


@dataclass(slots=True, kw_only=True)
class _Process:
    """An actor under way whose process this is."""

    index: int
    process: BaseProcess
    channel: Connection
    called: float
    watch: int
    report: Report | None = None

    @property
    def joined(self) -> _Joined:
        return _Joined(self.called, self.report, self.process.pid, self.process.exitcode)


def run_actors(
    context: BaseContext,
    actors: Sequence[Callable[[], object]],
    *,
    kind: Kind = "process",
    sync: Sync = "none",
    rounds: int = 1,
    settle: Callable[[], Hashable] | None = None,
    first_index: int = 0,
    tell_failed: Callable[[ActorResult], object] = lambda actor: None,
) -> ActorsResult:
    """Start the actors, line them up, join them; see :meth:`mprunner.scenario.Trial.run_actors`.

    ``tell_failed`` is called with each that fails, at once: the others may wait for it until they are killed.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    if kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(KINDS)}; not {kind!r}")
    for index, work in enumerate(actors):
        if not callable(work):
            raise TypeError(
                f"actor {index} is {work!r}, not something to call, such as partial(withdraw, 10)"
            )
    if kind == INTERPRETER:
        require_interpreters()
    gate = _gate(len(actors), sync, kind, context, needed=rounds > 1 or settle is not None)
    parts = [
        Part(index, work, rounds, settle if index == 0 else None, gate) for index, work in enumerate(actors)
    ]
    started_as = (context.get_start_method() or "fork") if kind == PROCESS else kind

    def ended(index: int, actor: _Joined) -> None:
        result = _actor_result(actor, first_index + index, started_as, None)
        if result.failed:
            tell_failed(result)

    try:
        if kind == PROCESS:
            joined = _run_processes(context, parts, gate, ended)
        else:
            execute = bootstrap_thread if kind == THREAD else interpreters(parts)
            joined = _run_threads(parts, gate, ended, execute)
    finally:
        if gate is not None:
            gate.close()
    return _result(joined, started_as, first_index)


def _gate(actors: int, sync: Sync, kind: Kind, context: BaseContext, *, needed: bool) -> Gate | None:
    semaphores: dict[Kind, Callable[[int], Any]] = {
        PROCESS: context.Semaphore,
        THREAD: threading.Semaphore,
        INTERPRETER: PipeSemaphore,
    }
    match sync:
        case "spin":
            return ThreadSpinGate(actors) if kind == THREAD else SpinGate(actors)
        case "barrier":
            return BarrierGate(actors, semaphores[kind])
        case "none":
            return NoGate(actors, semaphores[kind]) if needed else None
    raise ValueError(f"sync is one of none, barrier, spin; not {sync!r}")


def _run_threads(parts: Sequence[Part], gate: Gate | None, ended: _Ended, execute: _Execute) -> list[_Joined]:
    """Execute each part in a thread of this process; one that fails aborts the gate itself."""
    reports: list[Report | None] = [None] * len(parts)
    started: list[tuple[threading.Thread, float]] = []
    try:
        for part in parts:
            called = perf_counter()
            thread = threading.Thread(
                target=_run_thread,
                args=(part, reports, called, ended, execute),
                name=f"actor-{part.index}",
                daemon=True,
            )
            started.append((thread, called))
            thread.start()
    except RuntimeError:  # the system has no room for another thread: those that wait must not wait for it
        if gate is not None:
            gate.abort()
        started.pop()
        raise
    finally:
        for thread, _ in started:
            thread.join()
    pid = os.getpid()
    return [_Joined(called, report, pid, None) for (_, called), report in zip(started, reports, strict=True)]


def _run_thread(
    part: Part, reports: list[Report | None], called: float, ended: _Ended, execute: _Execute
) -> None:
    try:
        execute(part, reports)
    finally:
        ended(part.index, _Joined(called, reports[part.index], os.getpid(), None))


def _run_processes(
    context: BaseContext, parts: Sequence[Part], gate: Gate | None, ended: _Ended
) -> list[_Joined]:
    """Execute each part in a process of its own and return how each ended, in the order given.

    Raises:
        pickle.PicklingError, AttributeError, TypeError: a part can't be sent to a spawned process.
    """
    started: list[_Process] = []
    try:
        for part in parts:
            started.append(_start(context, part))  # noqa: PERF401 - known even if the next one fails
        _collect(started, gate, ended)
        return [actor.joined for actor in started]
    finally:
        for actor in started:
            _end(actor)


def _start(context: BaseContext, part: Part) -> _Process:
    reader, writer = context.Pipe(duplex=False)
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # every concrete context has it
        target=bootstrap, args=(part, writer), name=f"actor-{part.index}"
    )
    called = perf_counter()
    try:
        process.start()
    except BaseException:
        reader.close()
        raise
    finally:
        writer.close()
    return _Process(index=part.index, process=process, channel=reader, called=called, watch=_watch(process))


def _watch(process: BaseProcess) -> int:
    """Open a descriptor that becomes readable when the process has ended.

    A forked child's sentinel stays silent while a grandchild that it left behind holds the other end of the
    pipe; a pidfd tells of the process alone. A forkserver's child is not ours to open: its server tells.
    """
    if sys.platform == "linux" and process.pid is not None and not isinstance(process, ForkServerProcess):
        try:
            return os.pidfd_open(process.pid)
        except (OSError, AttributeError):  # a kernel or a sandbox without pidfd, or PyPy
            pass
    return os.dup(process.sentinel)


def _collect(started: Sequence[_Process], gate: Gate | None, ended: _Ended) -> None:
    by_channel = {actor.channel: actor for actor in started}
    by_watch = {actor.watch: actor for actor in started}
    while by_watch:
        for ready in wait([*by_channel, *by_watch]):
            if isinstance(ready, int):
                actor = by_watch.pop(ready)
                actor.process.join()
                if by_channel.pop(actor.channel, None) is not None and actor.channel.poll():
                    actor.report = _receive(actor)
                ended(actor.index, actor.joined)
            else:
                actor = by_channel.pop(cast("Connection", ready))
                actor.report = _receive(actor)
            if gate is not None and _lost(actor):
                gate.abort()


def _lost(actor: _Process) -> bool:
    """Whether the actor will not come to the gate again although others may wait there for it."""
    return actor.report is None or actor.report.error is not None


def _receive(actor: _Process) -> Report | None:
    try:
        report: Report = actor.channel.recv()
    except (EOFError, OSError):
        return None
    except Exception as error:  # unpickling executes code of the value's class
        report = Report(actor.called)
        report.error = type(error).__name__, f"the actor's return value can't be read: {error}"
    return report


def _end(actor: _Process) -> None:
    if actor.process.is_alive():  # only when starting a later actor failed
        actor.process.kill()
        actor.process.join()
    actor.channel.close()
    os.close(actor.watch)


def _result(joined: Sequence[_Joined], kind: str, first_index: int) -> ActorsResult:
    reports = [actor.report for actor in joined if actor.report is not None]
    first = min((report.began for report in reports if report.began is not None), default=None)
    ends = [report.ended for report in reports if report.ended is not None]
    leader = joined[0].report if joined else None
    results = (_actor_result(actor, first_index + index, kind, first) for index, actor in enumerate(joined))
    return ActorsResult(
        actors=tuple(results),
        settled=leader.settled if leader is not None else {},
        start_s=max(report.entered for report in reports) - joined[0].called if reports else None,
        wall_s=max(ends) - first if ends and first is not None else None,
    )


def _actor_result(joined: _Joined, index: int, kind: str, first: float | None) -> ActorResult:
    report = joined.report or Report(joined.called)  # without a report nothing is known of it
    began, ended = report.began, report.ended
    error_type, error_message = report.error or (None, None)
    return ActorResult(
        actor=index,
        kind=kind,
        pid=joined.pid,
        start_latency_s=report.entered - joined.called if joined.report else None,
        start_skew_s=began - first if began is not None and first is not None else None,
        wall_s=ended - began if began is not None and ended is not None else None,
        cpu_s=report.cpu_s,
        rounds=report.rounds,
        exit_code=joined.exit_code,
        error_type=error_type,
        error_message=error_message,
        value=report.value,
    )
