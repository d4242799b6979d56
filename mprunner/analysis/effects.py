"""By how much two sides of one case differ in one metric, with an interval, and what to call that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.samples import MeasuredCase
from mprunner.analysis.significance import (
    ALPHA,
    differences_of,
    independent_p,
    mann_whitney_p,
    mean_ranks,
    paired_p,
    paired_shift,
    two_sided_p,
    two_sided_quantile,
)
from mprunner.analysis.statistics import (
    CONFIDENCE,
    Interval,
    finite,
    median_of,
    paired_ratio,
    percentile_interval,
    quietly,
    resampled_medians,
)
from mprunner.model.adaptive import MIN_REPEATS

MIN_RUNS = 3
"""So many runs, those of both sides together, leave a degree of freedom for the drift between runs."""
_SEEDS = (0, 1)  # of each group's resamples: with the same, both would be resampled alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the values of two sides say of their ratio.

    Attributes:
        ratio: of the new side to the base; None where there is none.
        interval: its 95 % interval; None where there are too few values.
        p: how likely a difference as large is if both sides are alike; None where there are too few values.
        shift: positive where, as the test sees it, the new side has more; negative where it has less.
        least: the smallest ``p`` that so many values can have; 0 where there is no limit to it.
    """

    ratio: float | None = None
    interval: Interval | None = None
    p: float | None = None
    shift: float = 0.0
    least: float = 0.0


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


def ratio_of_runs(base: Sequence[float], new: Sequence[float]) -> Estimate | None:
    """Compare two sides of several runs by the medians of their runs, each of which is one observation.

    Student's t on the logarithms: what separates runs of one side is the machine's drift, a factor that both sides
    share. So their spreads are pooled, and one run may be compared with several. None for fewer than three runs
    in all, or a median that is not positive.

    With a drift of 5 % between runs the interval held the ratio in 93-96 % of simulations, for two runs on each side
    as for ten, and for one run against five. A bootstrap that resamples runs and then trials held it in 78 % for
    two runs on each side, 77 % for one against five, and was wider from five runs on.
    """
    if len(base) + len(new) < MIN_RUNS or not base or not new or min(*base, *new) <= 0:
        return None
    difference, error, p = _student(np.log(base), np.log(new))
    half = two_sided_quantile(1 - CONFIDENCE, len(base) + len(new) - 2) * error
    return Estimate(
        ratio=math.exp(difference),
        interval=Interval(math.exp(difference - half), math.exp(difference + half)),
        p=p,
    )


def _student(base: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the difference of two groups' means, its standard error and Student's p, their spreads pooled."""
    degrees = base.size + new.size - 2
    squares = float(((base - base.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum())
    error = math.sqrt(squares / degrees * (1 / base.size + 1 / new.size))
    difference = float(new.mean() - base.mean())
    return difference, error, two_sided_p(difference / error, degrees) if error else float(difference == 0)


class Method(StrEnum):
    """How two sides are compared."""

    TRIALS = "trials"
    """A run on each side: the trials of both are independent groups; Mann-Whitney U or Welch's t, and a bootstrap."""
    RUNS = "runs"
    """Several runs on a side: each run's median is one observation, Student's t on logarithms."""
    REPEATS = "repeats"
    """Two cases of one run: ratios within a repeat, signed-rank test and a bootstrap that resamples repeats."""


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
    NOT_TOLD_APART = "not-told-apart"
    """There may be a difference; these trials don't show it."""
    TOO_FEW = "too-few"
    """So few trials, or runs, could not show a difference of any size."""


def values_of_runs(cases: Sequence[MeasuredCase], metric: str) -> list[list[float]]:
    """Return a metric's values in each run that has any; ``cases`` is one case, as each run of a side measured it."""
    found = (list(case.values.get(metric, {}).values()) for case in cases)
    return [values for values in found if values]


def estimate(
    base: Sequence[MeasuredCase], new: Sequence[MeasuredCase], metric: str, method: Method, tests: int
) -> Estimate:
    """Compare one case in one metric; each side's cases are those of its runs, and it is one of so many tests.

    What no float holds, of values near 1e308 or runs that are as far apart, is missing.
    """
    try:
        found = _estimate(base, new, metric, method, tests)
    except OverflowError:
        return Estimate()
    ratio, p = (None if number is None else finite(number) for number in (found.ratio, found.p))
    return replace(found, ratio=ratio, p=p)


@quietly
def _estimate(
    base: Sequence[MeasuredCase], new: Sequence[MeasuredCase], metric: str, method: Method, tests: int
) -> Estimate:
    ours, theirs = values_of_runs(base, metric), values_of_runs(new, metric)
    if not ours or not theirs:
        return Estimate()
    match method:
        case Method.TRIALS:
            return _of_trials(ours[0], theirs[0], tests)
        case Method.RUNS:
            return _of_runs(ours, theirs)
        case Method.REPEATS:
            return _of_repeats(base[0], new[0], metric, tests)


def _of_trials(base: Sequence[float], new: Sequence[float], tests: int) -> Estimate:
    p, least = independent_p(base, new, tests)
    interval = independent_interval(base, new)
    few = min(len(base), len(new)) < MIN_REPEATS
    # Enough values and no interval: the base is 0 too often for a ratio to mean something.
    ratio = ratio_of_medians(base, new) if interval or few else None
    return Estimate(
        ratio=ratio,
        interval=interval,
        p=None if few and ratio is not None else p,  # a ratio is told by its interval too, and has none
        shift=_shift([base], [new]),
        least=least,
    )


def _shift(base: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> float:
    ranks = mean_ranks([*base, *new])
    return fmean(ranks[len(base) :]) - fmean(ranks[: len(base)])


def _of_runs(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> Estimate:
    base, new = ([median_of(values) for values in side] for side in (ours, theirs))
    if len(base) + len(new) < MIN_RUNS:
        return Estimate(ratio=ratio_of_medians(base, new))
    found = ratio_of_runs(base, new)
    if found is None:
        return Estimate(p=_rank_p(ours, theirs), shift=_shift(ours, theirs))
    if found.interval is not None and found.interval.low == found.interval.high:
        # Medians of small counts may be the same in every run of a side: of their spread they say nothing then.
        return replace(found, p=_rank_p(ours, theirs))
    return found


def _rank_p(ours: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> float | None:
    """Return how likely sides of several runs differ as much by ranks, which differ where medians may not.

    Runs may be alike by chance: the spread of the trials must tell the sides apart, too.
    """
    ranks = np.asarray(mean_ranks([*ours, *theirs]))
    _, _, of_runs = _student(ranks[: len(ours)], ranks[len(ours) :])
    of_trials = mann_whitney_p([*chain(*theirs)], [*chain(*ours)])
    return None if of_trials is None else max(of_runs, of_trials)


def _of_repeats(base: MeasuredCase, new: MeasuredCase, metric: str, tests: int) -> Estimate:
    below, above = base.values[metric], new.values[metric]
    differences = differences_of(above, below)
    p, shift = paired_p(differences, tests), paired_shift(differences)
    paired = paired_ratio(above, below)
    if paired is None:
        return Estimate(p=p, shift=shift)
    return Estimate(ratio=paired.median, interval=paired.interval, p=p, shift=shift)


def change_of(found: Estimate, min_effect: float) -> Change:
    """Call a ratio more or less only where its test, its interval and the minimum effect agree on that.

    Without a ratio the test alone says it.

    Args:
        found: the estimate of two sides that both have values, its ``p`` corrected.
        min_effect: the smallest difference that matters, as a share of the base.
    """
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
