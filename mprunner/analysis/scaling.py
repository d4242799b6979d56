"""How speed-up grows with the number of processes: Amdahl's law and the Universal Scalability Law, fitted.

With N processes the speed-up is, by the Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007,
chapter 4; with γ fitted too, as version 3 of the R package usl does),

    S(N) = γ N / (1 + σ (N - 1) + κ N (N - 1))

where γ is the speed-up of one process, σ the share of work that waits for others (contention), and κ what it costs
that each process has to agree with each other (coherency). Without κ it is Amdahl's law (AFIPS 30, 1967). The curve
is fitted to the median speed-up of each number of processes (one over the median ratio, as in summary.csv) by least
squares, within σ and κ from 0 to 1. Intervals resample repeats, the same for all numbers of processes, since trials
of one repeat are close in time.

Whether a fit holds is a rule, see :class:`Misfit`: who shows a fit that does not hold says so.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.statistics import CONFIDENCE, Interval, percentile_interval
from mprunner.analysis.summary import amount_of_work, counted, parallel_processes, partners_of, values_of
from mprunner.model.adaptive import MIN_REPEATS
from mprunner.model.declaration import Field
from mprunner.model.provenance import Header
from mprunner.tables import Frames
from mprunner.values import Scalar

MAX_RESIDUAL: Final = 0.05
"""A median may be so far from the curve, as a share of the largest median, that the fit holds."""

REACH: Final = 2
"""The best number of processes, and its interval, may be up to so many times the largest number that was measured."""

_RESAMPLES: Final = 1_000
_SEED: Final = 0
_ZERO: Final = 1e-9  # a κ below that costs a thousand processes a thousandth: the optimiser's way to write 0

SpeedUps = Mapping[int, Mapping[int, float]]
"""By number of processes and repeat, how many times faster the work is than that of the baseline."""
Numbers = NDArray[np.float64]


class Law(StrEnum):
    """What is fitted; a law needs one point more than it has coefficients."""

    AMDAHL = "amdahl"
    USL = "usl"

    @property
    def min_points(self) -> int:
        """How many different numbers of processes it takes."""
        return 3 if self is Law.AMDAHL else 4


class Misfit(StrEnum):
    """Why a fit says nothing of the program, in the order in which it is looked for."""

    TOO_FEW_POINTS = "too-few-points"
    """Fewer numbers of processes than :attr:`Law.min_points`: there is no fit."""
    NOT_FOUND = "not-found"
    """The least squares did not converge: there is no fit."""
    FAR_FROM_POINTS = "far-from-points"
    """A median is farther from the curve than :data:`MAX_RESIDUAL`."""
    AT_BOUND = "at-bound"
    """All work waits (σ is 1), or κ is 1: the law fits only by its limit."""


class NoBest(StrEnum):
    """Why a fit of the Universal Scalability Law names no best number of processes."""

    MISFIT = "misfit"
    """The fit does not hold."""
    NEVER_FALLS = "never-falls"
    """κ is 0: by the fit, more processes never cost anything."""
    OUT_OF_REACH = "out-of-reach"
    """The best number or the end of its interval is more than :data:`REACH` times what was measured."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that was fitted, and its 95 % interval; None for fewer than five repeats.

    Where resamples give no best number of processes, the interval's upper end is infinite.
    """

    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingFit:
    """A law fitted to the speed-up of a group of cases.

    Attributes:
        law: which.
        misfit: why the fit does not hold; None if it does.
        gamma: γ, the speed-up of one process; None where there is no fit.
        sigma: σ, between 0 and 1.
        kappa: κ, between 0 and 1; 0 by Amdahl's law.
        residual: how far the farthest median is from the curve, as a share of the largest median.
        limit: γ / σ, what speed-up comes near with ever more processes; only by Amdahl's law, and where σ is not 0.
        peak: N* = sqrt((1 - σ) / κ), at which the curve is highest; at least 1. Only where :attr:`no_best` is None.
        best: the whole number of processes beside N* that is faster by the curve.
        no_best: why there is none; None by Amdahl's law too, which has no peak.
        resampled: γ, σ and κ of each resample; empty for fewer than five repeats.
    """

    law: Law
    misfit: Misfit | None
    gamma: Estimate | None = None
    sigma: Estimate | None = None
    kappa: Estimate | None = None
    residual: float | None = None
    limit: Estimate | None = None
    peak: Estimate | None = None
    best: int | None = None
    no_best: NoBest | None = None
    resampled: tuple[tuple[float, float, float], ...] = field(default=(), repr=False)

    @property
    def holds(self) -> bool:
        """Whether the fit says something of the program."""
        return self.misfit is None

    def speed_up(self, processes: float) -> float:
        """Return the speed-up by the curve.

        Raises:
            ValueError: there is no fit.
        """
        if self.gamma is None or self.sigma is None or self.kappa is None:
            raise ValueError(f"{self.law} was not fitted: {self.misfit}")
        coefficients = self.gamma.value, self.sigma.value, self.kappa.value
        return float(_curve(np.float64(processes), *coefficients))

    def band(self, processes: float) -> Interval | None:
        """Return the 95 % interval of the curve at a number of processes; None for fewer than five repeats."""
        if not self.resampled:
            return None
        gammas, sigmas, kappas = np.array(self.resampled).T
        return percentile_interval(_curve(np.float64(processes), gammas, sigmas, kappas))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingGroup:
    """Cases that differ in nothing but their number of processes.

    Attributes:
        metric: the duration of which the speed-up is.
        param: the param that counts processes.
        params: the values of all other params, which the cases have in common.
        case_ids: by number of processes, ascending.
        speed_ups: the same by repeat: the baseline's duration over the case's own, of the same repeat. Where the
            baseline is the case with one process, its own are 1.
    """

    metric: str
    param: str
    params: Mapping[str, Scalar]
    case_ids: Mapping[int, str]
    speed_ups: SpeedUps


def scaling_groups(frames: Frames, header: Header, metric: Field) -> list[ScalingGroup]:
    """Return the groups of cases whose speed-up can be told over their number of processes, in the order of the plan.

    They are the cases that have an efficiency in the summary (see
    :func:`mprunner.analysis.summary.parallel_processes`), and the baseline's own where it is the same work with one
    process. A group has two numbers of processes at least. A metric that is no duration has none.
    """
    param = next((each.name for each in header.declaration.params if each.counts_processes), None)
    if param is None or metric.unit != "s":
        return []
    values = values_of(counted(frames.trials), metric.name)
    groups: dict[tuple[tuple[str, str], ...], dict[int, str]] = {}
    speed_ups: dict[str, Mapping[int, float]] = {}
    partners, work = partners_of(frames, header), amount_of_work(header)
    for case_id, partner in partners.items():
        processes = parallel_processes(
            frames.effective[case_id], frames.effective[partner], header.declaration, work
        )
        paired = _paired(values.get(case_id, {}), values.get(partner, {}))
        if processes is not None and paired:
            key = _all_but(param, frames.params[case_id])
            groups.setdefault(key, {})[processes] = case_id
            speed_ups[case_id] = paired
    for partner in dict.fromkeys(partners.values()):
        params = frames.params[partner]
        own = groups.get(_all_but(param, params))
        if own is not None and params[param] == 1 and values.get(partner):
            own[1] = partner
            speed_ups[partner] = dict.fromkeys(values[partner], 1.0)
    return [
        ScalingGroup(
            metric=metric.name,
            param=param,
            params={name: value for name, value in frames.params[cases[min(cases)]].items() if name != param},
            case_ids=dict(sorted(cases.items())),
            speed_ups={processes: speed_ups[case_id] for processes, case_id in sorted(cases.items())},
        )
        for cases in groups.values()
        if len(cases) > 1
    ]


def _all_but(param: str, params: Mapping[str, Scalar]) -> tuple[tuple[str, str], ...]:
    return tuple((name, repr(value)) for name, value in params.items() if name != param)


def _paired(own: Mapping[int, float], baseline: Mapping[int, float]) -> dict[int, float]:
    """Return the speed-up of each repeat that both have; a duration of 0 has none."""
    return {
        repeat: baseline[repeat] / value
        for repeat, value in own.items()
        if baseline.get(repeat) and value > 0
    }


def fit_scaling(speed_ups: SpeedUps, law: Law) -> ScalingFit:
    """Fit a law to speed-ups, which are finite and above 0.

    Raises:
        ModuleNotFoundError: scipy, which is in the extra ``report``, is not installed.
    """
    points = {processes: of_each for processes, of_each in sorted(speed_ups.items()) if of_each}
    no_best = NoBest.MISFIT if law is Law.USL else None
    if len(points) < law.min_points:
        return ScalingFit(law=law, misfit=Misfit.TOO_FEW_POINTS, no_best=no_best)
    processes = np.array(list(points), dtype=np.float64)
    medians = np.array(
        [1 / np.median([1 / each for each in of_each.values()]) for of_each in points.values()]
    )
    found = _least_squares(processes, medians, law, start=None)
    if found is None:
        return ScalingFit(law=law, misfit=Misfit.NOT_FOUND, no_best=no_best)
    resampled = _resampled(processes, points, law, found)
    _, sigma, kappa = found
    residual = float(np.max(np.abs(_curve(processes, *found) - medians)) / np.max(medians))
    misfit = _misfit(residual, sigma, kappa)
    peak = _estimate(found, resampled, _peak)
    if law is Law.USL:
        no_best = _no_best(misfit, peak, float(processes[-1]))
    has_best = law is Law.USL and no_best is None
    return ScalingFit(
        law=law,
        misfit=misfit,
        gamma=_estimate(found, resampled, lambda each: each[0]),
        sigma=_estimate(found, resampled, lambda each: each[1]),
        kappa=_estimate(found, resampled, lambda each: each[2]),
        residual=residual,
        limit=_estimate(found, resampled, _limit) if law is Law.AMDAHL and sigma > _ZERO else None,
        peak=peak if has_best else None,
        best=_best(peak.value, found) if has_best else None,
        no_best=no_best,
        resampled=tuple(resampled),
    )


def _misfit(residual: float, sigma: float, kappa: float) -> Misfit | None:
    if residual > MAX_RESIDUAL:
        return Misfit.FAR_FROM_POINTS
    return Misfit.AT_BOUND if max(sigma, kappa) > 1 - _ZERO else None


def _no_best(misfit: Misfit | None, peak: Estimate, measured: float) -> NoBest | None:
    if misfit is not None:
        return NoBest.MISFIT
    if math.isinf(peak.value):
        return NoBest.NEVER_FALLS
    farthest = peak.value if peak.interval is None else max(peak.value, peak.interval.high)
    return NoBest.OUT_OF_REACH if farthest > REACH * measured else None


Coefficients = tuple[float, float, float]


def _peak(coefficients: Coefficients) -> float:
    """Return where the curve is highest (Gunther, 2007, formula 4.33), at least 1; infinite where it never falls."""
    _, sigma, kappa = coefficients
    return max(1.0, math.sqrt(max(0.0, 1 - sigma) / kappa)) if kappa > _ZERO else math.inf


def _limit(coefficients: Coefficients) -> float:
    gamma, sigma, _ = coefficients
    return gamma / sigma if sigma > _ZERO else math.inf


def _best(peak: float, coefficients: Coefficients) -> int:
    return max(
        (math.floor(peak), math.ceil(peak)), key=lambda each: float(_curve(np.float64(each), *coefficients))
    )


def _curve(
    processes: Numbers | np.float64,
    gamma: float | Numbers,
    sigma: float | Numbers,
    kappa: float | Numbers = 0.0,
) -> Numbers:
    n = processes
    return np.asarray(gamma * n / (1 + sigma * (n - 1) + kappa * n * (n - 1)), dtype=np.float64)


def _slopes(processes: Numbers, gamma: float, sigma: float, kappa: float | None = None) -> Numbers:
    """Return the curve's derivatives by its coefficients, a column for each."""
    n, pairs = processes, processes * (processes - 1)
    below = 1 + sigma * (n - 1) + (kappa or 0.0) * pairs
    columns = [n / below, -gamma * pairs / below**2]
    return np.column_stack(columns if kappa is None else [*columns, -gamma * n * pairs / below**2])


def _least_squares(
    processes: Numbers, medians: Numbers, law: Law, start: Coefficients | None
) -> Coefficients | None:
    """Return γ, σ and κ, or None if they are not found.

    Levenberg and Marquardt's method is five times as fast, and knows no bounds: where it ends within them, they did
    not matter; else the trust-region method of Branch, Coleman and Li (SIAM J. Sci. Comput. 21, 1999) heeds them.
    """
    from scipy.optimize import OptimizeWarning, curve_fit  # noqa: PLC0415 - it takes its time, and is in an extra

    size = 2 if law is Law.AMDAHL else 3
    first = start or (float(medians[0] / processes[0]), 0.05, 0.001)
    given = {"p0": first[:size], "jac": _slopes}
    bounds = ([0.0] * size, [math.inf, 1.0, 1.0][:size])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", OptimizeWarning)  # of the covariance, which nobody reads
        for way in ({"method": "lm"}, {"method": "trf", "bounds": bounds}):
            try:
                found, _ = curve_fit(_curve, processes, medians, **given, **way)
            except RuntimeError:
                continue
            gamma, sigma, kappa = (*map(float, found), 0.0)[:3]
            if gamma > 0 and 0 <= sigma <= 1 and 0 <= kappa <= 1:
                return gamma, sigma, kappa
    return None


def _resampled(processes: Numbers, points: SpeedUps, law: Law, start: Coefficients) -> list[Coefficients]:
    """Return the coefficients of resamples of the repeats; none if a number of processes has fewer than five."""
    if min(map(len, points.values())) < MIN_REPEATS:
        return []
    repeats = sorted({repeat for of_each in points.values() for repeat in of_each})
    table = np.array([[of_each.get(repeat, math.nan) for repeat in repeats] for of_each in points.values()])
    drawn = np.random.default_rng(_SEED).integers(0, len(repeats), (_RESAMPLES, len(repeats)))
    # Five repeats have but 126 different resamples: each is fitted once.
    distinct, counts = np.unique(np.sort(drawn, axis=1), axis=0, return_counts=True)
    resampled: list[Coefficients] = []
    for rows, count in zip(distinct, counts.tolist(), strict=True):
        chosen = table[:, rows]
        if np.isfinite(chosen).any(axis=1).all():  # else a number of processes has none of these repeats
            found = _least_squares(processes, 1 / np.nanmedian(1 / chosen, axis=1), law, start)
            resampled += [found] * count if found is not None else []
    return resampled


def _estimate(
    found: Coefficients, resampled: Sequence[Coefficients], number: Callable[[Coefficients], float]
) -> Estimate:
    """Return a number that follows from coefficients, with the interval between resamples' percentiles.

    The percentiles are numbers of resamples, not between two of them, of which one may be infinite.
    """
    if not resampled:
        return Estimate(number(found))
    tail = (1 - CONFIDENCE) / 2
    numbers = list(map(number, resampled))
    low, high = np.quantile(numbers, (tail, 1 - tail), method="inverted_cdf").tolist()
    return Estimate(number(found), Interval(low, high))
