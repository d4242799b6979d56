"""The tasks of pool-map: how large each is, the bytes that travel with it, and whether all of them came back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal

from mprunner_scenarios.actors.pool_map import sum_and_payload, sum_of_squares

if TYPE_CHECKING:
    from random import Random

Shape = Literal["rising", "falling", "uniform", "skewed"]

HEAVY_TASKS: Final = 100
"""In skewed work, one task in so many is heavy."""

HEAVY_TENTHS: Final = 9
"""In skewed work, so many tenths of all squares are added by the heavy tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """What is to be mapped.

    Attributes:
        work: what is called with each item.
        items: what it is called with.
        are_done: whether the results are those of all items; with ``ordered=False``, in whatever order.
    """

    work: Callable[[Any], object]
    items: Sequence[object]
    are_done: "Callable[[Sequence[Any], bool], bool]"


def squares_below(sizes: Sequence[int], payload_bytes: int, rng: "Random") -> Tasks:
    """Return the tasks of adding the squares below each size, each with bytes that travel there and back.

    Each task has random bytes of its own: pickle sends one object once, however often it is in a chunk.
    """
    sums = [(n - 1) * n * (2 * n - 1) // 6 for n in sizes]  # the closed form of the sum of i² for i below n
    if not payload_bytes:
        return _tasks(sum_of_squares, sizes, sums)
    payloads = [rng.randbytes(payload_bytes) for _ in sizes]
    items = list(zip(sizes, payloads, strict=True))
    return _tasks(sum_and_payload, items, list(zip(sums, payloads, strict=True)))


def _tasks(work: Callable[[Any], object], items: Sequence[object], expected: Sequence[Any]) -> Tasks:
    def are_done(results: Sequence[Any], ordered: bool) -> bool:
        return list(results) == expected if ordered else sorted(results) == sorted(expected)

    return Tasks(work=work, items=items, are_done=are_done)


def sizes_of(shape: Shape, numbers: int, squares: int | None, rng: "Random") -> Sequence[int]:
    """Return how many squares each task adds: whatever the shape, all tasks together add the same number.

    Args:
        shape: rising: each task is larger than the one before it, as 0, 1, 2 …; falling: the same, the largest
            first; uniform: all alike, within one; skewed: one task in a hundred, and at least one, is heavy, and
            these add nine tenths of all squares. They are next to one another, at a place drawn from ``rng``.
        numbers: how many tasks there are.
        squares: how many squares a task adds on average; None for (numbers - 1) / 2, so that a rising task ``n``
            adds ``n`` squares.
        rng: the trial's.
    """
    total = numbers * (numbers - 1) // 2 if squares is None else numbers * squares
    match shape:
        case "uniform":
            return _even(total, numbers)
        case "rising":
            return _rising(total, numbers)
        case "falling":
            return _rising(total, numbers)[::-1]
        case "skewed":
            return _skewed(total, numbers, rng)


def _even(total: int, tasks: int) -> list[int]:
    """Divide a total evenly; where it can't be, the first ones get one more."""
    each, more = divmod(total, tasks) if tasks else (0, 0)
    return [each + (task < more) for task in range(tasks)]


def _rising(total: int, tasks: int) -> list[int]:
    """Divide a total in the proportion of 0, 1, 2 …, without losing any of it to rounding."""
    if tasks == 1:
        return [total]
    whole = tasks * (tasks - 1)
    until = [total * task * (task + 1) // whole for task in range(tasks)]
    return [0, *(after - before for before, after in pairwise(until))]


def _skewed(total: int, tasks: int, rng: "Random") -> list[int]:
    if tasks == 1:
        return [total]
    heavy = max(1, tasks // HEAVY_TASKS)
    theirs = total * HEAVY_TENTHS // 10
    light = _even(total - theirs, tasks - heavy)
    place = rng.randrange(len(light) + 1)
    return [*light[:place], *_even(theirs, heavy), *light[place:]]
