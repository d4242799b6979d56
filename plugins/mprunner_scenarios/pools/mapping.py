"""A loop and the pools: each maps a function over items, and reports how long that took and which actor did what."""

import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import active_children
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from multiprocessing.pool import Pool, ThreadPool
from pickle import PickleError
from threading import Thread, current_thread, main_thread
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Literal

from mprunner_scenarios.actors.pool_map import (
    TaskFailed,
    ThreadTally,
    enter_process,
    enter_thread,
    failed,
    work_in_process,
    work_in_thread,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor

    AnyPool = Pool | Executor

Kind = Literal["process", "thread"]
Method = Literal["map", "serial", "imap", "imap_unordered", "starmap", "apply_async", "futures"]
Work = Callable[[Any], object]

TERMINATE_LIMIT_S = 2.0
"""How long ending a pool whose map has failed may take."""
_NAP_S = 0.01
_NAPS = 100


class PoolFailed(Exception):  # noqa: N818 - it says what happened
    """Something could not be sent to a process of the pool or back, or a process died; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one actor did: how many tasks, and how many seconds it spent in them."""

    tasks: int
    busy_s: float


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How to map in a pool; see the params of pool-map. ``context`` starts the processes of a pool of processes."""

    method: Method
    kind: Kind
    processes: int
    chunksize: int | None
    context: BaseContext


def map_in_pool(work: Work, items: Sequence[object], how: Pooling) -> Mapped:
    """Map in a pool that is created for it, and shut down after it.

    Raises:
        TaskFailed: the function raised.
        PoolFailed: something could not be sent to a process or back, or a process died.
    """
    team = _threads(work) if how.kind == "thread" else _processes(work, how.context)
    create, call = _creator(how), _CALLS[how.method]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Team:
    """The actors of a pool: how each begins, what work it is given, and what all have done when they have ended."""

    initializer: Callable[..., None]
    initargs: tuple[Any, ...]
    task: Work
    tallies: Callable[[], Sequence[Tally]]


def _processes(work: Work, context: BaseContext) -> _Team:
    queue = context.SimpleQueue()

    def tallies() -> Sequence[Tally]:
        told = []
        while not queue.empty():
            tasks, busy_s = queue.get()
            told.append(Tally(tasks=tasks, busy_s=busy_s))
        return told

    return _Team(initializer=enter_process, initargs=(work, queue), task=work_in_process, tallies=tallies)


def _threads(work: Work) -> _Team:
    own: list[ThreadTally] = []

    def tallies() -> Sequence[Tally]:
        return [Tally(tasks=tally.tasks, busy_s=tally.busy_s) for tally in own]

    return _Team(initializer=enter_thread, initargs=(work, own), task=work_in_thread, tallies=tallies)


def _creator(how: Pooling) -> "Callable[..., AnyPool]":
    """Return what creates the pool; whatever has to be imported for it is imported now, not while it is timed."""
    if how.method != "futures":
        return ThreadPool if how.kind == "thread" else how.context.Pool
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor  # noqa: PLC0415 - it brings logging

    return (
        ThreadPoolExecutor if how.kind == "thread" else partial(ProcessPoolExecutor, mp_context=how.context)
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
    """Say in one line what happened to a pool of processes; None where the error says it itself.

    What a task raises arrives as TaskFailed: any other fault of a type is one of sending. Two classes are known by
    their names, because one is not public, and the other's module need not be imported.
    """
    cause = f"{type(error).__name__}: {error}"
    if kind == "thread" or isinstance(error, TaskFailed):
        return None
    if type(error).__name__ == "BrokenProcessPool":
        return PoolFailed("a process of the pool died")
    if type(error).__name__ == "MaybeEncodingError":
        return PoolFailed(f"a result can't be sent back: {getattr(error, 'exc', error)}")
    if isinstance(error, PickleError | TypeError | AttributeError):
        return PoolFailed(f"an item or a result can't be sent between processes: {cause}")
    return None
