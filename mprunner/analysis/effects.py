"""By how much two sides of one case differ in one metric, with an interval, and what to call that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean

import numpy as np

from mprunner.analysis.significance import (
    ALPHA,
    differences_of,
    independent_p,
    mean_ranks,
    paired_p,
    paired_shift,
)
from mprunner.analysis.statistics import (
    Interval,
    median_of,
    paired_ratio,
    percentile_interval,
    resampled_medians,
)
from mprunner.model.adaptive import MIN_REPEATS

_SEEDS = (0, 1)  # of each group's resamples: with the same, both would be resampled alike


class Method(StrEnum):
    """How two sides are compared."""

    TRIALS = "trials"
    """A run on each side: the trials of both are independent groups; Mann-Whitney U or Welch's t, and a bootstrap."""
    ONE_TURN = "one-turn"
    """Several runs on a side, and none of the other side between them: Student's t on the logarithms of medians."""
    EARLIER = "earlier-runs"
    """As one of these, and Student's t by the spread of earlier runs: the wider interval, and the larger p."""
    COUNTS = "counts"
    """As one of the first two, of what no drift explains: 0 throughout a side, or a whole number throughout each."""
    RUNS = "runs"
    """Several turns on a side: each is one observation, Student's t on logarithms."""
    REPEATS = "repeats"
    """Two cases of one run: ratios within a repeat, signed-rank test and a bootstrap that resamples repeats."""

    @property
    def knows_drift(self) -> bool:
        """Whether the machine's drift between runs is in its interval and its p, as far as it matters."""
        return self not in (Method.TRIALS, Method.ONE_TURN)


class Change(StrEnum):
    """What a comparison of a case comes to."""

    MORE = "more"
    """The new side has more of the metric: it is slower, if that is a duration."""
    LESS = "less"
    """The new side has less of it."""
    NEGLIGIBLE = "negligible"
    """All of the interval is below the minimum effect."""
    UNSURE = "unsure"
    """There is a difference, below the minimum effect as it was measured; its interval reaches beyond that."""
    CHANGE_OR_DRIFT = "change-or-drift"
    """A difference, or none, of these trials; how far the machine drifts between runs is not known."""
    NOT_TOLD_APART = "not-told-apart"
    """There may be a difference; these trials don't show it."""
    TOO_FEW = "too-few"
    """So few trials, or runs, could not show a difference of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the values of two sides say of their ratio.

    Attributes:
        method: how it was found.
        ratio: of the new side to the base; None where there is none.
        interval: its 95 % interval; None where there are too few values.
        p: how likely a difference as large is if both sides are alike; None where there are too few values.
        shift: positive where, as the test sees it, the new side has more; negative where it has less.
        least: the smallest ``p`` that so many values can have; 0 where there is no limit to it.
        turns: of the side that has fewer of them: how many runs, those in a row being one.
        degrees: of freedom, where the interval is Student's.
        earlier: of how many earlier runs the spread between runs is.
    """

    method: Method
    ratio: float | None = None
    interval: Interval | None = None
    p: float | None = None
    shift: float = 0.0
    least: float = 0.0
    turns: int = 1
    degrees: float | None = None
    earlier: int = 0


def ratio_of_medians(base: Sequence[float], new: Sequence[float]) -> float | None:
    """Return the median of ``new`` over that of ``base``; None if a value is negative, the base 0, a group empty."""
    if not base or not new or min(*base, *new) < 0:
        return None
    below = median_of(base)
    return median_of(new) / below if below > 0 else None


def independent_interval(base: Sequence[float], new: Sequence[float]) -> Interval | None:
    """Return the 95 % percentile-bootstrap interval of the ratio of two independent groups' medians.

    Each group is resampled on its own (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 8.3).
    None for fewer than five values on a side, a negative one, or where a resample's base is 0.
    """
    below, above = (
        resampled_medians(np.asarray(side, dtype=np.float64), seed)
        for side, seed in zip((base, new), _SEEDS, strict=True)
    )
    if below is None or above is None or min(*base, *new) < 0 or np.min(below) <= 0:
        return None
    return percentile_interval(above / below)


def of_trials(base: Sequence[float], new: Sequence[float], tests: int) -> Estimate:
    """Compare the values of a run on each side, as one of so many tests."""
    p, least = independent_p(base, new, tests)
    interval = independent_interval(base, new)
    few = min(len(base), len(new)) < MIN_REPEATS
    # Enough values and no interval: the base is 0 too often for a ratio to mean something.
    ratio = ratio_of_medians(base, new) if interval or few else None
    return Estimate(
        method=Method.TRIALS,
        ratio=ratio,
        interval=interval,
        p=None if few and ratio is not None else p,  # a ratio is told by its interval too, and has none
        shift=shift_of([base], [new]),
        least=least,
    )


def shift_of(base: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> float:
    """Return by how much the mean ranks of two sides' groups differ: positive where the new side has more."""
    ranks = mean_ranks([*base, *new])
    return fmean(ranks[len(base) :]) - fmean(ranks[: len(base)])


def of_repeats(base: Mapping[int, float], new: Mapping[int, float], tests: int) -> Estimate:
    """Compare two cases of one run, given by repeat, as one of so many tests."""
    differences = differences_of(new, base)
    p, shift = paired_p(differences, tests), paired_shift(differences)
    paired = paired_ratio(new, base)
    if paired is None:
        return Estimate(method=Method.REPEATS, p=p, shift=shift)
    return Estimate(method=Method.REPEATS, ratio=paired.median, interval=paired.interval, p=p, shift=shift)


def change_of(found: Estimate, min_effect: float) -> Change:
    """Call a ratio more or less only where its test, its interval and the minimum effect agree on that.

    Without a ratio the test alone says it.

    Args:
        found: the estimate of two sides that both have values, its ``p`` corrected.
        min_effect: the smallest difference that matters, as a share of the base.
    """
    told = _change_of_values(found, min_effect)
    if found.method.knows_drift or told in (Change.TOO_FEW, Change.NOT_TOLD_APART):
        return told
    return Change.CHANGE_OR_DRIFT


def _change_of_values(found: Estimate, min_effect: float) -> Change:
    is_told = found.p is None or found.p < ALPHA
    if found.ratio is None:
        if found.p is None:
            return Change.TOO_FEW
        return _direction(found.shift) if is_told and found.shift else Change.NOT_TOLD_APART
    if found.interval is None:
        return Change.TOO_FEW
    low, high = found.interval.low, found.interval.high
    if 1 - min_effect <= low and high <= 1 + min_effect:
        return Change.NEGLIGIBLE
    if not is_told or low <= 1 <= high:
        return Change.NOT_TOLD_APART
    return Change.UNSURE if abs(found.ratio - 1) < min_effect else _direction(found.ratio - 1)


def _direction(difference: float) -> Change:
    return Change.MORE if difference > 0 else Change.LESS
