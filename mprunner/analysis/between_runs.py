"""Two sides that were executed apart: what separates them is a change, or the machine's drift between their runs."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import chain, groupby
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.drift import EarlierRun, seconds_between, spread_of, usable
from mprunner.analysis.effects import Estimate, Method, of_trials, shift_of
from mprunner.analysis.samples import MeasuredCase
from mprunner.analysis.significance import mann_whitney_p, mean_ranks, two_sided_p, two_sided_quantile
from mprunner.analysis.statistics import CONFIDENCE, Interval, median_of

Turn = Sequence[Sequence[float]]
"""Runs of one side between which there is none of the other, each by its values."""
_MOST = math.log(1e308)


def turns_of(
    base: Sequence[MeasuredCase], new: Sequence[MeasuredCase], metric: str
) -> tuple[list[Turn], list[Turn]]:
    """Return the turns of each side: runs in a row share the machine's mood, and are one observation of it.

    Each side's cases are one case, as each of its runs measured it; those without a value are left out. Where it is
    not known when a run began, each is a turn.
    """
    sides = enumerate((base, new))
    found = [(case.began, side, values_of(case, metric)) for side, cases in sides for case in cases]
    found = [each for each in found if each[2]]
    turns: tuple[list[Turn], list[Turn]] = ([], [])
    if not all(began for began, _, _ in found):
        for _, side, values in found:
            turns[side].append([values])
        return turns
    for side, runs in groupby(sorted(found, key=lambda each: each[0]), key=lambda each: each[1]):
        turns[side].append([values for _, _, values in runs])
    return turns


def are_one_turn(base: Sequence[str], new: Sequence[str]) -> bool:
    """Whether no run of either side began between two of the other, by when they began; empty is not known."""
    if "" in (*base, *new):
        return len(base) == len(new) == 1
    return max(base) < min(new) or max(new) < min(base)


def values_of(case: MeasuredCase, metric: str) -> list[float]:
    """Return a metric's values in a case."""
    return list(case.values.get(metric, {}).values())


def of_runs(
    base: Sequence[MeasuredCase],
    new: Sequence[MeasuredCase],
    metric: str,
    tests: int,
    earlier: Sequence[EarlierRun] = (),
) -> Estimate:
    """Compare one case in one metric by the runs of two sides, as one of so many tests.

    Several turns of a side show the drift between them. Where each side has one, earlier runs may; else nothing does.
    """
    ours, theirs = turns_of(base, new, metric)
    if not ours or not theirs:
        return Estimate(method=Method.RUNS)
    if max(len(ours), len(theirs)) > 1:
        return _of_turns(ours, theirs)
    (below,), (above,) = ours, theirs
    own = _of_one_turn(below, above, tests)
    if own.ratio is not None and own.interval is None:
        return own
    if _is_beyond_drift([*chain(*below)], [*chain(*above)]):
        return replace(own, method=Method.COUNTS)
    known = _known(base, new, metric, earlier)
    return (known and _with_drift(own, below, above, known)) or own


def _of_one_turn(below: Turn, above: Turn, tests: int) -> Estimate:
    if len(below) == len(above) == 1:
        return of_trials(below[0], above[0], tests)
    runs = [[[values] for values in turn] for turn in (below, above)]
    return replace(_of_turns(*runs), method=Method.ONE_TURN, turns=1)


def _is_beyond_drift(base: Sequence[float], new: Sequence[float]) -> bool:
    """Whether drift, a factor, can't explain what separates two sides.

    Zero times a factor is zero. A whole number that all trials of both sides agree on is counted, and not timed.
    """
    if not any(base) or not any(new):
        return True
    return len({*base}) == len({*new}) == 1 and base[0].is_integer() and new[0].is_integer()


def _of_turns(ours: Sequence[Turn], theirs: Sequence[Turn]) -> Estimate:
    """Compare two sides of several turns; the level of a turn is the geometric mean of its runs' medians."""
    medians = [[[median_of(values) for values in turn] for turn in side] for side in (ours, theirs)]
    found = None
    if min(chain(*chain(*medians))) > 0:
        found = ratio_of_turns(*([fmean(map(math.log, turn)) for turn in side] for side in medians))
    if found is None:
        found = Estimate(
            method=Method.RUNS, p=_rank_p(ours, theirs), shift=shift_of(_pooled(ours), _pooled(theirs))
        )
    elif found.ratio is not None and found.degrees is None:
        # Medians of small counts may be the same in every run of a side: of their spread they say nothing then.
        found = replace(found, p=_rank_p(ours, theirs))
    return replace(found, turns=min(len(ours), len(theirs)))


def ratio_of_turns(base: Sequence[float], new: Sequence[float]) -> Estimate | None:
    """Compare two sides by the logarithms of their turns' levels, each of which is one observation.

    Student's t: what separates turns of one side is the machine's drift, a factor that both sides share. So their
    spreads are pooled, and one turn may be compared with several. None for fewer than three turns in all.

    With a drift of 5 % between runs the interval held the ratio in 93-96 % of simulations, for two runs on each side
    as for ten, and for one run against five. A bootstrap that resamples runs and then trials held it in 78 % for
    two runs on each side, 77 % for one against five, and was wider from five runs on.
    """
    degrees = len(base) + len(new) - 2
    if degrees < 1 or not base or not new:
        return None
    difference, error, p = _student(np.asarray(base), np.asarray(new))
    if abs(difference) > _MOST:  # the ratio is none that a float holds
        return Estimate(method=Method.RUNS, p=p, shift=difference)
    half = two_sided_quantile(1 - CONFIDENCE, degrees) * error
    return Estimate(
        method=Method.RUNS,
        ratio=_exp(difference),
        interval=Interval(_exp(difference - half), _exp(difference + half)),
        p=p,
        degrees=degrees if half else None,
    )


def _pooled(turns: Sequence[Turn]) -> list[list[float]]:
    return [[*chain(*turn)] for turn in turns]


def _exp(value: float) -> float:
    return math.exp(min(value, _MOST))


def _student(base: NDArray[np.float64], new: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the difference of two groups' means, its standard error and Student's p, their spreads pooled."""
    degrees = base.size + new.size - 2
    squares = float(((base - base.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum())
    error = math.sqrt(squares / degrees * (1 / base.size + 1 / new.size))
    difference = float(new.mean() - base.mean())
    return difference, error, two_sided_p(difference / error, degrees) if error else float(difference == 0)


def _rank_p(ours: Sequence[Turn], theirs: Sequence[Turn]) -> float | None:
    """Return how likely sides of several turns differ as much by ranks, which differ where medians may not.

    Turns may be alike by chance: the spread of the trials must tell the sides apart, too.
    """
    base, new = _pooled(ours), _pooled(theirs)
    ranks = np.asarray(mean_ranks([*base, *new]))
    _, _, of_turns = _student(ranks[: len(base)], ranks[len(base) :])
    of_all_trials = mann_whitney_p([*chain(*new)], [*chain(*base)])
    return None if of_all_trials is None else max(of_turns, of_all_trials)


def _known(
    base: Sequence[MeasuredCase], new: Sequence[MeasuredCase], metric: str, earlier: Sequence[EarlierRun]
) -> Sequence[tuple[Hashable, float]]:
    """Return the code and the median of the earlier runs that say how far runs like these are apart."""
    cases = [*base, *new]
    trials = [len(values) for case in cases if (values := values_of(case, metric))]
    began = sorted(case.began for case in cases)
    ids = {case.case_id for case in cases}
    return usable(earlier, ids, metric, min(trials), seconds_between(began[0], began[-1]))


def _with_drift(
    own: Estimate, below: Turn, above: Turn, known: Sequence[tuple[Hashable, float]]
) -> Estimate | None:
    """Take the drift between earlier runs into an estimate of one turn each; None if they don't show it.

    The difference of two runs' logarithms, over √2 times the deviation of one, is Student's t, as neither of the two
    is among the runs that the deviation is of: a prediction interval (Hahn and Meeker, Statistical Intervals, 1991,
    chapter 4). Several runs in a row are worth no more than one. The trials of a run spread, too: the interval is
    never narrower than by them alone, nor is p smaller.
    """
    medians = [[median_of(values) for values in turn] for turn in (below, above)]
    is_factor = min(*chain(*medians), *(value for _, value in known)) > 0
    if own.interval is not None and not is_factor:
        return None
    scale = math.log if is_factor else float
    spread = spread_of([scale(value) for _, value in known], [code for code, _ in known])
    if spread is None:
        return None
    base, new = (fmean(map(scale, side)) for side in medians)
    error = math.sqrt(2) * spread.deviation
    p = two_sided_p((new - base) / error, spread.degrees) if error else float(new == base)
    found = replace(
        own, method=Method.EARLIER, p=None if own.p is None else max(own.p, p), earlier=spread.runs
    )
    if own.interval is None:
        return found
    half = two_sided_quantile(1 - CONFIDENCE, spread.degrees) * error
    low, high = _exp(new - base - half), _exp(new - base + half)
    return replace(
        found,
        interval=Interval(min(low, own.interval.low), max(high, own.interval.high)),
        degrees=spread.degrees if low < own.interval.low else None,
    )
