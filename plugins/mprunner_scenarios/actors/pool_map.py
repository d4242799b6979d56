"""What the actors of pool-map's pools do: the tutorial's task, and keeping count of their own tasks.

An actor counts and times each task in its own memory, and tells of it once, when the pool is shut down. That costs
about half a microsecond per task, and nothing is added to what travels. The two modules imported here are part of
every pool's process anyway.
"""

from __future__ import annotations

from multiprocessing.util import Finalize
from threading import local
from time import perf_counter

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.queues import SimpleQueue
    from typing import Any

    Work = Callable[[Any], object]
    Tally = tuple[int, float]


class TaskFailed(Exception):  # noqa: N818 - it says what happened
    """A task raised; the message names the exception, which is the cause.

    It is what crosses the process boundary instead of the exception: one that can't be unpickled, or that is no
    Exception, would leave the pool waiting for ever.
    """


def sum_of_squares(n: int) -> int:
    """Add the squares of all numbers below n, one by one."""
    total = 0
    for i in range(n):
        total += i * i
    return total


def sum_and_payload(task: tuple[int, bytes]) -> tuple[int, bytes]:
    """Add the squares of all numbers below the task's, and return its payload with the sum."""
    n, payload = task
    return sum_of_squares(n), payload


def failed(error: BaseException) -> TaskFailed:
    """Say in one line what a task raised."""
    try:
        message = str(error)
    except Exception:  # a broken __str__ must not hide the exception
        message = "(its message can't be shown)"
    return TaskFailed(f"{type(error).__name__}: {message}" if message else type(error).__name__)


_work: Work = sum_of_squares
_tasks = 0
_busy_s = 0.0


def enter_process(work: Work, tallies: SimpleQueue[Tally]) -> None:
    """Begin as a process of a pool: be ready for tasks, and report them when the process ends."""
    be_ready(work)
    Finalize(None, _tell, args=(tallies,), exitpriority=0)


def be_ready(work: Work) -> None:
    """Be ready to do tasks in this process, or in this interpreter."""
    global _work, _tasks, _busy_s
    _work, _tasks, _busy_s = work, 0, 0.0


def done() -> Tally:
    """Return how many tasks this process or interpreter did, and the seconds within them."""
    return _tasks, _busy_s


def _tell(tallies: SimpleQueue[Tally]) -> None:
    tallies.put(done())


def work_in_process(item: object) -> object:
    """Do one task in a pool's process.

    Raises:
        TaskFailed: the task raised.
    """
    global _tasks, _busy_s  # noqa: PLW0603 - see be_ready
    began = perf_counter()
    try:
        result = _work(item)
    except BaseException as error:
        raise failed(error) from error
    _busy_s += perf_counter() - began
    _tasks += 1
    return result


class ThreadTally:
    """What a thread has done so far."""

    __slots__ = ("busy_s", "tasks", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.tasks = 0
        self.busy_s = 0.0


_here = local()


def enter_thread(work: Work, tallies: list[ThreadTally]) -> None:
    """Begin as a thread of a pool, with a tally among the others'."""
    _here.tally = ThreadTally(work)
    tallies.append(_here.tally)


def work_in_thread(item: object) -> object:
    """Do one task in a pool's thread.

    Raises:
        TaskFailed: the task raised.
    """
    tally: ThreadTally = _here.tally
    began = perf_counter()
    try:
        result = tally.work(item)
    except BaseException as error:
        raise failed(error) from error
    tally.busy_s += perf_counter() - began
    tally.tasks += 1
    return result


class LazyThreads:
    """A task for a pool's threads that are not told when they begin: each gets its tally with its first task."""

    def __init__(self, work: Work, tallies: list[ThreadTally]) -> None:
        self._work = work
        self._tallies = tallies

    def __call__(self, item: object) -> object:
        """Do one task in a pool's thread.

        Raises:
            TaskFailed: the task raised.
        """
        if getattr(_here, "tallies", None) is not self._tallies:
            enter_thread(self._work, self._tallies)
            _here.tallies = self._tallies
        return work_in_thread(item)
