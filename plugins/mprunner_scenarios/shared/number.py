"""A number that actors share: where it is stored, what guards it, and the params that say so.

A guard is taken by ``acquire()`` and given back by ``release()``, as the tutorial does it. Measured, ``with lock:``
costs about half as much again where no one else wants the lock.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from multiprocessing.managers import SyncManager
from multiprocessing.shared_memory import SharedMemory
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge, MultipleOf

from mprunner.scenario import Doc, Trial, Unless, When
from mprunner_scenarios.actors.shared_number import (
    Box,
    FileLock,
    InSharedMemory,
    TimedLock,
    change,
    change_item,
    change_item_locked,
    change_item_locking_each_access,
    change_locked,
    change_locking_each_access,
    hold,
    settle,
    settle_item,
    timed,
)

if TYPE_CHECKING:
    from mprunner.scenario import ActorsResult

WIDTH = 2**31
"""One more than the largest number that typecode ``i`` holds."""

_OWN_LOCK = ("Value", "Array")
_NAMES = {"RawValue": "a RawValue", "shared_memory": "shared memory", "Manager": "a manager's Value"}


@dataclass(frozen=True, kw_only=True)
class SharedNumberParams:
    """How actors share a number; the params of every scenario with one."""

    mode: Annotated[
        Literal["concurrent", "sequential"],
        Doc("all actors at once, or one process that does the work of one after the other"),
    ] = "concurrent"
    guard: Annotated[
        Literal["none", "value-lock", "lock", "rlock", "semaphore", "get_lock", "file-lock", "manager"],
        Doc(
            "what protects the number; value-lock protects each read and each write, but not the two together"
        ),
    ] = "none"
    store: Annotated[
        Literal["Value", "RawValue", "Array", "shared_memory", "Manager", "object"],
        Doc(
            "where the number is; a Value and an Array lock each access by themselves; object is for threads"
        ),
    ] = "Value"
    typecode: Annotated[Literal["i", "d"], Doc("the number's type in C: int or double")] = "i"
    actors: Annotated[
        int, Ge(2), MultipleOf(2), Doc("how many actors there are: pairs with opposite work")
    ] = 2
    kind: Annotated[
        Literal["process", "thread", "interpreter"],
        Doc("what the actors are; interpreters need Python 3.13"),
        Unless(mode="sequential"),
    ] = "process"
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver", "default"],
        Doc("how the actors' processes are started; default: as this Python starts them"),
        When(kind="process"),
    ] = "fork"

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if self.store == "object" and self.kind != "thread":
            several = {"process": "processes", "interpreter": "interpreters"}[self.kind]
            raise ValueError(f"{several} share no Python object: store object needs kind thread")
        if self.guard == "get_lock" and self.store not in _OWN_LOCK:
            raise ValueError(
                f"{_NAMES.get(self.store, 'an object')} has no get_lock(): a Value and an Array have"
            )


class SharedNumber:
    """The number of one trial, as its actors get it and as the worker sees it."""

    def __init__(
        self, items: Any, *, given: Any, by_item: bool, guard: str, new_lock: Callable[[], Any]
    ) -> None:
        self._items = items
        self._given = given
        self._by_item = by_item
        self._guard = guard
        self._new_lock = new_lock

    @property
    def value(self) -> int:
        """The number now; of a double, its whole part."""
        return int(self._items[0] if self._by_item else self._items.value)

    def changes(
        self, amount: int, times: int, *, at_once: bool = False, time_lock: bool = False
    ) -> Callable[[], Any]:
        """Return what an actor executes to add ``amount``, ``times`` times.

        Args:
            amount: what is added each time.
            times: how often.
            at_once: hold the guard once for all of them, instead of for each.
            time_lock: have it return how long it has waited for the guard and held it, in seconds.
        """
        plain = partial(change_item if self._by_item else change, self._given, amount, times)
        if self._guard == "none":
            return plain
        lock = TimedLock(self._new_lock()) if time_lock else self._new_lock()
        loop: Any
        if self._guard == "value-lock":
            loop = change_item_locking_each_access if self._by_item else change_locking_each_access
        else:
            loop = change_item_locked if self._by_item else change_locked
        work = partial(hold, lock, plain) if at_once else partial(loop, *plain.args, lock)
        return partial(timed, work, lock) if time_lock else work

    def settled(self, last: Any, initial: int) -> Callable[[], int]:
        """Return what settles a round: it puts the number into ``last``, resets it and returns what it was."""
        return partial(settle_item if self._by_item else settle, self._given, last, initial)


@contextmanager
def shared_number(params: SharedNumberParams, trial: Trial, initial: int) -> Iterator[SharedNumber]:
    """Make the number and its guard for one trial, and remove what they need of the system afterwards."""
    context = trial.context("spawn" if params.kind == "interpreter" else params.start_method)
    with ExitStack() as stack:
        manager: SyncManager | None = None
        if params.store == "Manager" or params.guard == "manager":
            manager = stack.enter_context(context.Manager())
        number = float(initial) if params.typecode == "d" else initial
        items, given = _STORES[params.store](stack, context, manager, params, number)
        yield SharedNumber(
            items,
            given=given,
            by_item=params.store in ("Array", "shared_memory"),
            guard=params.guard,
            new_lock=_lock_maker(params, trial, context, manager, items),
        )


Made = tuple[Any, Any]
"""A number as the worker sees it, and as an actor is given it."""


def _shared_memory(
    stack: ExitStack, context: BaseContext, _: SyncManager | None, params: SharedNumberParams, number: float
) -> Made:
    memory = SharedMemory(create=True, size=8)
    stack.callback(memory.unlink)
    stack.callback(memory.close)
    buffer: Any = memory.buf  # typeshed knows only a few formats of memoryview.cast
    items = buffer.cast(params.typecode)
    stack.callback(items.release)
    items[0] = number
    if params.kind != "interpreter":
        by_fork = context.get_start_method() == "fork"
        return items, items if by_fork else InSharedMemory(memory.name, params.typecode, {})
    # Each interpreter that tracked it would start a process for that, which then removes it.
    return items, InSharedMemory(memory.name, params.typecode, {"track": False})


def _simply(make: Callable[[BaseContext, Any, str, float], Any]) -> Callable[..., Made]:
    def made(
        _: ExitStack,
        context: BaseContext,
        manager: SyncManager | None,
        params: SharedNumberParams,
        number: float,
    ) -> Made:
        store = make(context, manager, params.typecode, number)
        return store, store

    return made


_STORES: Mapping[str, Callable[..., Made]] = {
    "Value": _simply(lambda context, _, typecode, number: context.Value(typecode, number)),
    "RawValue": _simply(lambda context, _, typecode, number: context.RawValue(typecode, number)),
    "Array": _simply(lambda context, _, typecode, number: context.Array(typecode, [number])),
    "Manager": _simply(lambda _, manager, typecode, number: manager.Value(typecode, number)),
    "object": _simply(lambda _, __, ___, number: Box(number)),
    "shared_memory": _shared_memory,
}


def _lock_maker(
    params: SharedNumberParams, trial: Trial, context: Any, manager: SyncManager | None, items: Any
) -> Callable[[], Any]:
    """Return what gives each actor the lock; a file's is one object for each actor, any other one for all."""
    if params.guard == "file-lock":
        return partial(FileLock, trial.tmp_path / "guard")
    if params.guard == "manager":
        assert manager is not None
        shared: Any = manager.Lock()
    elif params.guard == "get_lock" or (params.guard == "value-lock" and params.store in _OWN_LOCK):
        shared = items.get_lock()
    else:
        makers: Any = threading if params.kind == "thread" else context
        shared = {"rlock": makers.RLock, "semaphore": makers.Semaphore}.get(params.guard, makers.Lock)()
    return lambda: shared


def lock_times(actors: "ActorsResult") -> tuple[float | None, float | None]:
    """Return how long all actors together waited for the guard and held it; None where that was not measured."""
    times: Sequence[tuple[float, float]] = [
        actor.value for actor in actors.actors if isinstance(actor.value, tuple)
    ]
    if not times:
        return None, None
    return sum(wait for wait, _ in times), sum(held for _, held in times)
