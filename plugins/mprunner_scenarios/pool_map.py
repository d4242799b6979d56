"""pool-map: the same work in a loop, and in pools of processes, of threads and of interpreters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from annotated_types import Ge

from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Trial, Unit, Unless, When
from mprunner_scenarios.actors.pool_map import TaskFailed
from mprunner_scenarios.pools.mapping import Mapped, PoolFailed, map_in_loop, map_in_pool
from mprunner_scenarios.pools.own_function import DEFAULT_ITEMS, check_sendable, own_tasks, try_own
from mprunner_scenarios.pools.tasks import Shape, Tasks, sizes_of, squares_below
from mprunner_scenarios.pools.teams import Kind, Method, Pooling, Tally
from mprunner_scenarios.shared.own_code import OwnCodeError, place_fault

MAX_PAYLOAD_BYTES: Final = 1 << 30
"""What the payloads of all tasks may take together: a pool holds them several times over."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a pool-map experiment may vary."""

    method: Annotated[
        Method,
        Doc(
            "the pool's method; futures: an executor of concurrent.futures and its map; joblib: its Parallel, whose "
            "processes are loky's; serial: a loop in the worker itself, which needs no pool"
        ),
    ] = "map"
    kind: Annotated[
        Kind,
        Doc(
            "what the pool consists of; threads share one interpreter's lock; interpreters have one each, and need "
            "method futures and Python 3.14"
        ),
        Unless(method="serial"),
    ] = "process"
    numbers: Annotated[
        int | None,
        Ge(1),
        Doc(
            "how many tasks: the numbers from 0 on, or the first of `items`; null: 10,000, or all of `items`"
        ),
    ] = None
    processes: Annotated[
        ProcessCount, Doc("how many processes, or threads, the pool has"), Unless(method="serial")
    ] = CPU_COUNT
    chunksize: Annotated[
        int | None,
        Ge(1),
        Doc(
            "how many tasks an actor is handed at once; null is automatic: for map and starmap all tasks over "
            "four times the processes, rounded up, what joblib finds fit for joblib, and 1 for the others"
        ),
        Unless(method=("serial", "apply_async")),
        Unless(method="futures", kind=("thread", "interpreter")),
    ] = None
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver", "default"],
        Doc("how the pool's processes are started; default: as this Python starts them, see started_as"),
        When(kind="process"),
        Unless(method="joblib"),
    ] = "fork"
    shape: Annotated[
        Shape,
        Doc(
            "how the squares are divided among the tasks: each task has more than the one before it, the same "
            "backwards, all alike, or nine tenths of all squares in one task of a hundred, side by side"
        ),
        When(function=None),
    ] = "rising"
    squares: Annotated[
        int | None,
        Ge(0),
        Doc("how many squares a task adds on average; null: (numbers - 1) / 2, the tutorial's"),
        When(function=None),
    ] = None
    payload_bytes: Annotated[
        int,
        Ge(0),
        Unit("bytes"),
        Doc("random bytes that travel with each task, there and back"),
        When(function=None),
    ] = 0
    function: Annotated[
        str | None,
        Doc("your own function instead of the squares, as package.module:callable; called with each item"),
    ] = None
    items: Annotated[
        str | None,
        Doc("what makes the items of your function, as package.module:callable; null: the numbers from 0 on"),
        Unless(function=None),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        for reason in _objections(self):
            raise ValueError(reason)


def _objections(params: Params) -> Iterator[str]:
    """Yield what speaks against a combination; nothing of the user's is imported."""
    if params.kind == "interpreter" and params.method not in ("serial", "futures"):
        yield "interpreters are a pool of concurrent.futures only: kind interpreter needs method futures"
    if params.function is None:
        if params.payload_bytes * (params.numbers or DEFAULT_ITEMS) > MAX_PAYLOAD_BYTES:
            yield f"the payloads of all tasks would take more than {MAX_PAYLOAD_BYTES:,} bytes"
        return
    for name, text in (("function", params.function), ("items", params.items)):
        if text is not None and (fault := place_fault(name, text)) is not None:
            yield fault


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What pool-map measures."""

    wall_s: Annotated[float, Unit("s"), Doc("the pool's creation, the map, close and join together")]
    pool_start_s: Annotated[float | None, Unit("s"), Doc("the pool's creation")]
    map_s: Annotated[float, Unit("s"), Doc("the map, or the loop")]
    shutdown_s: Annotated[float | None, Unit("s"), Doc("the pool's close and join")]
    tasks: Annotated[int, Doc("results that arrived")]
    checksum_ok: Annotated[
        bool,
        Doc(
            "whether all sums arrived, in order if the method keeps it; of your own function: as many as items"
        ),
    ]
    tasks_min: Annotated[int, Doc("tasks of the actor with the fewest")]
    tasks_max: Annotated[int, Doc("tasks of the actor with the most")]
    busy_s: Annotated[float, Unit("s"), Doc("time within tasks, of all actors together")]
    imbalance: Annotated[
        float | None,
        Doc("how much longer than the mean the busiest actor was within tasks, as a share of the mean"),
    ]
    started_as: Annotated[
        str | None,
        Doc(
            "how the actors were started: the start method, loky, thread or interpreter; sequential where joblib "
            "needs none for one process"
        ),
    ]


@dataclass(frozen=True, kw_only=True)
class ActorSample:
    """What one actor of a trial did."""

    actor: Annotated[int, Doc("the actor, the busiest first")]
    tasks: Annotated[int, Doc("how many tasks it did")]
    busy_s: Annotated[float, Unit("s"), Doc("time within its tasks")]


class PoolMap(Scenario[Params, Metrics]):
    """Add squares in a loop, and in a pool of processes, threads or interpreters.

    A pool divides the tasks among its actors. That pays when the work takes longer than starting the actors and
    sending tasks and results back and forth, and it pays no more than there are CPUs. Tasks travel in chunks: small
    ones cost a message for every few tasks, large ones leave one actor working while the others have nothing left.
    Threads need no sending, but only one of them at a time executes Python, unless their Python has no GIL.
    Interpreters each have a GIL of their own. `function` measures your own work.
    """

    name = "pool-map"
    serial = {"method": "serial"}  # noqa: RUF012 - read only
    baseline = {"method": "serial"}  # noqa: RUF012 - read only
    work = ("numbers", "squares", "function", "items")
    set_up_params = ("function", "items", "numbers")
    needs = {"method": {"joblib": "joblib"}}  # noqa: RUF012 - read only
    sample = ActorSample
    summary = "{wall_s:median}[, the busiest actor {imbalance:percent} over the mean]"

    def set_up(self, params: Params, folder: Path) -> None:
        """Try the user's own function once, and make its items for all trials."""
        if params.function is not None:
            try_own(params.function, params.items, params.numbers, folder)

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Map, and check what came back."""
        tasks = _tasks(params, trial)
        how = _pooling(params, trial)
        mapped = _mapped(params, tasks, how)
        tallies = sorted(mapped.tallies, key=lambda tally: tally.busy_s, reverse=True)
        for actor, tally in enumerate(tallies):
            trial.sample(ActorSample(actor=actor, tasks=tally.tasks, busy_s=tally.busy_s))
        done = [tally.tasks for tally in tallies]
        return Metrics(
            wall_s=mapped.wall_s,
            pool_start_s=mapped.start_s,
            map_s=mapped.map_s,
            shutdown_s=mapped.shutdown_s,
            tasks=len(mapped.results),
            checksum_ok=tasks.are_done(mapped.results, params.method != "imap_unordered"),
            tasks_min=min(done),
            tasks_max=max(done),
            busy_s=sum(tally.busy_s for tally in tallies),
            imbalance=_imbalance(tallies) if len(tallies) > 1 else None,
            started_as=None if how is None else how.started_as,
        )


def _tasks(params: Params, trial: Trial) -> Tasks:
    if params.function is not None:
        tasks = own_tasks(params.function, params.items, params.numbers, trial.set_up_folder)
        if params.method not in ("serial", "joblib") and params.kind != "thread":
            check_sendable(params.function, tasks.work, params.kind)
        return tasks
    numbers = params.numbers or DEFAULT_ITEMS
    sizes = sizes_of(params.shape, numbers, params.squares, trial.rng)
    return squares_below(sizes, params.payload_bytes, trial.rng)


def _pooling(params: Params, trial: Trial) -> Pooling | None:
    """Return how to map in a pool; None for a loop."""
    if params.method == "serial":
        return None
    return Pooling(
        method=params.method,
        kind=params.kind,
        processes=params.processes,
        chunksize=params.chunksize,
        context=trial.context(params.start_method),
    )


def _mapped(params: Params, tasks: Tasks, how: Pooling | None) -> Mapped:
    try:
        if how is None:
            return map_in_loop(tasks.work, tasks.items)
        return map_in_pool(tasks.work, tasks.items, how)
    except (TaskFailed, PoolFailed) as error:
        if params.function is None:
            raise
        verb = " raised" if isinstance(error, TaskFailed) else ":"
        raise OwnCodeError(f"function {params.function!r}{verb} {error}") from error


def _imbalance(tallies: "list[Tally]") -> float:
    """Return the busiest actor's time over the mean of all, less 1: 0 where all are alike, n - 1 where one did all.

    The percent imbalance of Pearce et al., Quantifying the effectiveness of load balance algorithms (ICS 2012),
    as a share.
    """
    busy_s = [tally.busy_s for tally in tallies]
    return max(busy_s) * len(busy_s) / sum(busy_s) - 1 if any(busy_s) else 0.0


def mprunner_register_scenarios() -> list[type[PoolMap]]:
    """Register the scenario with mprunner."""
    return [PoolMap]
