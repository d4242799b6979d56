"""What actors do to one shared number: race-bank's and locked-counter's loops, and what guards them.

Each loop is what a script would have in its place. A ``Value``, a ``RawValue`` and a manager's value are read and
written by their attribute ``value``; an ``Array`` and shared memory by their first item.
"""

from __future__ import annotations

import fcntl
import os
from time import perf_counter, sleep

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence
    from pathlib import Path
    from typing import Any, Protocol

    class Lock(Protocol):
        """What every guard can do."""

        def acquire(self) -> object:
            """Wait until no one else holds it, and hold it."""

        def release(self) -> object:
            """Let the next one hold it."""

    class Cell(Protocol):
        """A number that is an attribute."""

        value: float

    Items = MutableSequence[float]


class Box:
    """A number of this process alone, which its threads share."""

    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value


def change(cell: Cell, amount: int, times: int) -> None:
    """Read, add and write, again and again, with nothing to keep others out."""
    for _ in range(times):
        cell.value = cell.value + amount


def change_item(items: Items, amount: int, times: int) -> None:
    """Do as :func:`change` does."""
    for _ in range(times):
        items[0] = items[0] + amount


def change_locking_each_access(cell: Cell, amount: int, times: int, lock: Lock) -> None:
    """Hold the lock to read and again to write, but not from the one to the other."""
    for _ in range(times):
        lock.acquire()
        value = cell.value
        lock.release()
        lock.acquire()
        cell.value = value + amount
        lock.release()


def change_item_locking_each_access(items: Items, amount: int, times: int, lock: Lock) -> None:
    """Do as :func:`change_locking_each_access` does."""
    for _ in range(times):
        lock.acquire()
        value = items[0]
        lock.release()
        lock.acquire()
        items[0] = value + amount
        lock.release()


def change_locked(cell: Cell, amount: int, times: int, lock: Lock) -> None:
    """Read, add and write, again and again, each time holding the lock."""
    for _ in range(times):
        lock.acquire()
        cell.value = cell.value + amount
        lock.release()


def change_item_locked(items: Items, amount: int, times: int, lock: Lock) -> None:
    """Do as :func:`change_locked` does."""
    for _ in range(times):
        lock.acquire()
        items[0] = items[0] + amount
        lock.release()


def hold(lock: Lock, work: Callable[[], None]) -> None:
    """Do all of the work holding the lock once."""
    lock.acquire()
    work()
    lock.release()


def pause_before_each(work: Callable[[], object], times: int, pause_s: float) -> object:
    """Pause and do the work, again and again; return what it returned last."""
    value = None
    for _ in range(times):
        sleep(pause_s)
        value = work()
    return value


def timed(work: Callable[[], None], lock: TimedLock) -> tuple[float, float]:
    """Do the work and return how long this actor has waited for the lock, and held it, so far."""
    work()
    return lock.wait_s, lock.hold_s


def settle(cell: Cell, last: Cell, initial: int) -> int:
    """Return the number that a round ended with, keep it in ``last``, and put ``initial`` in its place."""
    state = int(cell.value)
    last.value = state
    cell.value = initial
    return state


def settle_item(items: Items, last: Cell, initial: int) -> int:
    """Do as :func:`settle` does."""
    state = int(items[0])
    last.value = state
    items[0] = initial
    return state


class TimedLock:
    """A lock that adds up how long one actor waits for it and holds it; each actor has its own of these."""

    __slots__ = ("_held_from", "_lock", "hold_s", "wait_s")

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._held_from = 0.0
        self.wait_s = 0.0
        self.hold_s = 0.0

    def acquire(self) -> None:
        """Wait for the lock and note how long that took."""
        asked = perf_counter()
        self._lock.acquire()
        self._held_from = perf_counter()
        self.wait_s += self._held_from - asked

    def release(self) -> None:
        """Let go of the lock, having noted how long it was held."""
        self.hold_s += perf_counter() - self._held_from
        self._lock.release()


class FileLock:
    """A lock that is a locked file; each actor has its own of these, since a lock is its open file's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def acquire(self) -> None:
        """Lock the file, which this actor opens the first time."""
        if self._fd < 0:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def release(self) -> None:
        """Unlock the file."""
        fcntl.flock(self._fd, fcntl.LOCK_UN)


class InSharedMemory:
    """Stands for an item of shared memory on its way to a spawned actor or an interpreter.

    There it becomes a memoryview.
    """

    def __init__(self, name: str, typecode: str, options: dict[str, bool]) -> None:
        self._name = name
        self._typecode = typecode
        self._options = options

    def __reduce__(self) -> tuple[Callable[..., memoryview], tuple[str, str, dict[str, bool]]]:
        """Travel as the name of the shared memory."""
        return _attached, (self._name, self._typecode, self._options)


def _attached(name: str, typecode: str, options: dict[str, bool]) -> memoryview:
    import atexit  # noqa: PLC0415 - as the next
    from multiprocessing.shared_memory import SharedMemory  # noqa: PLC0415 - only actors that use it pay for it

    memory = SharedMemory(name, **options)
    buffer: Any = memory.buf  # typeshed knows only a few formats of memoryview.cast
    items: memoryview = buffer.cast(typecode)

    def close() -> None:
        items.release()  # shared memory can't be closed under a view of it
        memory.close()

    atexit.register(close)
    return items
