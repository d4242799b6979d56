"""Rank tests of two independent groups, with numpy and the standard library alone."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALPHA = 0.05
"""A p below it, corrected for the number of cases, tells two sides apart."""
EXACT_UP_TO = 8
"""The exact distribution is used where the smaller group has so many values or fewer, and no two are equal."""
_EXACT_PAIRS = 100_000  # of values of both groups: the exact distribution has as many states


def mann_whitney_p(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return the two-sided p of the Mann-Whitney U test of two groups of finite values; None if one of them is empty.

    U is in how many pairs the first group's value is the larger one, a tie being half a pair. The normal
    approximation has the corrections for ties and for continuity (Mann and Whitney, On a test of whether one of two
    random variables is stochastically larger than the other, 1947; Hollander, Wolfe and Chicken, Nonparametric
    Statistical Methods, 2013, section 4.1).
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.size == 0 or other.size == 0:
        return None
    both = np.concatenate((one, other))
    ranks, ties = ranks_of(both), np.unique(both, return_counts=True)[1].astype(np.float64)
    u = float(ranks[: one.size].sum()) - one.size * (one.size + 1) / 2
    extreme = max(u, one.size * other.size - u)
    exact = _is_exact(one.size, other.size) and np.max(ties) == 1
    p = _exact_p(extreme, one.size, other.size) if exact else _normal_p(extreme, one.size, other.size, ties)
    return min(1.0, p)


def ranks_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value from 1, equal ones sharing their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks


def least_p(first: int, second: int) -> float:
    """Return the smallest p that groups of so many values can have: all of one are above all of the other."""
    if first == 0 or second == 0:
        return 1.0
    if _is_exact(first, second):
        return min(1.0, 2 / math.comb(first + second, first))
    return _normal_p(float(first * second), first, second, np.ones(first + second))


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values corrected for how many they are, in their order.

    If all of them below a level are called significant, the probability of a single false one is below that level
    (Holm, A simple sequentially rejective multiple test procedure, 1979).
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    raised = (min(1.0, values[index] * (len(values) - place)) for place, index in enumerate(order))
    corrected = dict(zip(order, accumulate(raised, max), strict=True))
    return tuple(corrected[index] for index in range(len(values)))


def _is_exact(first: int, second: int) -> bool:
    return min(first, second) <= EXACT_UP_TO and first * second <= _EXACT_PAIRS


def _normal_p(extreme: float, first: int, second: int, ties: NDArray[np.float64]) -> float:
    total = first + second
    spread = total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))
    deviation = math.sqrt(max(0.0, first * second / 12 * spread))
    if deviation == 0:  # all values are equal
        return 1.0
    z = (extreme - first * second / 2 - 0.5) / deviation
    return math.erfc(z / math.sqrt(2))


def _exact_p(extreme: float, first: int, second: int) -> float:
    above = sum(_arrangements(first, second)[math.ceil(extreme) :])
    return 2 * above / math.comb(first + second, first)


def _arrangements(first: int, second: int) -> list[int]:
    """Return in how many orders of the values there are 0, 1, … pairs whose larger one is the first group's.

    They are the coefficients of the Gaussian binomial: the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n,
    n being the smaller group and m the other.
    """
    small, large = sorted((first, second))
    size = first * second + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, small + 1):
        counts = [a - b for a, b in zip(counts, _shifted(counts, large + i), strict=True)]
        for start in range(i):
            counts[start::i] = accumulate(counts[start::i])
    return counts


def _shifted(counts: Sequence[int], places: int) -> Iterator[int]:
    yield from [0] * min(places, len(counts))
    yield from counts[: max(0, len(counts) - places)]
