"""What a reader should know of a run's numbers: failures, the fastest case, spared trials, noise."""

import re
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from mprunner.analysis.significance import ALPHA, differences_of, paired_p
from mprunner.analysis.statistics import finite, median_of, precision, quietly
from mprunner.model.adaptive import MIN_REPEATS, AdaptiveRepeats, Until
from mprunner.model.fastest import FastestSearch
from mprunner.model.provenance import Header
from mprunner.model.records import Status
from mprunner.model.text import reason
from mprunner.tables import plain_cells

_ENDED = ("status", "error_type", "error_message", "signal", "exit_code", "trial_id", "attempt")
_CRASHES = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)
_OF_ONE_TRIAL = re.compile(
    r"\b((?:pid|process|child|worker)\W{1,3}|0x)(?:(?<=0x)[0-9a-fA-F]{6,}|\d+\b)", re.IGNORECASE
)
"""What makes one reason another in every trial: ids of processes, and addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One way in which trials were not ok.

    Attributes:
        status: how they ended.
        reason: the exception, signal or exit code; empty where there is no more to say.
        count: how many trials ended so.
        log: the log of the first of them that says more, in the folder of logs; empty where none does.
    """

    status: str
    reason: str
    count: int
    log: str = ""


def failures(final: pd.DataFrame) -> tuple[Failure, ...]:
    """Return the ways in which trials were not ok that have a reason or a log, the most frequent first.

    Args:
        final: the rows of ``trials`` that count; warm-ups may be among them.
    """
    return _ways(ending for _, ending in _failed(final))


def failures_by_case(final: pd.DataFrame) -> dict[str, tuple[Failure, ...]]:
    """Return the same by case id; of a case whose trials were all ok nothing."""
    by_case: dict[str, list[tuple[Any, ...]]] = {}
    for case_id, ending in _failed(final):
        by_case.setdefault(case_id, []).append(ending)
    return {case_id: _ways(endings) for case_id, endings in by_case.items()}


def _failed(final: pd.DataFrame) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Return how each trial ended that was not ok, by the columns of ``_ENDED``, with its case."""
    failed = final.loc[~final["status"].isin([Status.OK.value, Status.CANCELLED.value]), ["case_id", *_ENDED]]
    case_ids, *columns = (plain_cells(failed[name]) for name in failed)
    return zip(case_ids, zip(*columns, strict=True), strict=True)


def _ways(endings: Iterable[tuple[Any, ...]]) -> tuple[Failure, ...]:
    logs: dict[tuple[str, str], str] = {}
    told: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for status, error_type, message, signal_number, exit_code, trial_id, attempt in endings:
        why = reason(Status(status), error_type, message, signal_number, exit_code)
        way = (str(status), _OF_ONE_TRIAL.sub(r"\1…", why))
        told[way] = why if told.get(way, why) == why else way[1]
        if way[1] or status == Status.TIMEOUT:
            logs.setdefault(way, f"{trial_id}.{attempt}.log" if _has_log(status, signal_number) else "")
            counts[way] += 1
    return tuple(
        Failure(status=way[0], reason=told[way], count=count, log=logs[way])
        for way, count in counts.most_common()
    )


def _has_log(status: str, number: int | None) -> bool:
    """Whether there is more in a log than in the row: a traceback, the stacks of every process, or of a crash."""
    return status in (Status.ERROR, Status.TIMEOUT) or (status == Status.SIGNAL and number in _CRASHES)


MIN_CASES = 3
"""Of two cases the ratio itself says which is faster."""


def groups_of(partners: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the cases that are compared with the same partner, and that partner first, by case id."""
    groups: dict[str, list[str]] = {}
    for case, partner in partners.items():
        groups.setdefault(partner, [partner]).append(case)
    return [tuple(group) for group in groups.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fastest:
    """The fastest of some cases.

    Attributes:
        case: the one with the smallest median.
        ties: those whose trials don't show that they are slower, by median.
        group: the cases among which it is the fastest.
    """

    case: str
    ties: tuple[str, ...]
    group: tuple[str, ...]


def fastest(values: Mapping[str, Mapping[int, float]], group: Iterable[str]) -> Fastest | None:
    """Return the case with the smallest median of a duration.

    None of fewer than three cases with an interval, nor where a case has a smaller median, and too few values to be
    compared.

    Args:
        values: by case id and repeat.
        group: the cases that can be compared; one with fewer than five values is neither the fastest nor a tie.
    """
    medians = {case: median_of([*own.values()]) for case in group if (own := values.get(case))}
    enough = [case for case in medians if len(values[case]) >= MIN_REPEATS]
    if len(enough) < MIN_CASES:
        return None
    first, *others = sorted(enough, key=medians.__getitem__)
    if min(medians.values()) < medians[first]:
        return None
    ties = (case for case in others if not differs(values[case], values[first], len(others)))
    return Fastest(case=first, ties=tuple(ties), group=tuple(enough))


def differs(values: Mapping[int, float], other: Mapping[int, float], tests: int) -> bool:
    """Whether the repeats that two cases share show that one takes longer than the other.

    By the test with which two cases of a run are compared (:func:`mprunner.analysis.significance.paired_p`), its p
    multiplied by the number of tests: so among all of them a false one is less likely than 5 % (Bonferroni; Dunn,
    Multiple comparisons among means, Journal of the American Statistical Association 56, 1961).

    Args:
        values: of a case, by repeat.
        other: of another one.
        tests: how many such questions are asked of the run at once.
    """
    p = paired_p(differences_of(values, other), tests)
    return p is not None and p * tests < ALPHA


def adaptive_repeats(trials: pd.DataFrame, header: Header) -> AdaptiveRepeats | None:
    """Look at the trials of a run as its schedule did; None of a run with a fixed number of repeats.

    Args:
        trials: the table of trials.
        header: of the run's journal.
    """
    until = Until.from_json(header.experiment.get("until"))
    if until is None:
        return None
    most: int = header.experiment["repeats"]
    cases = header.planned // (most + header.experiment["warmup"])
    adaptive = AdaptiveRepeats(until, most, precision, cases)
    if until.ci_ratio is None:
        adaptive = FastestSearch(until, most, cases, header.baseline)
        for row in trials.drop_duplicates("case_id")[["case_id", *header.baseline]].to_dict("records"):
            adaptive.know(str(row["case_id"]), {str(name): value for name, value in row.items()})
    settled = trials["is_final"] & ~trials["is_warmup"] & (trials["status"] != Status.CANCELLED.value)
    own = trials[settled]
    values = own[until.metric].where(own["status"] == Status.OK.value)
    for case_id, value in zip(own["case_id"], values, strict=True):
        adaptive.add(case_id, None if pd.isna(value) else float(value))
    adaptive.look_at_all()
    return adaptive


MAX_OTHERS = 0.1
"""What others may use of the CPUs during a trial; more is reported."""
_MIN_OTHERS_S = 0.05
"""Less can't be told from the 10 ms steps in which the system counts each kind of CPU time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbed:
    """Trials during which other processes used the CPUs.

    Attributes:
        count: how many.
        of: of how many.
        case_id: the case of the trial that was disturbed most.
        repeat: its repeat.
        share: what others used then of its CPUs.
    """

    count: int
    of: int
    case_id: str
    repeat: int
    share: float


def disturbed(trials: pd.DataFrame, cpus: int) -> Disturbed | None:
    """Return during how many trials others used a part of the CPUs that matters; None if during none.

    Args:
        trials: those that count, one row each.
        cpus: how many CPUs a trial may use.
    """
    columns = ("case_id", "repeat", "others_cpu_s", "trial_wall_s")
    touched = [
        (others / (cpus * wall_s), case_id, repeat)
        for case_id, repeat, others, wall_s in zip(
            *(plain_cells(trials[name]) for name in columns), strict=True
        )
        if others is not None and others >= _MIN_OTHERS_S and wall_s and others >= MAX_OTHERS * cpus * wall_s
    ]
    if not touched:
        return None
    share, case_id, repeat = max(touched)
    return Disturbed(
        count=len(touched), of=len(trials), case_id=case_id, repeat=repeat, share=min(1.0, share)
    )


MAX_SPREAD = 0.1
"""A standard deviation of 10 % of the mean or more is reported."""
MAX_Z = 3.5
"""A modified z-score beyond it marks an outlier, if it is far from the median as well."""
MIN_DISTANCE = 0.1
"""So far from the median, as a share of it, an outlier is.

One in five sets of five values has a score over 3.5 by chance: the median deviation of so few is no measure. But
none of them is so far away, unless all of them spread.
"""
_MIN_SPREAD_VALUES = 3  # two values have a deviation, but no one would call it a spread

Cases = Mapping[str, Sequence[float]]
"""By label, a metric's values in each case, in the order of the repeats."""


NoiseKind = Literal["spread", "outliers", "slow first trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What makes the values of a metric doubtful in some cases.

    Attributes:
        kind: what it is.
        found: in how many cases.
        cases: of how many.
        worst: the label of the case where it is largest.
        size: how large it is there: the standard deviation as a share of the mean, the number of outliers, or the
            first trial as a multiple of the median.
        trials: how many values that case has.
    """

    kind: NoiseKind
    found: int
    cases: int
    worst: str
    size: float
    trials: int


def modified_z(values: Sequence[float]) -> list[float]:
    """Return how far each value is from the median, in units that outliers don't widen.

    It is 0.6745 (x - median) / MAD, MAD being the median absolute deviation. Where that is 0, most values being
    equal, it is (x - median) / (1.253314 MeanAD), of the mean absolute deviation (Iglewicz and Hoaglin, How to Detect
    and Handle Outliers, 1993); and 0 for all where all are equal.
    """
    middle = median_of(values)
    differences = [value - middle for value in values]
    deviations = [abs(difference) for difference in differences]
    unit = median_of(deviations) / 0.6745 or 1.253314 * sum(deviations) / len(deviations)
    return [difference / unit if unit else 0.0 for difference in differences]


def noise_of_cases(cases: Cases) -> tuple[Noise, ...]:
    """Return in how many cases the spread is large, has outliers, or the first trial was slow, and where most."""
    sizes: dict[NoiseKind, dict[str, float]] = {"spread": {}, "outliers": {}, "slow first trial": {}}
    for label, values in cases.items():
        outliers, slow_first = _outliers(values)
        sizes["spread"][label] = _spread(values)
        sizes["outliers"][label] = outliers
        sizes["slow first trial"][label] = slow_first
    return tuple(
        Noise(
            kind=kind,
            found=sum(size > 0 for size in of_kind.values()),
            cases=len(cases),
            worst=(worst := max(of_kind, key=of_kind.__getitem__)),
            size=of_kind[worst],
            trials=len(cases[worst]),
        )
        for kind, of_kind in sizes.items()
        if any(of_kind.values())
    )


@quietly
def _spread(values: Sequence[float]) -> float:
    """Return the standard deviation as a share of the mean; 0 where it is small."""
    if len(values) < _MIN_SPREAD_VALUES or (mean := float(np.mean(values))) <= 0:
        return 0.0
    spread = float(np.std(values, ddof=1)) / mean
    return finite(spread) or 0.0 if spread >= MAX_SPREAD else 0.0


def _outliers(values: Sequence[float]) -> tuple[int, float]:
    """Return the number of outliers without a slow first trial, and such a one as a multiple of the median, else 0.

    Of too few values there are none.
    """
    if len(values) < MIN_REPEATS:
        return 0, 0.0
    middle, scores = median_of(values), modified_z(values)
    places = [
        place
        for place, (value, score) in enumerate(zip(values, scores, strict=True))
        if abs(score) > MAX_Z and abs(value - middle) >= MIN_DISTANCE * abs(middle)
    ]
    if 0 not in places or values[0] < max(values):
        return len(places), 0.0
    return len(places) - 1, finite(values[0] / middle) or 0.0 if middle > 0 else 0.0
