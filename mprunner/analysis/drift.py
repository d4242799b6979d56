"""The machine's drift between runs: how far runs of the same code are apart, by earlier ones.

A run's trials don't show it: they share the minute in which they were executed.
"""

import math
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

MIN_EARLIER = 5
"""So many earlier runs of one code are needed: fewer may be alike by chance, and neighbours always are."""
MOST_TRIALS = 2
"""An earlier run counts if it has no more than so many times the trials: the median of more is steadier."""


@dataclass(frozen=True, slots=True)
class Median:
    """What an earlier run says of a metric of a case: its median, and of how many counted trials."""

    value: float
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """An earlier run, reduced to what its summary says.

    Attributes:
        run_id: its id.
        began: when it began: UTC, ISO 8601.
        code: what it executed: runs of the same differ by nothing but drift.
        medians: by case id and metric.
    """

    run_id: str
    began: str
    code: Hashable
    medians: Mapping[tuple[str, str], Median]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far runs of the same code are apart.

    Attributes:
        deviation: the standard deviation of one run's value.
        degrees: its degrees of freedom, 1 or more; no whole number where neighbours resemble each other.
        runs: of how many runs it is.
    """

    deviation: float
    degrees: float
    runs: int


def seconds_between(first: str, last: str) -> float:
    """Return how far two moments are apart, both UTC, ISO 8601; 0 where one of them is none."""
    try:
        return abs((datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def of_known_codes(earlier: Sequence[EarlierRun]) -> list[EarlierRun]:
    """Leave out runs of codes that too few others are of, and put the rest in the order in which they began."""
    counts = Counter(run.code for run in earlier)
    return sorted((run for run in earlier if counts[run.code] >= MIN_EARLIER), key=lambda run: run.began)


def usable(
    earlier: Sequence[EarlierRun], case_ids: Collection[str], metric: str, trials: int, apart_s: float
) -> list[tuple[Hashable, float]]:
    """Return the code and the median of each earlier run that says something of a comparison, the oldest first.

    Args:
        earlier: in the order in which they began.
        case_ids: the case that is compared; two if a version of the scenario has another param.
        metric: the metric.
        trials: how many trials the smaller side has.
        apart_s: how many seconds lie between the sides.

    Returns:
        those of codes that have :data:`MIN_EARLIER` runs of the case; none where they are not as far apart in time as
        the sides: of slower drift they say nothing.
    """
    found = [
        (run, median.value)
        for run in earlier
        for case_id in case_ids
        if (median := run.medians.get((case_id, metric))) and median.trials <= MOST_TRIALS * trials
    ]
    counts = Counter(run.code for run, _ in found)
    many = [(run, value) for run, value in found if counts[run.code] >= MIN_EARLIER]
    if not many or seconds_between(many[0][0].began, many[-1][0].began) < apart_s:
        return []
    return [(run.code, value) for run, value in many]


def spread_of(values: Sequence[float], codes: Sequence[Hashable]) -> Spread | None:
    """Estimate how far runs of one code are apart; None where they drift so slowly that they are worth few.

    The deviation is that of each value from the mean of its code. Neighbours resemble each other, so that n values
    are worth only n_eff independent ones: n_eff = n / k, k = 1 + 2 Σ (1 - j/m) r_j, for m values in a row (Bayley and
    Hammersley, The "effective" number of independent observations in an autocorrelated time series, 1946). r_j is the
    correlation of values j apart, raised by the 1/m by which their own mean lowers it (Marriott and Pope, Bias in the
    estimation of autocorrelations, 1954); they are added in pairs up to the first pair that is not positive (Geyer,
    Practical Markov chain Monte Carlo, 1992). Around g means the squares come to σ² (n - g k), with n_eff - g degrees
    of freedom.

    Args:
        values: of runs in the order in which they began.
        codes: what each executed; each value is held against the mean of its own.
    """
    groups = {
        code: [place for place, own in enumerate(codes) if own == code] for code in dict.fromkeys(codes)
    }
    own = np.asarray(values, dtype=np.float64)
    residuals = np.empty_like(own)
    for places in groups.values():
        apart = own[places] - own[places[0]]  # exactly 0 where all are equal, which their mean need not be
        residuals[places] = apart - apart.mean()
    means = len(groups)
    worth = own.size / _inflation(residuals, means)
    if worth - means < 1:
        return None
    squares = float((residuals**2).sum())
    variance = squares / own.size / (1 - means / worth)
    return Spread(deviation=math.sqrt(variance), degrees=worth - means, runs=own.size)


def _inflation(residuals: NDArray[np.float64], means: int) -> float:
    """Return by how much the variance of a code's mean exceeds that of independent runs."""
    size = residuals.size
    squares = float((residuals**2).sum())
    if squares == 0:
        return 1.0
    alike = np.correlate(residuals, residuals, "full")[size - 1 :] / squares + means / size
    in_a_row, total = size // means, 0.0
    for apart in range(1, in_a_row - 1, 2):
        if alike[apart] + alike[apart + 1] <= 0:
            break
        total += float(
            alike[apart] * (1 - apart / in_a_row) + alike[apart + 1] * (1 - (apart + 1) / in_a_row)
        )
    return max(1.0, 1 + 2 * total)
