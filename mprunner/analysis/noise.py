"""What makes a run's numbers doubtful, in words, with the numbers behind it: spread, outliers, a busy machine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import frexp, fsum, ldexp, sqrt
from statistics import fmean
from typing import Any

from mprunner.analysis.setting import sessions
from mprunner.analysis.statistics import median_of
from mprunner.analysis.wording import factor, number, share, trials
from mprunner.until import MIN_REPEATS

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
