"""Tests of paired values, with numpy and the standard library alone: two cases of one run, repeat by repeat.

If both cases are alike, each difference is as likely as its opposite: that is all that either test needs to hold, or,
for Student's, to err on the safe side.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.ranks import ALPHA, ranks_of
from mprunner.analysis.student import two_sided_p
from mprunner.until import MIN_REPEATS

EXACT_UP_TO = 50
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
    if own.size <= EXACT_UP_TO:
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


def _student_p(differences: Sequence[float]) -> float:
    spread = stdev(differences)
    if spread == 0:
        return 1.0 if differences[0] == 0 else 2.0 ** (1 - len(differences))  # as the sign test has it
    t = fmean(differences) / (spread / math.sqrt(len(differences)))
    return two_sided_p(t, len(differences) - 1)
