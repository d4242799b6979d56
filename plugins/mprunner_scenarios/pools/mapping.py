"""A loop and the pools: each maps a function over items, and reports how long that took and which actor did what."""

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.pool import Pool, ThreadPool
from pickle import PickleError
from threading import Thread, current_thread, main_thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any

from mprunner_scenarios.actors.pool_map import TaskFailed, failed
from mprunner_scenarios.pools.teams import Kind, Method, Pooling, Tally, Work, creator, team_of

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from mprunner_scenarios.pools.joblib_pool import JoblibPool

    AnyPool = Pool | Executor | JoblibPool

TERMINATE_LIMIT_S = 2.0
"""How long ending a pool whose map has failed may take."""
_NAP_S = 0.01
_NAPS = 100


class PoolFailed(Exception):  # noqa: N818 - it says what happened
    """Something could not be sent to a process of the pool or back, or a process died; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A map that is done.

    Attributes:
        results: what came back, in the order in which the method hands it over.
        wall_s: from before the pool's creation until it was shut down.
        start_s: the pool's creation; None for a loop.
        map_s: the map alone.
        shutdown_s: the pool's shutdown; None for a loop.
        tallies: one per actor; a loop has one actor, the worker itself.
    """

    results: Sequence[object]
    wall_s: float
    start_s: float | None
    map_s: float
    shutdown_s: float | None
    tallies: Sequence[Tally]


def map_in_loop(work: Work, items: Sequence[object]) -> Mapped:
    """Call the function with each item, one after the other, in this process.

    Raises:
        TaskFailed: the function raised.
    """
    began = perf_counter()
    try:
        results = [work(item) for item in items]
    except BaseException as error:
        raise failed(error) from error
    wall_s = perf_counter() - began
    only = Tally(tasks=len(results), busy_s=wall_s)
    return Mapped(results=results, wall_s=wall_s, start_s=None, map_s=wall_s, shutdown_s=None, tallies=[only])


def map_in_pool(work: Work, items: Sequence[object], how: Pooling) -> Mapped:
    """Map in a pool that is created for it, and shut down after it.

    Raises:
        TaskFailed: the function raised.
        PoolFailed: something could not be sent to a process or back, or a process died.
        PoolMissing: this Python has no such pool.
    """
    create, team, call = creator(how), team_of(work, how), _CALLS[how.method]
    handed = [(item,) for item in items] if how.method == "starmap" else items
    began = perf_counter()
    pool = create(how.processes, initializer=team.initializer, initargs=team.initargs)
    created = perf_counter()
    try:
        with _Watch(pool):
            results = call(pool, team.task, handed, how.chunksize)
        mapped = perf_counter()
        _shut_down(pool)
    except BaseException as error:
        _abandon(pool, how.kind)
        if (explained := _explained(error, how.kind)) is None:
            raise
        raise explained from error
    ended = perf_counter()
    tallies = team.tallies()
    idle = [Tally(tasks=0, busy_s=0.0)] * (
        how.processes - len(tallies)
    )  # never started: nothing was left to do
    return Mapped(
        results=results,
        wall_s=ended - began,
        start_s=created - began,
        map_s=mapped - created,
        shutdown_s=ended - mapped,
        tallies=[*tallies, *idle],
    )


def _apply_async(pool: Any, task: Work, items: Iterable[object], _: int | None) -> Sequence[object]:
    pending = [pool.apply_async(task, (item,)) for item in items]
    return [result.get() for result in pending]


_CALLS: Mapping[Method, Callable[[Any, Work, Iterable[object], int | None], Sequence[object]]] = {
    "map": lambda pool, task, items, chunksize: pool.map(task, items, chunksize),
    "starmap": lambda pool, task, items, chunksize: pool.starmap(task, items, chunksize),
    "imap": lambda pool, task, items, chunksize: list(pool.imap(task, items, chunksize or 1)),
    "imap_unordered": lambda pool, task, items, chunksize: list(
        pool.imap_unordered(task, items, chunksize or 1)
    ),
    "apply_async": _apply_async,
    "futures": lambda pool, task, items, chunksize: list(pool.map(task, items, chunksize=chunksize or 1)),
    "joblib": lambda pool, task, items, _: pool.map(task, items),  # the pool knows its chunk size
}


class _Watch:
    """Has a map fail as soon as a process of its pool ends, which none does before the pool is shut down.

    ``Pool`` replaces such a process and waits for its task for ever. A thread sleeps until one ends, then sends this
    thread a signal that is else ignored, whose handler raises PoolFailed: it is waiting in the pool's own code.
    Executors notice by themselves, and threads don't die.
    """

    def __init__(self, pool: "AnyPool") -> None:
        is_pool = isinstance(pool, Pool) and not isinstance(pool, ThreadPool)
        self._processes = active_children() if is_pool and current_thread() is main_thread() else []
        self._is_over = False
        self._ended = ""
        self._before: Any = None

    def __enter__(self) -> None:
        if self._processes:
            self._before = signal.signal(signal.SIGURG, self._fail)
            Thread(target=self._look, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        if self._processes:
            signal.signal(signal.SIGURG, self._before)

    def _look(self) -> None:
        wait([process.sentinel for process in self._processes])
        for _ in range(_NAPS):  # the pool's own thread may be the one that learns the exit code
            if self._is_over:
                return
            if codes := [process.exitcode for process in self._processes if process.exitcode is not None]:
                self._ended = _ended_in_words(codes[0])
                break
            sleep(_NAP_S)
        signal.pthread_kill(main_thread().ident or 0, signal.SIGURG)

    def _fail(self, *_: object) -> None:
        if not self._is_over:
            raise PoolFailed(self._ended or "a process of the pool died")


def _ended_in_words(code: int) -> str:
    how = f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
    return f"a process of the pool {how}"


def _shut_down(pool: "AnyPool") -> None:
    """Have every actor end that has nothing left to do, and wait for that."""
    if isinstance(pool, Pool):
        pool.close()
        pool.join()
    else:
        pool.shutdown()


def _abandon(pool: "AnyPool", kind: Kind) -> None:
    """End a pool whose map has failed, without waiting for its other tasks; threads can't be ended, and go on.

    Now and then ``Pool.terminate`` waits for ever for a lock that a process held when it was ended, so it is given
    up after a while: the failure must be reported.
    """
    if isinstance(pool, Pool):
        terminating = Thread(target=pool.terminate, daemon=True)
        terminating.start()
        terminating.join(TERMINATE_LIMIT_S)
    else:
        pool.shutdown(wait=False, cancel_futures=True)
    if kind == "process":
        for process in active_children():
            process.kill()
            process.join()


def _explained(error: BaseException, kind: Kind) -> PoolFailed | None:
    """Say in one line what happened to a pool of processes or interpreters; None where the error says it itself.

    What a task raises arrives as TaskFailed: any other fault of a type is one of sending. Some classes are known by
    their names, because they are not public, or because their modules need not be imported.
    """
    name = type(error).__name__
    if kind == "thread" or isinstance(error, TaskFailed):
        return None
    if name in ("BrokenProcessPool", "TerminatedWorkerError"):
        return PoolFailed("a process of the pool died")
    if name == "MaybeEncodingError":
        return PoolFailed(f"a result can't be sent back: {getattr(error, 'exc', error)}")
    if isinstance(error, PickleError | TypeError | AttributeError) or name == "NotShareableError":
        several = "interpreters" if kind == "interpreter" else "processes"
        return PoolFailed(f"an item or a result can't be sent between {several}: {name}: {error}")
    return None
