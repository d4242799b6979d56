"""Tests of two groups, paired or not, with numpy and the standard library alone."""

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import fmean, stdev

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mprunner.model.adaptive import MIN_REPEATS

_STEPS = 10_000
_PRECISION = 1e-15
_TINY = 1e-300


def two_sided_p(t: float, degrees: float) -> float:
    """Return how likely a value at least as far from 0 as ``t`` is.

    It is the regularised incomplete beta function I_x(v/2, 1/2) at x = v / (v + t²), for v degrees of freedom
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 and 26.5.27).
    """
    if degrees < 1:
        raise ValueError("a t distribution has one degree of freedom or more")
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def two_sided_quantile(p: float, degrees: float) -> float:
    """Return the t that :func:`two_sided_p` gives ``p`` for; ``p`` is between 0 and 1.

    By Newton's method, from 0: the probability falls ever more slowly, so that no step goes too far.
    """
    highest = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(
        math.pi * degrees
    )
    t = 0.0
    for _ in range(_STEPS):
        density = highest * (1 + t * t / degrees) ** (-(degrees + 1) / 2)
        step = (two_sided_p(t, degrees) - p) / (2 * density)
        t += step
        if step <= _PRECISION * t:
            break
    return t


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):  # where the fraction below converges slowly
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a
    return front / _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate Abramowitz and Stegun's 26.5.8 by the method of Lentz, as modified by Thompson and Barnett (1986)."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + term * denominator or _TINY)
        numerator = 1 + term / numerator or _TINY
        change = numerator * denominator
        value *= change
        if abs(change - 1) < _PRECISION:
            break
    return value


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
    if not _is_exact(one.size, other.size) or np.max(ties) > 1:
        return min(1.0, _normal_p(extreme, one.size, other.size, ties))
    above = sum(_arrangements(one.size, other.size)[math.ceil(extreme) :])
    return min(1.0, 2 * above / math.comb(one.size + other.size, one.size))


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


def _arrangements(first: int, second: int) -> list[int]:
    """Return in how many orders of the values there are 0, 1, … pairs whose larger one is the first group's.

    They are the coefficients of the Gaussian binomial: the product of (1 - q^(m+i)) / (1 - q^i) for i from 1 to n,
    n being the smaller group and m the other.
    """
    small, large = sorted((first, second))
    size = first * second + 1
    counts = [1] + [0] * (size - 1)
    for i in range(1, small + 1):
        shifted = [0] * (large + i) + counts
        counts = [a - b for a, b in zip(counts, shifted, strict=False)]
        for start in range(i):
            counts[start::i] = accumulate(counts[start::i])
    return counts


EXACT_PAIRS_UP_TO = 50
"""The exact distribution of the signed ranks is used for so many differences or fewer."""


def differences_of(values: Mapping[int, float], baseline: Mapping[int, float]) -> list[float]:
    """Return by how much a case differs from another in each repeat that both have, both given by repeat.

    The differences are those of the logarithms, which make a ratio and its inverse equally far apart, where all
    values are positive.
    """
    pairs = [(values[repeat], base) for repeat, base in baseline.items() if repeat in values]
    if pairs and min(map(min, pairs)) > 0:
        return [math.log(value) - math.log(base) for value, base in pairs]
    return [value - base for value, base in pairs]


def paired_p(differences: Sequence[float], tests: int) -> float | None:
    """Return how likely differences as large are, on either side, if both sides are alike; None for fewer than five.

    By the signed ranks where so few differences could tell the sides apart at all, corrected for the number of tests;
    else, for want of an alternative, by Student's t. Which of the two it is does not depend on the values.

    Args:
        differences: one for each repeat.
        tests: for how many tests the p will be corrected.
    """
    if len(differences) < MIN_REPEATS:
        return None
    if tests * 2.0 ** (1 - len(differences)) < ALPHA:
        return signed_rank_p(differences)
    return _student_p(differences)


def paired_shift(differences: Sequence[float]) -> float:
    """Return the sum of the signed ranks: positive where the case has more than the other, as the test sees it."""
    own = np.asarray(differences, dtype=np.float64)
    return float((np.sign(own) * ranks_of(np.abs(own))).sum())


def signed_rank_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of the Wilcoxon signed-rank test; differences of 0 are left out.

    Exact for up to fifty differences, equal ones too: each of the 2ⁿ ways to sign the ranks is as likely. Else by the
    normal approximation with the corrections for ties and for continuity (Wilcoxon, Individual comparisons by ranking
    methods, 1945; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 2013, section 3.1).
    """
    own = np.asarray([difference for difference in differences if difference], dtype=np.float64)
    if own.size == 0:
        return 1.0
    ranks = ranks_of(np.abs(own))
    positive = float(ranks[own > 0].sum())
    extreme = max(positive, float(ranks.sum()) - positive)
    if own.size <= EXACT_PAIRS_UP_TO:
        return min(1.0, 2 * _share_from(extreme, ranks))
    deviation = math.sqrt(float((ranks**2).sum()) / 4)
    z = (extreme - float(ranks.sum()) / 2 - 0.5) / deviation
    return min(1.0, math.erfc(z / math.sqrt(2)))


def _share_from(extreme: float, ranks: NDArray[np.float64]) -> float:
    """Return in which share of all ways to sign the ranks the positive ones come to ``extreme`` or more.

    Ranks are doubled, as those of equal differences are halves of whole numbers.
    """
    doubled = np.rint(2 * ranks).astype(int)
    shares = np.zeros(int(doubled.sum()) + 1)
    shares[0] = 1.0
    for rank in doubled:
        shifted = np.concatenate((np.zeros(rank), shares[:-rank]))
        shares = (shares + shifted) / 2
    return float(shares[round(2 * extreme) :].sum())


def _student_p(differences: Sequence[float]) -> float | None:
    """Return the two-sided p of Student's paired t test; None where no float holds their mean or their spread."""
    if not all(map(math.isfinite, differences)):
        return None
    try:
        spread, mean = stdev(differences), fmean(differences)
    except OverflowError:
        return None
    if spread == 0:
        return 1.0 if differences[0] == 0 else 2.0 ** (1 - len(differences))  # as the sign test has it
    return two_sided_p(mean / (spread / math.sqrt(len(differences))), len(differences) - 1)


def independent_p(base: Sequence[float], new: Sequence[float], tests: int) -> tuple[float | None, float]:
    """Return how likely two groups differ as much if they are alike, and the smallest p that so many values can have.

    By their ranks where those could tell the groups apart at all, corrected for the number of tests; else, for want
    of an alternative, by Welch's t. Which of the two it is does not depend on the values.

    Args:
        base: the values of one group.
        new: those of the other.
        tests: for how many tests the p will be corrected.

    Returns:
        the two-sided p, None where a group is empty; and the smallest, 0 where there is no limit to it.
    """
    least = least_p(len(base), len(new))
    if tests * least < ALPHA or min(len(base), len(new)) < MIN_REPEATS:
        return mann_whitney_p(new, base), least
    if min(*base, *new) > 0:  # a ratio and its inverse are equally far apart
        return welch_p(np.log(base), np.log(new)), 0.0
    return welch_p(np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)), 0.0


def welch_p(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the two-sided p of Welch's t test of two groups of two values or more, whose spreads may differ.

    The degrees of freedom are Welch's and Satterthwaite's (Welch, The generalization of "Student's" problem when
    several different population variances are involved, 1947). Groups without any spread are told apart as ranks do.
    """
    shares = [float(group.var(ddof=1)) / group.size for group in (first, second)]
    error, difference = sum(shares), float(second.mean() - first.mean())
    if error == 0:
        return 1.0 if difference == 0 else least_p(first.size, second.size)
    sizes = (first.size, second.size)
    degrees = error**2 / sum(share**2 / (size - 1) for share, size in zip(shares, sizes, strict=True))
    return two_sided_p(difference / math.sqrt(error), degrees)


def mean_ranks(groups: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean rank of each group's values among those of all; none of the groups is empty."""
    sizes = [len(group) for group in groups]
    ranks = ranks_of(np.concatenate([np.asarray(group, dtype=np.float64) for group in groups]))
    return [float(part.mean()) for part in np.split(ranks, np.cumsum(sizes)[:-1])]
