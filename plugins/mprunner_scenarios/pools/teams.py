"""What a pool consists of: what creates it, how each of its actors begins, and what they have done when it ends."""

import os
import pickle
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from multiprocessing.pool import ThreadPool
from typing import Any, Literal

from mprunner_scenarios.actors.pool_interpreter import TALLY
from mprunner_scenarios.actors.pool_map import (
    LazyThreads,
    ThreadTally,
    enter_process,
    enter_thread,
    work_in_process,
    work_in_thread,
)

Kind = Literal["process", "thread", "interpreter"]
Method = Literal["map", "serial", "imap", "imap_unordered", "starmap", "apply_async", "futures", "joblib"]
Work = Callable[[Any], object]


class PoolMissing(Exception):  # noqa: N818 - it says what is wrong
    """This Python has no such pool; the message says what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What one actor did: how many tasks, and how many seconds it spent in them."""

    tasks: int
    busy_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooling:
    """How to map in a pool; see the params of pool-map. ``context`` starts the processes of a pool of processes."""

    method: Method
    kind: Kind
    processes: int
    chunksize: int | None
    context: BaseContext

    @property
    def started_as(self) -> str:
        """How the pool's actors are started: a start method, ``loky``, or what they are instead of processes."""
        if self.method == "joblib" and self.processes == 1:
            return "sequential"  # joblib starts nothing for one
        if self.kind != "process":
            return self.kind
        return "loky" if self.method == "joblib" else self.context.get_start_method() or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The actors of a pool: how each begins, what work it is given, and what all have done when they have ended."""

    initializer: Callable[..., object] | None
    initargs: tuple[Any, ...]
    task: Work
    tallies: Callable[[], Sequence[Tally]]


def team_of(work: Work, how: Pooling) -> Team:
    """Return the actors of a pool that is to map a function."""
    if how.method == "joblib" and how.started_as != "loky":
        return _lazy_threads(work)
    match how.kind:
        case "thread":
            return _threads(work)
        case "interpreter":
            return _interpreters(work)
        case "process":
            return _processes(work, how)


def _processes(work: Work, how: Pooling) -> Team:
    # loky starts its processes anew, and what goes to such ones must be of a context that does so, too.
    context = how.context if how.method != "joblib" else _spawning()
    queue = context.SimpleQueue()

    def tallies() -> Sequence[Tally]:
        told = []
        while not queue.empty():
            tasks, busy_s = queue.get()
            told.append(Tally(tasks=tasks, busy_s=busy_s))
        return told

    return Team(initializer=enter_process, initargs=(work, queue), task=work_in_process, tallies=tallies)


def _spawning() -> BaseContext:
    import multiprocessing  # noqa: PLC0415 - for joblib alone

    return multiprocessing.get_context("spawn")


def _threads(work: Work) -> Team:
    own: list[ThreadTally] = []
    return Team(
        initializer=enter_thread, initargs=(work, own), task=work_in_thread, tallies=partial(_told, own)
    )


def _lazy_threads(work: Work) -> Team:
    own: list[ThreadTally] = []
    return Team(initializer=None, initargs=(), task=LazyThreads(work, own), tallies=partial(_told, own))


def _told(own: Sequence[ThreadTally]) -> Sequence[Tally]:
    return [Tally(tasks=tally.tasks, busy_s=tally.busy_s) for tally in own]


_ENTER = """\
import sys
sys.path[:] = path
from mprunner_scenarios.actors.pool_interpreter import enter_interpreter
enter_interpreter(work, writer)
"""


def _interpreters(work: Work) -> Team:
    """Interpreters share descriptors, so each writes what it did to one pipe, which has room for 4,000 of them."""
    reader, writer = os.pipe()

    def tallies() -> Sequence[Tally]:
        os.close(writer)
        with open(reader, "rb") as pipe:
            told = struct.iter_unpack(TALLY, pipe.read())
            return [Tally(tasks=tasks, busy_s=busy_s) for tasks, busy_s in told]

    # A function of ours could be imported there only once the path is set: so a built-in one sets it.
    handed = {"path": tuple(sys.path), "work": pickle.dumps(work), "writer": writer}
    return Team(initializer=exec, initargs=(_ENTER, handed), task=work_in_process, tallies=tallies)


def creator(how: Pooling) -> Callable[..., Any]:
    """Return what creates the pool; whatever has to be imported for it is imported now, not while it is timed.

    Raises:
        PoolMissing: this Python has no such pool.
    """
    if how.method == "joblib":
        return _joblib(how)
    if how.method != "futures":
        return ThreadPool if how.kind == "thread" else how.context.Pool
    from concurrent import futures  # noqa: PLC0415 - it brings logging

    match how.kind:
        case "thread":
            return futures.ThreadPoolExecutor
        case "process":
            return partial(futures.ProcessPoolExecutor, mp_context=how.context)
        case "interpreter":
            return _interpreter_pool()


def _interpreter_pool() -> Callable[..., Any]:
    try:
        from concurrent.futures import (  # type: ignore[attr-defined,unused-ignore]  # noqa: PLC0415 - new in 3.14
            InterpreterPoolExecutor,
        )
    except ImportError:
        name, version = sys.implementation.name, ".".join(map(str, sys.version_info[:3]))
        called = {"cpython": "Python", "pypy": "PyPy, as Python"}.get(name, name)
        raise PoolMissing(
            "a pool of interpreters (concurrent.futures.InterpreterPoolExecutor) needs Python 3.14 or later, "
            f"and this is {called} {version}"
        ) from None
    made: Callable[..., Any] = InterpreterPoolExecutor
    return made


def _joblib(how: Pooling) -> Callable[..., Any]:
    check_joblib()
    from mprunner_scenarios.pools.joblib_pool import JoblibPool  # noqa: PLC0415 - joblib brings numpy

    return partial(JoblibPool, how)


def check_joblib() -> None:
    """See that joblib is installed.

    Raises:
        PoolMissing: it is not.
    """
    try:
        import joblib  # noqa: F401, PLC0415 - not a dependency
    except ImportError as error:
        raise PoolMissing("method: joblib needs the package joblib: pip install joblib") from error
