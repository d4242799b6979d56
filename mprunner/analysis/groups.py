"""Tests of two groups of trials that were measured apart, and which of them has more: of two runs, or of several."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.ranks import ALPHA, least_p, mann_whitney_p, ranks_of
from mprunner.analysis.student import two_sided_p
from mprunner.until import MIN_REPEATS


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
