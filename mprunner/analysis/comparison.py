"""Two sides case by case: two runs, several runs on a side, or cases of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import geometric_mean

from mprunner.analysis.between_runs import of_runs, values_of
from mprunner.analysis.drift import EarlierRun, of_known_codes
from mprunner.analysis.effects import Change, Estimate, Method, change_of, of_repeats
from mprunner.analysis.samples import Key, MeasuredCase, MeasuredRun, keyed, unit_of
from mprunner.analysis.significance import ALPHA, holm
from mprunner.analysis.statistics import Interval, finite, median_of, quietly
from mprunner.errors import guarded
from mprunner.model.records import label_of, varying

DEFAULT_MIN_EFFECT = 0.01
"""A difference below 1 % does not matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A metric of a case on one side.

    Attributes:
        runs: how many runs have a counted trial of it.
        trials: how many counted trials there are.
        median: of its trials; of several runs the geometric mean of their medians; None without a trial.
        failed: how many trials were not ok; they don't count.
    """

    runs: int
    trials: int
    median: float | None
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A metric of a case, compared.

    Attributes:
        label: what tells the case from the others; empty for an only case.
        metric: its name.
        unit: its unit.
        base: the side that is compared with.
        new: the side that is compared.
        ratio: of ``new`` to ``base``; None where there is none.
        interval: the ratio's 95 % interval; None where there are too few trials.
        p: corrected for the number of cases of this metric (Holm); None where there is nothing to tell.
        change: what to call it.
        method: how they were found.
        turns: of the side that has fewer of them: how many runs, those in a row being one.
        degrees: of freedom, where the interval is Student's.
        earlier: of how many earlier runs the spread between runs is.
        pairs: of two cases of one run, how many repeats both have a value of; None of other sides.
    """

    label: str
    metric: str
    unit: str
    base: Group
    new: Group
    ratio: float | None
    interval: Interval | None
    p: float | None
    change: Change
    method: Method
    turns: int = 1
    degrees: float | None = None
    earlier: int = 0
    pairs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sides, compared.

    Attributes:
        method: how.
        min_effect: the smallest difference that matters, as a share of the base.
        rows: metric by metric, the cases in the order of the base.
        only_base: labels of the cases that the new side does not have.
        only_new: labels of those that the base does not have.
        earlier: ids of the earlier runs that the spread between runs is of, the oldest first.
    """

    method: Method
    min_effect: float
    rows: tuple[Row, ...]
    only_base: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A case on both sides; each side's cases are those of its runs, in their order."""

    label: str
    base: tuple[MeasuredCase, ...]
    new: tuple[MeasuredCase, ...]


def compare_runs(
    base: Sequence[MeasuredRun],
    new: Sequence[MeasuredRun],
    metrics: Sequence[str],
    min_effect: float = DEFAULT_MIN_EFFECT,
    earlier: Sequence[EarlierRun] = (),
) -> Comparison:
    """Compare the runs of two sides, case by case; earlier runs may show how far runs of one code are apart."""
    by_key = keyed([*base, *new])
    ours, theirs = _gathered(by_key[: len(base)]), _gathered(by_key[len(base) :])
    method = Method.TRIALS if len(base) == len(new) == 1 else Method.RUNS
    shared = [key for key in ours if key in theirs]
    labels = _labels([ours[key][0] for key in shared])
    pairs = [
        _Pair(label=label, base=ours[key], new=theirs[key]) for key, label in zip(shared, labels, strict=True)
    ]
    units = {metric: unit_of(metric, base[0]) for metric in metrics}
    known = of_known_codes(earlier)
    rows = tuple(
        row for metric in metrics for row in _rows(pairs, metric, units[metric], method, min_effect, known)
    )
    return Comparison(
        method=method,
        min_effect=min_effect,
        rows=rows,
        earlier=tuple(run.run_id for run in known) if any(row.earlier for row in rows) else (),
        only_base=tuple(cases[0].label for key, cases in ours.items() if key not in theirs),
        only_new=tuple(cases[0].label for key, cases in theirs.items() if key not in ours),
    )


def compare_cases(
    pairs: Sequence[tuple[MeasuredCase, MeasuredCase]],
    run: MeasuredRun,
    metrics: Sequence[str],
    min_effect: float = DEFAULT_MIN_EFFECT,
) -> Comparison:
    """Compare cases of one run, repeat by repeat; each pair is a case of the base and one of the new side."""
    own = varying([base.params for base, _ in pairs])
    found = [
        _Pair(label=label_of(base.params, own) or _contrast(base, new), base=(base,), new=(new,))
        for base, new in pairs
    ]
    rows = (_rows(found, metric, unit_of(metric, run), Method.REPEATS, min_effect) for metric in metrics)
    return Comparison(
        method=Method.REPEATS, min_effect=min_effect, rows=tuple(row for part in rows for row in part)
    )


def _contrast(base: MeasuredCase, new: MeasuredCase) -> str:
    """Say in what two cases differ: ``guard none → guard lock``, or which they are, where one lacks params."""
    if base.params.keys() != new.params.keys():
        return f"{base.label} → {new.label}"
    names = varying([base.params, new.params])
    return f"{label_of(base.params, names)} → {label_of(new.params, names)}"


def _gathered(by_key: Sequence[Mapping[Key, MeasuredCase]]) -> dict[Key, tuple[MeasuredCase, ...]]:
    keys = dict.fromkeys(key for cases in by_key for key in cases)
    return {key: tuple(cases[key] for cases in by_key if key in cases) for key in keys}


def _labels(cases: Sequence[MeasuredCase]) -> list[str]:
    """Return what tells each case from the others: what its own run says, if that does."""
    labels = [case.label for case in cases]
    if len(set(labels)) == len(labels):
        return labels
    own = varying([case.params for case in cases])
    return [label_of(case.params, own) for case in cases]


def _rows(
    pairs: Sequence[_Pair],
    metric: str,
    unit: str,
    method: Method,
    min_effect: float,
    earlier: Sequence[EarlierRun] = (),
) -> list[Row]:
    """Compare a metric of all cases."""
    rows = []
    estimates = [
        guarded(
            f"the comparison of {metric} in {pair.label or 'the only case'}",
            partial(_estimate, pair, metric, method, len(pairs), earlier),
            Estimate(method=method),
        )
        for pair in pairs
    ]
    for pair, found in zip(pairs, _corrected(estimates), strict=True):
        base, new = _group(pair.base, metric), _group(pair.new, metric)
        is_hopeless = found.least >= ALPHA or not base.trials or not new.trials
        change = Change.TOO_FEW if is_hopeless else change_of(found, min_effect)
        rows.append(
            Row(
                label=pair.label,
                metric=metric,
                unit=unit,
                base=base,
                new=new,
                ratio=found.ratio,
                interval=found.interval,
                p=None if change is Change.TOO_FEW or not found.method.knows_drift else found.p,
                change=change,
                method=found.method,
                turns=found.turns,
                degrees=found.degrees,
                earlier=found.earlier,
                pairs=_pairs(pair, metric) if method is Method.REPEATS else None,
            )
        )
    return rows


@quietly
def _estimate(
    pair: _Pair, metric: str, method: Method, tests: int, earlier: Sequence[EarlierRun]
) -> Estimate:
    """Compare a case in one metric. What no float holds, of values near 1e308, is missing."""
    try:
        if method is Method.REPEATS:
            (base,), (new,) = pair.base, pair.new
            found = of_repeats(base.values.get(metric, {}), new.values.get(metric, {}), tests)
        else:
            found = of_runs(pair.base, pair.new, metric, tests, earlier)
    except OverflowError:
        return Estimate(method=method)
    ratio, p = (None if number is None else finite(number) for number in (found.ratio, found.p))
    return replace(found, ratio=ratio, p=p)


def _pairs(pair: _Pair, metric: str) -> int:
    (base,), (new,) = pair.base, pair.new
    return len(base.values.get(metric, {}).keys() & new.values.get(metric, {}).keys())


def _corrected(estimates: Sequence[Estimate]) -> list[Estimate]:
    """Correct each p, and the smallest that each could have, for how many they are.

    Holm multiplies the smallest of all by their number, and if that is not significant, none is.
    """
    tested = [index for index, found in enumerate(estimates) if found.p is not None]
    raised = dict(zip(tested, holm([estimates[index].p or 0.0 for index in tested]), strict=True))
    least = len(tested) * min((estimates[index].least for index in tested), default=0.0)
    return [
        replace(found, p=raised[index], least=least) if index in raised else found
        for index, found in enumerate(estimates)
    ]


def _group(cases: Sequence[MeasuredCase], metric: str) -> Group:
    values = [values for case in cases if (values := values_of(case, metric))]
    medians = [median_of(run) for run in values]
    median = median_of(medians) if medians else None
    if len(medians) > 1 and min(medians) > 0:
        median = geometric_mean(medians)
    return Group(
        runs=len(values),
        trials=sum(map(len, values)),
        median=median,
        failed=sum(case.failed for case in cases),
    )
