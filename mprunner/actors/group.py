"""A group of actors, processes or threads, from their start to what they did together."""

import os
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from time import perf_counter
from typing import Any, Literal

from mprunner.actors.bootstrap import (
    BarrierGate,
    Gate,
    NoGate,
    Part,
    Report,
    SpinGate,
    ThreadSpinGate,
    bootstrap_thread,
)
from mprunner.actors.processes import Joined, run_processes

Kind = Literal["process", "thread"]
Method = Literal["fork", "spawn", "forkserver"]
Sync = Literal["none", "barrier", "spin"]

THREAD = "thread"


class ActorsFailed(RuntimeError):  # noqa: N818 - it says what happened
    """At least one actor raised, was killed or ended early; the message names each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorResult:
    """What became of one actor. A time is None if the actor ended before it could report it.

    Attributes:
        actor: its index within the trial, from 0.
        kind: the start method of its process, or ``thread``.
        pid: the id of its process; the worker's for a thread.
        start_latency_s: from the call that started it until its first instruction.
        start_skew_s: how long after the first actor of the group it began to work.
        wall_s: from the beginning of its first round to the end of its last, waiting for others included.
        cpu_s: CPU time over the same span, spinning at the gate included.
        rounds: the rounds that it finished.
        exit_code: its process's exit code, negative for a signal; None for a thread.
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
        return self.error_type is not None or (self.exit_code != 0 and self.kind != THREAD)


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
            raise ActorsFailed("; ".join(_blame(actor) for actor in failed))


def _blame(actor: ActorResult) -> str:
    if actor.error_type is not None:
        return f"actor {actor.actor} raised {actor.error_type}: {actor.error_message}"
    if actor.exit_code is not None and actor.exit_code < 0:
        return f"actor {actor.actor} was killed by signal {-actor.exit_code}"
    return f"actor {actor.actor} ended with exit code {actor.exit_code}"


def run_actors(
    context: BaseContext,
    actors: Sequence[Callable[[], object]],
    *,
    kind: Kind = "process",
    sync: Sync = "none",
    rounds: int = 1,
    settle: Callable[[], Hashable] | None = None,
    first_index: int = 0,
) -> ActorsResult:
    """Start the actors, line them up, join them; see :meth:`mprunner.scenario.Trial.run_actors`."""
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    if kind not in ("process", "thread"):
        raise ValueError(f"kind is process or thread, not {kind!r}")
    threads = kind == THREAD
    semaphore = threading.Semaphore if threads else context.Semaphore
    gate = _gate(len(actors), sync, semaphore, threads=threads, needed=rounds > 1 or settle is not None)
    parts = [
        Part(index, work, rounds, settle if index == 0 else None, gate) for index, work in enumerate(actors)
    ]
    try:
        joined = _run_threads(parts, gate) if threads else run_processes(context, parts, gate)
    finally:
        if gate is not None:
            gate.close()
    started_as = THREAD if threads else context.get_start_method() or "fork"
    return _result(joined, started_as, first_index)


def _gate(
    actors: int, sync: Sync, semaphore: Callable[[int], Any], *, threads: bool, needed: bool
) -> Gate | None:
    match sync:
        case "spin":
            return ThreadSpinGate(actors) if threads else SpinGate(actors)
        case "barrier":
            return BarrierGate(actors, semaphore)
        case "none":
            return NoGate(actors, semaphore) if needed else None
    raise ValueError(f"sync is one of none, barrier, spin; not {sync!r}")


def _run_threads(parts: Sequence[Part], gate: Gate | None) -> list[Joined]:
    """Execute each part in a thread of this process; one that fails aborts the gate itself."""
    reports: list[Report | None] = [None] * len(parts)
    started: list[tuple[threading.Thread, float]] = []
    try:
        for part in parts:
            thread = threading.Thread(
                target=bootstrap_thread, args=(part, reports), name=f"actor-{part.index}", daemon=True
            )
            started.append((thread, perf_counter()))
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
    return [Joined(called, report, pid, None) for (_, called), report in zip(started, reports, strict=True)]


def _result(joined: Sequence[Joined], kind: str, first_index: int) -> ActorsResult:
    reports = [actor.report for actor in joined if actor.report is not None]
    begins = [report.began for report in reports if report.began is not None]
    ends = [report.ended for report in reports if report.ended is not None]
    first = min(begins, default=None)
    leader = joined[0].report if joined else None
    return ActorsResult(
        actors=tuple(
            _actor_result(actor, first_index + index, kind, first) for index, actor in enumerate(joined)
        ),
        settled=leader.settled if leader is not None else {},
        start_s=max(report.entered for report in reports) - joined[0].called if reports else None,
        wall_s=max(ends) - first if ends and first is not None else None,
    )


def _actor_result(joined: Joined, index: int, kind: str, first: float | None) -> ActorResult:
    report = joined.report
    began = report.began if report else None
    ended = report.ended if report else None
    error = report.error if report else None
    return ActorResult(
        actor=index,
        kind=kind,
        pid=joined.pid,
        start_latency_s=report.entered - joined.called if report else None,
        start_skew_s=began - first if began is not None and first is not None else None,
        wall_s=ended - began if began is not None and ended is not None else None,
        cpu_s=report.cpu_s if report else None,
        rounds=report.rounds if report else 0,
        exit_code=joined.exit_code,
        error_type=error[0] if error else None,
        error_message=error[1] if error else None,
        value=report.value if report else None,
    )
