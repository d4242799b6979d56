"""What a reader should know of a run's numbers: failures, the fastest case, spared trials, noise."""

import math
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import frexp, fsum, ldexp, sqrt
from statistics import fmean
from typing import Any

import pandas as pd

from mprunner.analysis.setting import sessions
from mprunner.analysis.statistics import median_of, paired_ratio, precision
from mprunner.analysis.wording import factor, number, share, trials
from mprunner.model.adaptive import MIN_REPEATS, AdaptiveRepeats, Until
from mprunner.model.header import Header
from mprunner.model.records import Status, label_of
from mprunner.model.text import printable, reason
from mprunner.values import Scalar

MOST_REASONS = 5
"""Of more different endings the others are only counted: what is told is to stay short."""
_ENDED = ("status", "error_type", "error_message", "signal", "exit_code", "trial_id", "attempt")
_CRASHES = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)


def failures(final: pd.DataFrame) -> tuple[str, ...]:
    """Say why trials were not ok, what most of them ended of first, and where one of them has told more.

    Args:
        final: the rows of ``trials`` that count; warm-ups may be among them.
    """
    failed = final[~final["status"].isin([Status.OK.value, Status.CANCELLED.value])]
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    columns = ([None if pd.isna(cell) else cell for cell in failed[name]] for name in _ENDED)
    for status, error_type, message, signal_number, exit_code, trial_id, attempt in zip(
        *columns, strict=True
    ):
        why = reason(Status(status), error_type, message, signal_number, exit_code)
        told = f"{status}: {why}" if why else status
        if why or status == Status.TIMEOUT:
            first.setdefault(
                told, f"; see logs/{trial_id}.{attempt}.log" if _has_log(status, signal_number) else ""
            )
            counts[told] += 1
    of = trials(len(final))
    lines = [f"{told} ({count:,} of {of}{first[told]})" for told, count in counts.most_common(MOST_REASONS)]
    if len(counts) > MOST_REASONS:
        lines.append(f"… and {len(counts) - MOST_REASONS} more reasons in trials.csv")
    return tuple(lines)


def _has_log(status: str, number: int | None) -> bool:
    """Whether there is more in a log than in the row: a traceback, the stacks of every process, or of a crash."""
    return status in (Status.ERROR, Status.TIMEOUT) or (status == Status.SIGNAL and number in _CRASHES)


MIN_CASES = 3
"""Of two cases the ratio itself says which is faster."""
MOST_TIES = 4
"""More cases that are not told apart from the fastest are only counted."""


@dataclass(frozen=True, slots=True)
class Fastest:
    """The fastest of some cases.

    Attributes:
        case: its id.
        ties: the ids of those that are not told apart from it, the fastest of them first.
    """

    case: str
    ties: tuple[str, ...]


def groups_of(partners: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Return the cases that are compared with the same partner, and that partner first, by case id."""
    groups: dict[str, list[str]] = {}
    for case, partner in partners.items():
        groups.setdefault(partner, [partner]).append(case)
    return [tuple(group) for group in groups.values()]


def fastest(values: Mapping[str, Mapping[int, float]], group: Iterable[str]) -> Fastest | None:
    """Return the case with the smallest median of a duration; None of fewer than three cases with an interval.

    None, too, where a case has a smaller median, and too few values to be told apart.

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
    return Fastest(first, tuple(case for case in others if _is_tied(values[case], values[first])))


def _is_tied(values: Mapping[int, float], best: Mapping[int, float]) -> bool:
    """Whether the interval of the paired ratio does not lie above 1, or there is none."""
    shared = values.keys() & best.keys()
    if len(shared) >= MIN_REPEATS and all(values[repeat] > best[repeat] for repeat in shared):
        return False  # as the interval would say, which lies within the ratios: it takes its time
    ratio = paired_ratio(values, best)
    return ratio is None or ratio.interval is None or ratio.interval.low <= 1


def in_words(found: Fastest, group: Sequence[str], params: Mapping[str, Mapping[str, Scalar]]) -> str:
    """Say it: ``fastest with shape skewed: chunksize 5; not told apart from it: chunksize 50``.

    Args:
        found: which it is.
        group: the cases among which it is the fastest.
        params: of all cases of the run, by case id.
    """
    varying = _varying([params[case] for case in group])
    common = [name for name in _varying(list(params.values())) if name not in varying]
    labels = [printable(label_of(params[case], varying)) for case in (found.case, *found.ties)]
    where = f" with {printable(label_of(params[found.case], common))}" if common else ""
    ties = f"; not told apart from it: {_listed(labels[1:])}" if found.ties else ""
    return f"fastest{where}: {labels[0]}{ties}"


def _varying(params: Sequence[Mapping[str, Scalar]]) -> list[str]:
    return [name for name in params[0] if len({repr(one[name]) for one in params}) > 1]


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - MOST_TIES:,} more" if len(labels) > MOST_TIES else ""
    return "; ".join(labels[:MOST_TIES]) + more


SHOWN = 10
"""Cases in a summary that did not get there; summary.csv has every interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveResult:
    """What adaptive repeats came to; of a run with a fixed number of repeats, nothing.

    Attributes:
        spared: how many planned trials are not needed.
        repeats: the most that a case could have.
        metric: whose median was to be known.
        wide: by case id, half of the interval as a share of the median, of the cases that had all their repeats
            and did not get there; None where there is no interval.
    """

    spared: int = 0
    repeats: int = 0
    metric: str = ""
    wide: Mapping[str, float | None] = field(default_factory=dict)

    def told(self, labels: Mapping[str, str]) -> Iterator[str]:
        """Say which cases did not get there, the first of them if they are many."""
        after = f"after {number(self.repeats)} repeats"
        for case_id, width in list(self.wide.items())[:SHOWN]:
            case = f"{labels[case_id]}: " if labels[case_id] else ""
            if width is None:
                yield f"{case}no interval of {self.metric} {after}: too few ok trials have a value"
            elif math.isinf(width):
                yield f"{case}interval of {self.metric} still not narrow around a median of 0 {after}"
            else:
                told = f"±{number(float(f'{100 * width:.2g}'))}% of the median"
                yield f"{case}interval of {self.metric} still {told} {after}"
        if len(self.wide) > SHOWN:
            yield f"… and {number(len(self.wide) - SHOWN)} more cases"


def adaptive_result(trials: pd.DataFrame, header: Header) -> AdaptiveResult:
    """Look at the trials of a run as its schedule did.

    Args:
        trials: the table of trials.
        header: of the run's journal.
    """
    until = Until.from_json(header.experiment.get("until"))
    if until is None:
        return AdaptiveResult()
    most: int = header.experiment["repeats"]
    adaptive = AdaptiveRepeats(until, most, precision, header.planned // (most + header.experiment["warmup"]))
    settled = trials["is_final"] & ~trials["is_warmup"] & (trials["status"] != Status.CANCELLED.value)
    own = trials[settled]
    values = own[until.metric].where(own["status"] == Status.OK.value)
    for case_id, value in zip(own["case_id"], values, strict=True):
        adaptive.add(case_id, None if pd.isna(value) else float(value))
    return AdaptiveResult(
        spared=adaptive.look_at_all(), repeats=most, metric=until.metric, wide=adaptive.still_wide()
    )


MAX_SPREAD = 0.1
"""A standard deviation of 10 % of the mean or more is told."""
MAX_Z = 3.5
"""A modified z-score beyond it marks an outlier, if it is far from the median as well."""
MIN_DISTANCE = 0.1
"""So far from the median, as a share of it, an outlier is.

One in five sets of five values has a score over 3.5 by chance: the median deviation of so few is no measure. But
none of them is so far away, unless all of them spread.
"""
MIN_DRIFT = 0.1
"""So much the CPUs' highest frequency is above their lowest, as a share of that, for it to be told."""
_MIN_SPREAD_VALUES = 3  # two values have a deviation, but no one would call it a spread

Cases = Mapping[str, Sequence[float]]
"""By label, a metric's values in each case, in the order of the repeats."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Something about one case.

    Attributes:
        label: the case's.
        size: how bad it is; the worst case is told.
        told: that in words.
    """

    label: str
    size: float
    told: str


def modified_z(values: Sequence[float]) -> list[float]:
    """Return how far each value is from the median, in units that outliers don't widen.

    It is 0.6745 (x - median) / MAD, MAD being the median absolute deviation. Where that is 0, most values being
    equal, it is (x - median) / (1.253314 MeanAD), of the mean absolute deviation (Iglewicz and Hoaglin, How to Detect
    and Handle Outliers, 1993); and 0 for all where all are equal.
    """
    middle = median_of(values)
    differences = _scaled([value / 2 - middle / 2 for value in values])
    deviations = [abs(difference) for difference in differences]
    unit = median_of(deviations) / 0.6745 or 1.253314 * fmean(deviations)
    return [difference / unit if unit else 0.0 for difference in differences]


def _scaled(values: Sequence[float]) -> list[float]:
    """Return values in a unit in which none is above 1: a power of two, so that no digit is lost."""
    _, exponent = frexp(max(map(abs, values), default=0.0))
    return [ldexp(value, -exponent) for value in values]


def noise_of_cases(metric: str, cases: Cases) -> tuple[str, ...]:
    """Say in how many cases a metric's spread is large, has outliers, or its first trial was slow, and where most."""
    kinds: Mapping[str, Callable[[str, Sequence[float]], _Found | None]] = {
        f"{metric} spreads by {share(MAX_SPREAD)} of its mean or more": _spread,
        f"outliers of {metric} (modified z over {MAX_Z:g})": _outliers,
        "the first trial was slow (`warmup: 1` leaves it out)": _slow_first,
    }
    told = []
    for what, find in kinds.items():
        found = [one for label, values in cases.items() if (one := find(label, values)) is not None]
        if found:
            told.append(_grouped(what, found, len(cases)))
    return tuple(told)


def _grouped(what: str, found: Sequence[_Found], cases: int) -> str:
    worst = max(found, key=lambda one: one.size)
    if cases == 1:
        return f"{what}: {worst.told}"
    where = f"{len(found):,} of {cases:,} cases"
    return f"{what} in {where}, {'most ' if len(found) > 1 else ''}in {worst.label}: {worst.told}"


def _spread(label: str, values: Sequence[float]) -> _Found | None:
    scaled = _scaled(values)
    if len(scaled) < _MIN_SPREAD_VALUES or (mean := fmean(scaled)) <= 0:
        return None
    spread = sqrt(fsum((value - mean) ** 2 for value in scaled) / (len(scaled) - 1)) / mean
    return _Found(label, spread, share(round(spread, 2))) if spread >= MAX_SPREAD else None


def _outliers(label: str, values: Sequence[float]) -> _Found | None:
    places = _outlying(values)
    if places and places[0] == 0 and _is_slow_first(values):
        places = places[1:]  # that is told on its own
    count = len(places)
    return _Found(label, count, f"{count:,} of {trials(len(values))}") if count else None


def _slow_first(label: str, values: Sequence[float]) -> _Found | None:
    if not _is_slow_first(values) or (middle := median_of(values)) <= 0:
        return None
    return _Found(label, values[0] / middle, f"{factor(values[0] / middle)}× the median")


def _is_slow_first(values: Sequence[float]) -> bool:
    return 0 in _outlying(values) and values[0] == max(values)


def _outlying(values: Sequence[float]) -> list[int]:
    """Return the places of outliers; none of too few values."""
    if len(values) < MIN_REPEATS:
        return []
    middle, scores = median_of(values), modified_z(values)
    return [
        place
        for place, (value, score) in enumerate(zip(values, scores, strict=True))
        if abs(score) > MAX_Z and abs(value / 2 - middle / 2) >= MIN_DISTANCE * abs(middle / 2)
    ]


def too_few_repeats(cases: Cases) -> tuple[str, ...]:
    """Say how many cases have too few values for an interval."""
    few = sum(len(values) < MIN_REPEATS for values in cases.values())
    if not few:
        return ()
    which = "the only case" if len(cases) == 1 else f"{few:,} of {len(cases):,} cases"
    return (f"no interval: fewer than {MIN_REPEATS} ok trials in {which}",)


def noise_of_machine(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Say from a run.json what else kept the machine busy, as far as it tells."""
    return tuple(_busy(run))


def _busy(run: Mapping[str, Any]) -> Iterator[str]:
    executed = sessions(run)
    yield from list(filter(None, map(_loaded, executed)))[:1]
    counts = {name: _rise(executed[-1], name) for name in ("swapped_pages", "throttled")}
    if counts["swapped_pages"]:
        yield f"the machine swapped while it measured: {counts['swapped_pages']:,} pages"
    if counts["throttled"]:
        yield f"a CPU was slowed down for its heat while it measured, {counts['throttled']:,} times"
    mhz = run.get("cpu_mhz") or {"lowest": 1.0, "highest": 1.0}
    if mhz["highest"] >= (1 + MIN_DRIFT) * mhz["lowest"]:
        yield f"the CPUs' frequency drifted while it measured: {mhz['lowest']:,.0f} … {mhz['highest']:,.0f} MHz"


def _loaded(session: Mapping[str, Any]) -> str:
    """Say that the CPUs had more to do than they could when a session began."""
    # The load at the end is no sign: a run's own actors are in it.
    cpus, load = session.get("cpu_count"), (session.get("load_at_start") or [None])[0]
    if load is None or cpus is None or load <= cpus:
        return ""
    when = "was resumed" if "missing" in session else "began"
    return f"the machine was busy when the run {when}: a load of {number(load)} on {cpus:,} CPU{'s' * (cpus != 1)}"


def _rise(session: Mapping[str, Any], counter: str) -> int:
    """Return by how much a counter has risen from the start to the end; 0 if that is not known."""
    start = (session.get("counters_at_start") or {}).get(counter)
    end = (session.get("counters_at_end") or {}).get(counter)
    return 0 if start is None or end is None else max(0, end - start)
