"""spawn-count: start processes, threads or interpreters that count, and collect what they counted."""

import math
import queue
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from multiprocessing.sharedctypes import Synchronized
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge

from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Stopwatch, Trial, Unit, Unless, When
from mprunner_scenarios.actors.spawn_count import (
    count_to,
    exit_with_count,
    put_count,
    send_count,
    store_count,
)

if TYPE_CHECKING:
    from mprunner.scenario import ActorResult

MAX_EXIT_STATUS = 2**31 - 1
"""The largest number that sys.exit() hands to the system; the system keeps its lowest eight bits."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a spawn-count experiment may vary."""

    mode: Annotated[
        Literal["concurrent", "serial"],
        Doc("an actor for each count, or one count after the other in the worker itself"),
    ] = "concurrent"
    processes: Annotated[ProcessCount, Doc("how many times it is counted to n")] = CPU_COUNT
    n: Annotated[int, Ge(1), Doc("how far each counts")] = 2_000_000
    kind: Annotated[
        Literal["process", "thread", "interpreter"],
        Doc("what the actors are; interpreters need Python 3.13"),
        Unless(mode="serial"),
    ] = "process"
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver", "default"],
        Doc("how the processes are started; default: as this Python starts them"),
        When(kind="process"),
    ] = "fork"
    result_via: Annotated[
        Literal["queue", "exitcode", "pipe", "value"],
        Doc("how an actor hands its count over"),
        Unless(mode="serial"),
    ] = "queue"
    join: Annotated[
        Literal["all-at-end", "each"],
        Doc("start all and then join them, or join each before the next starts: the classic mistake"),
        Unless(mode="serial"),
    ] = "all-at-end"

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if self.result_via == "exitcode" and self.n > MAX_EXIT_STATUS:
            raise ValueError(f"sys.exit() takes no number over {MAX_EXIT_STATUS:,}")
        if self.kind != "process" and self.result_via == "exitcode":
            raise ValueError(f"{'a thread' if self.kind == 'thread' else 'an interpreter'} has no exit code")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What spawn-count measures."""

    wall_s: Annotated[float, Unit("s"), Doc("from the first start to the last join")]
    start_s: Annotated[float | None, Unit("s"), Doc("from the first start until the last actor runs")]
    counts_per_s: Annotated[float, Unit("per_s"), Doc("counts of all actors together, over wall_s")]
    result: Annotated[int | None, Doc("what arrived of the first actor's count")]
    lost_results: Annotated[int, Doc("actors whose count did not arrive as it was")]


class SpawnCount(Scenario[Params, Metrics]):
    """Start processes, threads or interpreters that each count to n, and collect what they counted.

    Counting keeps one CPU busy, so processes that count at the same time are faster than one that counts for
    all, until there are more of them than CPUs. Threads are not: under the GIL one at a time executes Python code.
    Interpreters are: each has a GIL of its own. A start costs: a forked process runs after a millisecond or so, a
    spawned one after a whole interpreter's start (`start_s`, and actors.csv for each).

    An exit code has eight bits: 50,000,000 comes back as 128. (The tutorial, which collects results so, printed
    zeros: it had started a function of an earlier cell that counted nothing.) A queue, a pipe or a shared value
    brings a count back whole.
    """

    name = "spawn-count"
    outcomes = {  # noqa: RUF012 - read only
        "result": Doc("what an actor's count was when it arrived"),
        "finish_order": Doc("the actors by when they finished, such as 1-0-2"),
    }
    serial = {"mode": "serial"}  # noqa: RUF012 - read only
    baseline = {"mode": "serial"}  # noqa: RUF012 - read only
    work = ("n", "processes")
    summary = (
        "{wall_s:median}[, all running after {start_s:median}], {result:states} came back, "
        "{lost_results:max} results lost"
    )

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Count, and look at what arrived."""
        watch = trial.stopwatch()
        if params.mode == "serial":
            arrived: Sequence[int | None] = [count_to(params.n) for _ in range(params.processes)]
            wall_s, start_s = watch.elapsed_s, None
        else:
            actors, arrived, start_s = _count_in_actors(params, trial, watch)
            wall_s = watch.elapsed_s
            trial.observe(finish_order=_finish_order(actors, params))
        for count in arrived:
            trial.observe(result="nothing" if count is None else count)
        return Metrics(
            wall_s=wall_s,
            start_s=start_s,
            counts_per_s=params.n * params.processes / wall_s,
            result=arrived[0],
            lost_results=sum(count != params.n for count in arrived),
        )


def _count_in_actors(
    params: Params, trial: Trial, watch: Stopwatch
) -> "tuple[Sequence[ActorResult], list[int | None], float | None]":
    """Start the actors, all at once or one after the other.

    Returns:
        the actors, the counts that arrived, and the watch's time when the last actor ran.
    """
    context = trial.context("spawn" if params.kind == "interpreter" else params.start_method)
    wiring = _WIRINGS[params.result_via](context, params)
    together = params.processes if params.join == "all-at-end" else 1
    actors: list[ActorResult] = []
    last_ran: float | None = None
    for first in range(0, params.processes, together):
        began = watch.elapsed_s
        group = trial.run_actors(
            wiring.actors[first : first + together], kind=params.kind, method=params.start_method
        )
        actors.extend(group.actors)
        if group.start_s is not None:
            last_ran = began + group.start_s
    return actors, wiring.collect(actors), last_ran


def _finish_order(actors: "Sequence[ActorResult]", params: Params) -> str:
    if params.join == "each":
        return "-".join(str(actor.actor) for actor in actors)
    ended = sorted(actors, key=lambda actor: (actor.start_skew_s or 0.0) + (actor.wall_s or math.inf))
    return "-".join(str(actor.actor) for actor in ended)


@dataclass(frozen=True)
class _Wiring:
    """What each actor executes, and how what they counted is collected when all have ended."""

    actors: Sequence[Callable[[], object]]
    collect: "Callable[[Sequence[ActorResult]], list[int | None]]"


def _by_exit_code(context: BaseContext, params: Params) -> _Wiring:
    return _Wiring(
        actors=[partial(exit_with_count, params.n)] * params.processes,
        collect=lambda actors: [actor.exit_code for actor in actors],
    )


def _by_queue(context: BaseContext, params: Params) -> _Wiring:
    counts: Any = queue.SimpleQueue() if params.kind == "thread" else context.SimpleQueue()

    def collect(actors: "Sequence[ActorResult]") -> list[int | None]:
        return [None if counts.empty() else counts.get() for _ in actors]

    return _Wiring(actors=[partial(put_count, params.n, counts)] * params.processes, collect=collect)


def _by_pipe(context: BaseContext, params: Params) -> _Wiring:
    pipes = [context.Pipe(duplex=False) for _ in range(params.processes)]

    def collect(actors: "Sequence[ActorResult]") -> list[int | None]:
        return [reader.recv() if reader.poll() else None for reader, _ in pipes]

    return _Wiring(actors=[partial(send_count, params.n, writer) for _, writer in pipes], collect=collect)


def _by_value(context: BaseContext, params: Params) -> _Wiring:
    values: list[Synchronized[int]] = [context.Value("q", -1) for _ in range(params.processes)]

    def collect(actors: "Sequence[ActorResult]") -> list[int | None]:
        return [None if value.value < 0 else value.value for value in values]

    return _Wiring(actors=[partial(store_count, params.n, value) for value in values], collect=collect)


_WIRINGS: Mapping[str, Callable[[BaseContext, Params], _Wiring]] = {
    "exitcode": _by_exit_code,
    "queue": _by_queue,
    "pipe": _by_pipe,
    "value": _by_value,
}


def mprunner_register_scenarios() -> list[type[SpawnCount]]:
    """Register the scenario with mprunner."""
    return [SpawnCount]
