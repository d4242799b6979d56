"""The states of an outcome as the bars of a histogram: each its own, or, of many, bins that mix no verdicts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mprunner.analysis.statistics import unseen_bound
from mprunner.analysis.verdict import State, StateVerdict
from mprunner.tables import state_order
from mprunner.values import Scalar

MOST_BARS: Final = 12
"""A case with more states has bins."""
MOST_APART: Final = 3
"""So many acceptable states, and so many never observed, stay out of bins: others are held against them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One state, or several with the same verdict.

    Attributes:
        first: the lowest state; of texts that are put together None.
        last: the highest one.
        states: how many there are.
        count: how often they were observed.
        share: that as a share of the case's observations.
        bound: of a state that was never observed, the upper 95 % bound of its share; else None.
        verdict: of each of them; None where no rule speaks of the outcome.
        note: of the first one's rule; empty where there is none.
    """

    first: Scalar
    last: Scalar
    states: int
    count: int
    share: float
    bound: float | None
    verdict: StateVerdict | None
    note: str = ""


def bars_of(states: Sequence[State], most: int = MOST_BARS) -> tuple[Bar, ...]:
    """Return the bars of an outcome in a case, numbers in order before text.

    Up to ``most`` states are bars of their own. Of more, the acceptable ones and those never observed stay apart, if
    they are few; other numbers are put into bins of equal width, 1, 2 or 5 times a power of ten, and of texts the
    most frequent stay while the rest are one bar for each verdict.
    """
    if len(states) <= most:
        return tuple(_bar([state]) for state in states)
    special = (
        [state for state in states if state.verdict == "acceptable"],
        [state for state in states if not state.count],
    )
    apart = {id(state): state for few in special if len(few) <= MOST_APART for state in few}
    rest = [state for state in states if id(state) not in apart]
    numbers = [state for state in rest if not isinstance(state.value, str)]
    texts = [state for state in rest if isinstance(state.value, str)]
    bars = [
        *(_bar([state]) for state in apart.values()),
        *_binned(numbers, most, _numbers(apart.values())),
        *_most_frequent(texts, most),
    ]
    return tuple(sorted(bars, key=lambda bar: (bar.first is None, state_order(bar.first))))


def _binned(states: Sequence[State], most: int, fences: Sequence[float]) -> Iterable[Bar]:
    """Return the bins of numbers; none has one of the fences within, each of which is a state of its own."""
    values = _numbers(states)
    if not values:
        return ()
    step = _step(max(values) - min(values), most)
    bins: dict[tuple[int, int, StateVerdict | None, bool], list[State]] = {}
    for value, state in zip(values, states, strict=True):
        below = sum(fence < value for fence in fences)
        key = (math.floor(value / step), below, state.verdict, state.count > 0)
        bins.setdefault(key, []).append(state)
    return map(_bar, bins.values())


def _numbers(states: Iterable[State]) -> list[float]:
    return [float(state.value or 0) for state in states if not isinstance(state.value, str)]


def _step(width: float, most: int) -> float:
    """Return 1, 2 or 5 times a power of ten, by which the width has less than ``most`` bins."""
    if width <= 0:
        return 1.0
    least = width / (most - 1)
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def _most_frequent(states: Sequence[State], most: int) -> Iterable[Bar]:
    frequent = {id(state): state for state in sorted(states, key=lambda state: -state.count)[: most // 2]}
    rest: dict[StateVerdict | None, list[State]] = {}
    for state in states:
        if id(state) not in frequent:
            rest.setdefault(state.verdict, []).append(state)
    return [*(_bar([state]) for state in frequent.values()), *map(_bar, rest.values())]


def _bar(states: Sequence[State]) -> Bar:
    count, first = sum(state.count for state in states), states[0]
    is_text = len(states) > 1 and isinstance(first.value, str)
    return Bar(
        first=None if is_text else first.value,
        last=None if is_text else states[-1].value,
        states=len(states),
        count=count,
        share=count / first.observations,
        bound=None if count else unseen_bound(first.observations),
        verdict=first.verdict,
        note=first.note,
    )
