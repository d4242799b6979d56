"""The parent's side of actors: start them, watch them, join them, collect what each hands over."""

import os
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext, ForkServerProcess
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import Any, Literal, cast

from mprunner.actors import BarrierGate, Gate, NoGate, Report, SpinGate, bootstrap

Method = Literal["fork", "spawn", "forkserver"]
Sync = Literal["none", "barrier", "spin"]


class ActorsFailed(RuntimeError):  # noqa: N818 - it says what happened
    """At least one actor raised, was killed or ended early; the message names each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorResult:
    """What became of one actor. A time is None where the actor did not live to tell it.

    Attributes:
        actor: its index within the trial, from 0.
        kind: the start method of its process.
        pid: its process id.
        start_latency_s: from the call that started it until its first instruction.
        start_skew_s: how long after the first actor of the group it began to work.
        wall_s: from the beginning of its first round to the end of its last, waiting for others included.
        cpu_s: CPU time over the same span, spinning at the gate included.
        rounds: the rounds that it finished.
        exit_code: its process's exit code, negative for a signal.
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
        return self.error_type is not None or self.exit_code != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorsResult:
    """What a group of actors did together.

    Attributes:
        actors: one result per actor, in the order given.
        settled: each state that ``settle`` returned, with the number of rounds that ended in it.
        wall_s: from the first actor's first round to the last actor's end; None if no actor began.
    """

    actors: tuple[ActorResult, ...]
    settled: Mapping[Any, int]
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


@dataclass(slots=True, kw_only=True)
class _Actor:
    """One actor under way."""

    index: int
    process: BaseProcess
    channel: Connection
    called: float
    watch: int
    report: Report | None = None


def run_actors(
    context: BaseContext,
    actors: Sequence[Callable[[], object]],
    *,
    sync: Sync = "none",
    rounds: int = 1,
    settle: Callable[[], Hashable] | None = None,
    first_index: int = 0,
) -> ActorsResult:
    """Start the actors, line them up, join them; see :meth:`mprunner.scenario.Trial.run_actors`."""
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, not {rounds}")
    gate = _gate(context, len(actors), sync, needed=rounds > 1 or settle is not None)
    started: list[_Actor] = []
    try:
        for index, work in enumerate(actors):
            started.append(_start(context, index, work, rounds, settle, gate))
        _collect(started, gate)
        return _result(context, started, first_index)
    finally:
        for actor in started:
            _end(actor)
        if gate is not None:
            gate.close()


def _gate(context: BaseContext, actors: int, sync: Sync, *, needed: bool) -> Gate | None:
    match sync:
        case "spin":
            return SpinGate(actors)
        case "barrier":
            return BarrierGate(actors, context.Semaphore)
        case "none":
            return NoGate(actors, context.Semaphore) if needed else None
    raise ValueError(f"sync is one of none, barrier, spin; not {sync!r}")


def _start(
    context: BaseContext,
    index: int,
    work: Callable[[], object],
    rounds: int,
    settle: Callable[[], Hashable] | None,
    gate: Gate | None,
) -> _Actor:
    reader, writer = context.Pipe(duplex=False)
    process: BaseProcess = context.Process(  # type: ignore[attr-defined]  # every concrete context has it
        target=bootstrap,
        args=(index, work, rounds, settle if index == 0 else None, gate, writer),
        name=f"actor-{index}",
    )
    called = perf_counter()
    try:
        process.start()
    except BaseException:
        reader.close()
        raise
    finally:
        writer.close()
    return _Actor(index=index, process=process, channel=reader, called=called, watch=_watch(process))


def _watch(process: BaseProcess) -> int:
    """Open a descriptor that becomes readable when the process has ended.

    A forked child's sentinel stays silent while a grandchild that it left behind holds the other end of the
    pipe; a pidfd tells of the process alone. A forkserver's child is not ours to open: its server tells.
    """
    if sys.platform == "linux" and process.pid is not None and not isinstance(process, ForkServerProcess):
        try:
            return os.pidfd_open(process.pid)
        except OSError:  # a kernel or a sandbox without pidfd
            pass
    return os.dup(process.sentinel)


def _collect(started: Sequence[_Actor], gate: Gate | None) -> None:
    by_channel = {actor.channel: actor for actor in started}
    by_watch = {actor.watch: actor for actor in started}
    while by_watch:
        for ready in wait([*by_channel, *by_watch]):
            if isinstance(ready, int):
                actor = by_watch.pop(ready)
                actor.process.join()
                if by_channel.pop(actor.channel, None) is not None and actor.channel.poll():
                    actor.report = _receive(actor)
            else:
                actor = by_channel.pop(cast("Connection", ready))
                actor.report = _receive(actor)
            if gate is not None and _lost(actor):
                gate.abort()


def _lost(actor: _Actor) -> bool:
    """Whether the actor will not come to the gate again although others may wait there for it."""
    return actor.report is None or actor.report.error is not None


def _receive(actor: _Actor) -> Report | None:
    try:
        report: Report = actor.channel.recv()
    except (EOFError, OSError):
        return None
    except Exception as error:  # unpickling executes code of the value's class
        report = Report(actor.called)
        report.error = type(error).__name__, f"the actor's return value can't be read: {error}"
    return report


def _end(actor: _Actor) -> None:
    if actor.process.is_alive():  # only when starting a later actor failed
        actor.process.kill()
        actor.process.join()
    actor.channel.close()
    os.close(actor.watch)


def _result(context: BaseContext, started: Sequence[_Actor], first_index: int) -> ActorsResult:
    reports = [actor.report for actor in started]
    begins = [report.began for report in reports if report is not None and report.began is not None]
    ends = [report.ended for report in reports if report is not None and report.ended is not None]
    first = min(begins, default=None)
    settled = reports[0].settled if reports and reports[0] is not None else {}
    return ActorsResult(
        actors=tuple(_actor_result(context, actor, first, first_index) for actor in started),
        settled=settled,
        wall_s=max(ends) - first if ends and first is not None else None,
    )


def _actor_result(context: BaseContext, actor: _Actor, first: float | None, first_index: int) -> ActorResult:
    report = actor.report
    began = report.began if report else None
    ended = report.ended if report else None
    error = report.error if report else None
    return ActorResult(
        actor=first_index + actor.index,
        kind=context.get_start_method() or "fork",
        pid=actor.process.pid,
        start_latency_s=report.entered - actor.called if report else None,
        start_skew_s=began - first if began is not None and first is not None else None,
        wall_s=ended - began if began is not None and ended is not None else None,
        cpu_s=report.cpu_s if report else None,
        rounds=report.rounds if report else 0,
        exit_code=actor.process.exitcode,
        error_type=error[0] if error else None,
        error_message=error[1] if error else None,
        value=report.value if report else None,
    )
