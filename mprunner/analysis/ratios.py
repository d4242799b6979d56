"""The ratio of two groups that were measured apart: of the trials of two runs, or of several runs on each side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.statistics import (
    CONFIDENCE,
    Interval,
    median_of,
    percentile_interval,
    resampled_medians,
)
from mprunner.analysis.student import two_sided_p, two_sided_quantile

MIN_RUNS = 3
"""So many runs, those of both sides together, leave a degree of freedom for the drift between runs."""
_SEEDS = (0, 1)  # of each group's resamples: with the same, both would be resampled alike


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRatio:
    """How two sides of several runs compare.

    Attributes:
        ratio: the geometric mean of the new runs' medians over that of the base's.
        interval: its confidence interval.
        p: how likely a ratio as far from 1 is if both sides are alike.
    """

    ratio: float
    interval: Interval
    p: float


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
    below, above = _medians(base, _SEEDS[0]), _medians(new, _SEEDS[1])
    if below is None or above is None or min(*base, *new) < 0 or np.min(below) <= 0:
        return None
    return percentile_interval(above / below)


def _medians(values: Sequence[float], seed: int) -> NDArray[np.float64] | None:
    return resampled_medians(np.asarray(values, dtype=np.float64), seed)


def ratio_of_runs(base: Sequence[float], new: Sequence[float]) -> RunsRatio | None:
    """Compare two sides of several runs by the medians of their runs, each of which is one observation.

    Student's t on the logarithms: what separates runs of one side is the machine's drift, a factor that both sides
    share, so that their spreads are pooled; one run may then stand against several. None for fewer than three runs
    in all, or a median that is not positive.

    With a drift of 5 % between runs the interval held the ratio in 93-96 % of simulations, for two runs on each side
    as for ten, and for one run against five. A bootstrap that resamples runs and then trials held it in 78 % for
    two runs on each side, 77 % for one against five, and was wider from five runs on.
    """
    if len(base) + len(new) < MIN_RUNS or not base or not new or min(*base, *new) <= 0:
        return None
    degrees = len(base) + len(new) - 2
    below, above = np.log(base), np.log(new)
    squares = float(((below - below.mean()) ** 2).sum() + ((above - above.mean()) ** 2).sum())
    error = math.sqrt(squares / degrees * (1 / len(base) + 1 / len(new)))
    difference = float(above.mean() - below.mean())
    half = two_sided_quantile(1 - CONFIDENCE, degrees) * error
    return RunsRatio(
        ratio=_exp(difference),
        interval=Interval(_exp(difference - half), _exp(difference + half)),
        p=two_sided_p(difference / error, degrees) if error else float(difference == 0),
    )


def difference_of_runs_p(base: Sequence[float], new: Sequence[float]) -> float | None:
    """Return Student's p that two sides of several runs are alike, by a number of each run.

    It is for runs whose medians are not all positive, of which there is no ratio. None for fewer than three in all.
    """
    if len(base) + len(new) < MIN_RUNS or not base or not new:
        return None
    degrees = len(base) + len(new) - 2
    below, above = np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)
    squares = float(((below - below.mean()) ** 2).sum() + ((above - above.mean()) ** 2).sum())
    error = math.sqrt(squares / degrees * (1 / len(base) + 1 / len(new)))
    difference = float(above.mean() - below.mean())
    return two_sided_p(difference / error, degrees) if error else float(difference == 0)


def _exp(value: float) -> float:
    return math.exp(min(max(value, -700.0), 700.0))  # two runs that are far apart have no sensible upper end
