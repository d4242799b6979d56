"""Statistics of repeated measurements and of shares; the same numbers always give the same intervals.

Of numbers near 1e308 a sum or a square is none that a float holds: such a statistic is missing.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, expm1, lgamma, log, log1p
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mprunner.model.adaptive import MIN_REPEATS

CONFIDENCE = 0.95
RESAMPLES = 5_000
_SEED = 0
_TAILS = ((1 - CONFIDENCE) / 2, 1 - (1 - CONFIDENCE) / 2)
_DESCRIBED = ("median", "mean", "sd", "min", "max", "ci_low", "ci_high")
Groups = Sequence[Sequence[float] | NDArray[np.float64]]
_BLOCK = 500_000  # drawn indices held at once, twice: 8 MB


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How a case compares with its baseline.

    Attributes:
        median: the median of the ratios, each of two trials of the same repeat.
        interval: its confidence interval, or None for fewer than five pairs.
    """

    median: float
    interval: Interval | None


quietly = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Computes without warnings what :func:`finite` then looks at."""


def finite(value: float) -> float | None:
    """Return a number that is one; None for what is too large, or no number."""
    return value if math.isfinite(value) else None


def describe(values: Sequence[float] | NDArray[np.float64]) -> dict[str, float | None]:
    """Describe finite values by the columns of summary.csv, from ``median`` to ``ci_high``; empty if there are none.

    The deviation is that of a sample (n - 1); of a single value there is none.
    """
    return {name: column[0] for name, column in describe_each([values]).items()} if len(values) else {}


@quietly
def describe_each(groups: Groups) -> dict[str, list[float | None]]:
    """Describe many groups of values as :func:`describe` does one: by column, a number or None for each group."""
    described: dict[str, list[float | None]] = {name: [None] * len(groups) for name in _DESCRIBED}
    for places, data in _by_size(groups):
        minima, maxima, means = data.min(axis=1), data.max(axis=1), data.mean(axis=1)
        # Rounding can put the mean of equal values a bit outside of them, which reads like an error.
        within = np.where(minima > means, minima, np.where(maxima < means, maxima, means))
        sds = data.std(axis=1, ddof=1) if data.shape[1] > 1 else np.full(len(data), math.nan)
        statistics = (_medians(data), np.where(np.isfinite(means), within, math.nan), sds, minima, maxima)
        for column, numbers in zip(described.values(), statistics, strict=False):
            for place, number in zip(places, numbers.tolist(), strict=True):
                column[place] = finite(number)
        for place, interval in zip(places, _intervals(data), strict=True):
            if interval is not None:
                described["ci_low"][place], described["ci_high"][place] = interval.low, interval.high
    return described


def _by_size(
    groups: Groups,
) -> Iterator[tuple[list[int], NDArray[np.float64]]]:
    """Put groups of one size together: return their places, and a row of values for each; empty ones are left out."""
    places: dict[int, list[int]] = {}
    for place, values in enumerate(groups):
        places.setdefault(len(values), []).append(place)
    for size, own in places.items():
        if size:
            yield own, np.array([groups[place] for place in own], dtype=np.float64)


def _medians(data: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each row, of finite values; two middle ones may be of any size."""
    size = data.shape[1]
    in_order = np.sort(data, axis=1)
    low, high = in_order[:, (size - 1) // 2], in_order[:, size // 2]
    middle = (low + high) / 2
    return np.where(np.isfinite(middle), middle, low / 2 + high / 2)


def _intervals(data: NDArray[np.float64]) -> list[Interval | None]:
    """Return the interval of each row's median, to the bit that of :func:`median_interval`.

    Resamples of a row have few different medians: each pair of values that are the middle ones of some is looked at
    once, with how many there are.
    """
    rows, size = data.shape
    if size < MIN_REPEATS:
        return [None] * rows
    lower, upper, counts = _middle_pairs(size, _SEED)
    found: list[Interval | None] = []
    step = max(1, _BLOCK // len(counts))
    for start in range(0, rows, step):
        in_order = np.sort(data[start : start + step], axis=1) + 0.0  # as for one row
        first, second = in_order[:, lower], in_order[:, upper]
        medians = np.clip(first / 2 + second / 2, first, second)
        places = np.argsort(medians, axis=1, kind="stable")
        medians, until = np.take_along_axis(medians, places, axis=1), np.cumsum(counts[places], axis=1)
        low, high = (_weighted_quantile(medians, until, tail).tolist() for tail in _TAILS)
        ends_of_rows = zip(low, high, strict=True)
        found += [Interval(a, b) if math.isfinite(a) and math.isfinite(b) else None for a, b in ends_of_rows]
    return found


def _weighted_quantile(
    values: NDArray[np.float64], until: NDArray[np.int64], quantile: float
) -> NDArray[np.float64]:
    """Return a quantile of each row's values in order, as ``np.quantile`` does of as many as ``until`` counts."""
    position = quantile * (RESAMPLES - 1)
    before = math.floor(position)
    neighbours = [
        np.take_along_axis(values, (until <= place).sum(axis=1, keepdims=True), axis=1)[:, 0]
        for place in (before, before + 1)
    ]
    between: NDArray[np.float64] = np.quantile(np.stack(neighbours), position - before, axis=0)
    return between


def ends(name: str, interval: Interval | None) -> dict[str, float | None]:
    """Return the ends of an interval by the columns that it has in a table, such as ``ci_low`` and ``ci_high``."""
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {f"{name}_low": low, f"{name}_high": high}


def median_of(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the median of finite values, of which there is one at least; two middle ones may be of any size."""
    data = np.sort(np.asarray(values, dtype=np.float64))
    low, high = float(data[(data.size - 1) // 2]), float(data[data.size // 2])
    middle = (low + high) / 2
    return middle if math.isfinite(middle) else low / 2 + high / 2


def median_interval(values: Sequence[float] | NDArray[np.float64]) -> Interval | None:
    """Return the 95 % percentile-bootstrap interval of the median; None for fewer than five values.

    The values are resampled with replacement, and the interval reaches from the 2.5th to the 97.5th percentile
    of the resamples' medians (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
    """
    medians = resampled_medians(np.asarray(values, dtype=np.float64))
    return None if medians is None else percentile_interval(medians)


def resampled_medians(values: NDArray[np.float64], seed: int = _SEED) -> NDArray[np.float64] | None:
    """Return the medians of resamples of the values, drawn with replacement; None for fewer than five values."""
    if values.size < MIN_REPEATS:
        return None
    data = np.sort(values) + 0.0  # of -0.0 and 0.0, either may stand first
    lower, upper = _middles(data.size, seed)
    first, second = data[lower], data[upper]
    return np.clip(first / 2 + second / 2, first, second)  # the half of a number near 0 is rounded


@quietly
def percentile_interval(resampled: NDArray[np.float64]) -> Interval | None:
    """Return the interval between the 2.5th and the 97.5th percentile of what resamples came to."""
    low, high = map(float, np.quantile(resampled, _TAILS))
    return Interval(low, high) if math.isfinite(low) and math.isfinite(high) else None


def precision(values: Sequence[float] | NDArray[np.float64]) -> float | None:
    """Return half of the width of the median's interval as a share of the median's size.

    It is 0 for an interval that is one point, and infinite for another around a median of 0; None where there is
    no interval.
    """
    interval = median_interval(values)
    if interval is None:
        return None
    half, size = interval.high / 2 - interval.low / 2, abs(median_of(values))
    if half == 0:
        return 0.0
    return half / size if size else math.inf


@lru_cache(maxsize=64)
def _middles(size: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return, for each resample of so many sorted values, which of them are its two middle ones (or its one, twice).

    They depend on nothing else, so that all metrics of all cases share them.
    """
    middle = [(size - 1) // 2, size // 2]
    found = np.empty((RESAMPLES, 2), dtype=np.intp)
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // size)
    for start in range(0, RESAMPLES, step):
        rows = found[start : start + step]
        drawn = rng.integers(0, size, (len(rows), size))
        rows[:] = np.partition(drawn, middle, axis=1)[:, middle]
    return found[:, 0], found[:, 1]


@lru_cache(maxsize=64)
def _middle_pairs(size: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """Return the different pairs of :func:`_middles`, and how many resamples have each."""
    lower, upper = _middles(size, seed)
    pairs, counts = np.unique(lower * size + upper, return_counts=True)
    return pairs // size, pairs % size, counts.astype(np.int64)


def paired_ratio(values: Mapping[int, float], baseline: Mapping[int, float]) -> Ratio | None:
    """Compare a case with its baseline, both given by repeat; None if there is a repeat that can't be, or no pair.

    Trials close in time resemble each other, and trials of one repeat are close in time: so each ratio is taken
    within a repeat, and the interval resamples repeats. A baseline that is 0 in any of them leaves no ratio: those of
    the other repeats would be of its large values alone. Nor does a negative value: nothing is so many times another
    that may have the other sign.
    """
    return paired_ratios([(values, baseline)])[0]


@quietly
def paired_ratios(
    pairs: Sequence[tuple[Mapping[int, float], Mapping[int, float]]],
) -> list[Ratio | None]:
    """Compare many cases with their baselines as :func:`paired_ratio` does one, those of one size together."""
    ratios = [_ratios_of(values, baseline) for values, baseline in pairs]
    found: list[Ratio | None] = [None for _ in ratios]
    for places, data in _by_size(ratios):
        for place, median, interval in zip(places, _medians(data).tolist(), _intervals(data), strict=True):
            found[place] = Ratio(median=median, interval=interval)
    return found


def _ratios_of(values: Mapping[int, float], baseline: Mapping[int, float]) -> Sequence[float]:
    """Return the ratio of each repeat; none if one of them can't be."""
    pairs = [(values[repeat], base) for repeat, base in baseline.items() if repeat in values]
    if any(value < 0 or base <= 0 for value, base in pairs):
        return ()
    ratios = [value / base for value, base in pairs]
    return ratios if all(map(math.isfinite, ratios)) else ()


_ONE_BY_ONE, _TOGETHER = 64, 1_024  # terms of a sum: most have few
_STEPS = 100  # halvings of [0, 1]: more than a float has bits; a few are enough where Newton's lead there
_NEAR = 1e-14
_MANY = 1e6  # hits and misses: from there on both ways agree, and there would be ever more terms to be added
_TOO_MANY = 1e12  # observations: the terms would have no right digit
_DEVIATE = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2)


@lru_cache(maxsize=100_000)  # cases of an experiment share most of their counts
def share_interval(count: int, observations: int) -> Interval:
    """Return the exact 95 % interval of a share (Clopper and Pearson, Biometrika 26, 1934).

    Of a state that was never seen the upper end is :func:`unseen_bound`, as only that side is asked for.

    Raises:
        ValueError: ``count`` is not between 0 and ``observations``, or there is no observation.
    """
    if not 0 <= count <= observations or observations == 0:
        raise ValueError(f"{count} of {observations} is no share")
    if count == 0:
        return Interval(0.0, unseen_bound(observations))
    tail = (1 - CONFIDENCE) / 2
    low = _share_with_tail(count, observations, tail)
    high = 1.0 if count == observations else 1 - _share_with_tail(observations - count, observations, tail)
    return Interval(low, max(high, count / observations))


def unseen_bound(observations: int) -> float:
    """Return the upper 95 % bound of the share of what was never seen: about 3 over the number of observations.

    It is the share at which n observations all miss with a probability of 5 %: 1 - 0.05 ** (1 / n). "Rule of three":
    Hanley and Lippman-Hand, JAMA 249, 1983.
    """
    return -expm1(log(1 - CONFIDENCE) / observations)


def _share_with_tail(count: int, observations: int, tail: float) -> float:
    """Return the share at which ``count`` or more of the observations have the probability ``tail``."""
    if min(count, observations - count) > _MANY or observations > _TOO_MANY:
        return _share_of_many(count, observations - count + 1)
    low, high = 0.0, count / observations
    share = min(max(_share_of_many(count, observations - count + 1), high / 2), high * (1 - 1e-9))
    for _ in range(_STEPS):
        probability, first = _at_least(count, observations, share)
        if probability < tail:
            low = share
        else:
            high = share
        # Newton's step for the probability's logarithm by the share's: its slope is count * first / probability
        step = log(probability / tail) * probability / (count * first) if first > 0 else math.inf
        before, share = share, share * exp(-step) if abs(step) < 1 else math.nan
        if not low <= share <= high:
            share = (low + high) / 2
        if abs(share - before) <= _NEAR * share:
            break
    return share


def _share_of_many(a: float, b: float) -> float:
    """Return the 2.5th percentile of a beta distribution (Abramowitz and Stegun, 1964, 26.5.22)."""
    h, spread = 2 / (1 / (2 * a - 1) + 1 / (2 * b - 1)), (_DEVIATE**2 - 3) / 6
    skew = (1 / (2 * b - 1) - 1 / (2 * a - 1)) * (spread + 5 / 6 - 2 / (3 * h))
    return a / (a + b * exp(2 * (_DEVIATE * math.sqrt(h + spread) / h - skew)))


def _at_least(count: int, observations: int, share: float) -> tuple[float, float]:
    """Return the probability of ``count`` or more of n, below their expected number, and that of ``count`` of them.

    Where ``count`` is above n times the share, the terms fall from it on, so that few of them matter.
    """
    if share <= 0:
        return 0.0, 0.0
    chosen = lgamma(observations + 1) - lgamma(count + 1) - lgamma(observations - count + 1)
    term = exp(chosen + count * log(share) + (observations - count) * log1p(-share))
    first, total, odds = term, 0.0, share / (1 - share)
    for k in range(count, min(count + _ONE_BY_ONE, observations + 1)):
        total += term
        term *= (observations - k) / (k + 1) * odds
        if term <= total * 1e-17:
            return total, first
    for start in range(count + _ONE_BY_ONE, observations + 1, _TOGETHER):  # the same numbers, many at once
        places = np.arange(start, min(start + _TOGETHER, observations + 1), dtype=np.float64)
        terms = np.cumprod(np.concatenate(([term], (observations - places) / (places + 1) * odds)))
        totals = np.cumsum(np.concatenate(([total], terms[:-1])))[1:]
        (ended,) = np.nonzero(terms[1:] <= totals * 1e-17)
        if ended.size:
            return float(totals[ended[0]]), first
        term, total = float(terms[-1]), float(totals[-1])
    return total, first
