"""Numbers as a person reads them, and remarks on a run's numbers.

Thousands separators, three significant digits, sensible units of time. Why trials failed, which case is the fastest,
what makes numbers doubtful.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import floor, isfinite, isinf, log10
from typing import Any

from mprunner.analysis.diagnostics import MAX_OTHERS, MAX_SPREAD, Cases, Disturbed, Failure, Noise
from mprunner.analysis.statistics import Interval
from mprunner.model.adaptive import MIN_REPEATS, AdaptiveRepeats
from mprunner.model.records import Status
from mprunner.runs import RunInfo
from mprunner.values import Scalar, in_words

MANY_STATES = 4
"""From so many states on, a sentence gives their range and number instead of each."""

_TIMES = ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns"))
_HUGE = 1e6  # a factor beyond it is written as a power of ten
_MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """Return a whole number with all of its digits, any other with three significant ones; ``−4,302``, ``0.0123``."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 2**53):
        text = f"{int(value):,}"
    else:
        text = _significant(value)
        shorter = text.rstrip("0")
        text = (
            shorter if float(shorter.replace(",", "")) == value else text
        )  # 6.5 is exact, and 6.50 is 6.497
    return text.replace("-", _MINUS)


def exact(value: float) -> str:
    """Return a number as :func:`number` does, with as many digits as say which it is."""
    text = number(value)
    return text if isinstance(value, int) or _read(text) == value else f"{value:,}".replace("-", _MINUS)


def telling(value: float, is_false: Callable[[float], bool]) -> str:
    """Return a number as :func:`number` does, with so many more digits that what is shown is not false, too."""
    text = number(value)
    for digits in range(4, 18):
        if isinstance(value, int) or not is_false(_read(text)):
            break
        text = _significant(value, digits).replace("-", _MINUS)
    return text


def _read(text: str) -> float:
    return float(text.replace(",", "").replace(_MINUS, "-"))


def quantity(value: float, unit: str) -> str:
    """Return a number with its unit; seconds are scaled: ``12.3 ms``."""
    if unit == "s" and isinstance(value, float) and value:
        scale, symbol = next((time for time in _TIMES if _rounded(value * time[0]) >= 1), _TIMES[-1])
        return f"{_significant(value * scale)} {symbol}".replace("-", _MINUS)
    return f"{number(value)} {unit.replace('_', ' ')}".rstrip()


def metric_in_words(name: str, unit: str) -> tuple[str, str]:
    """Return what a metric is called, and the unit that its values need beside that: ``wall time`` and ``s``."""
    words = name.removesuffix(f"_{unit}") if unit else name
    title = words.replace("_", " ")
    if words == name:
        return title, unit
    if unit == "s":
        return (title if title.endswith("time") else f"{title} time"), unit
    return (f"{title} {unit.replace('_', ' ')}", "") if unit.startswith("per_") else (title, unit)


def span(low: float, high: float, unit: str) -> str:
    """Return ``low … high`` with their unit, or one number where both read the same."""
    first, last = quantity(low, unit), quantity(high, unit)
    if first == last:
        return first
    number_, _, symbol = first.partition(" ")
    return f"{number_ if last.endswith(' ' + symbol) else first} … {last}"


def share(value: float) -> str:
    """Return a share as a percentage with three significant digits, more if it else read 100%; ``98.7%``."""
    if not isfinite(100 * value):
        return f"{100 * Decimal(value):.3g}%"
    digits = 3
    while value < 1 and digits < 12 and float(f"{100 * value:.{digits}g}") == 100:
        digits += 1
    text = f"{100 * value:.{digits}g}"
    return f"{number(float(text)) if digits == 3 else text}%"


def state(value: Scalar) -> str:
    """Return a state of an outcome; a whole number with its thousands separated, text like a number in quotes."""
    if isinstance(value, str):
        return in_words(value)
    return number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def states(values: Sequence[Scalar]) -> str:
    """Return states of an outcome, given in order: all of a few, else the first, the last and their number."""
    shown = [state(value) for value in values]
    if len(shown) < MANY_STATES:
        return ", ".join(shown)
    return f"{shown[0]} … {shown[-1]} ({len(shown):,} states)"


def trials(count: int, kind: str = "") -> str:
    """Return ``1 trial``, ``2 trials``, ``2 warm-up trials``."""
    return f"{count:,} {kind}trial{'' if count == 1 else 's'}"


def comparison(
    metric: str,
    unit: str,
    ratio: float,
    interval: Interval | None,
    other: str,
    *,
    clear: bool = True,
    same_work: bool = True,
) -> str:
    """Say how a case compares that has ``ratio`` times the metric of another, such as a baseline.

    A duration reads ``5.1× slower than guard none (4.8–5.5)``, anything else ``5.1× the cost of guard none``.

    Args:
        metric: its name.
        unit: its unit.
        ratio: of the case to the other.
        interval: the ratio's interval.
        other: what the other case is called.
        clear: whether the trials show that they differ at all.
        same_work: whether both do the same work: who does more is not slower.
    """
    least = min(ratio, interval.low) if interval else ratio
    if unit != "s" or not same_work or least <= 0 or not isfinite(1 / least):
        what, _ = metric_in_words(metric, unit)
        return f"{factor(ratio, interval)}× the {what} of {other}{bracketed(interval)}"
    if not clear and interval is not None:
        if max(interval.high - 1, 1 - interval.low) <= SAME:
            return f"as fast as {other}, within {share(SAME)}"
        if interval.low <= 1 <= interval.high:
            return f"not clearly faster or slower than {other} ({bracketed(interval)[2:-1]}× its time)"
    perhaps = "" if clear or interval is None else "perhaps "
    few = "" if interval else " by too few repeats to be sure"
    if ratio > 1:
        return f"{perhaps}{factor(ratio, interval)}× slower than {other}{bracketed(interval)}{few}"
    inverse = interval and Interval(1 / interval.high, 1 / interval.low)
    return f"{perhaps}{factor(1 / ratio, inverse)}× faster than {other}{bracketed(inverse)}{few}"


def bracketed(interval: Interval | None) -> str:
    """Return an interval of factors in brackets, after a space; empty for None."""
    if interval is None:
        return ""
    decimals = _decimals_of(interval)
    return f" ({_factor(interval.low, decimals)}–{_factor(interval.high, decimals)})"


def factor(value: float, interval: Interval | None = None) -> str:
    """Return a factor with two or three significant digits; beside its interval with as many decimals as that.

    So it never reads as if it were outside of its interval.
    """
    return _factor(value, _decimals(value) if interval is None else _decimals_of(interval))


def _factor(value: float, decimals: int) -> str:
    if value >= _HUGE or 0 <= value < 0.5 / 10**decimals:
        return f"{value:.2g}"  # or 0
    return f"{value:,.{decimals}f}".replace("-", _MINUS)


def _decimals_of(interval: Interval) -> int:
    """Return the decimals that the ends of an interval share: those of the lower one, if they say something above."""
    low, high = _decimals(interval.low), _decimals(interval.high)
    return min(max(low, high), max(2, high))


def _decimals(value: float) -> int:
    """Return how many decimals leave a factor with two significant digits or more, and three below 3."""
    if value >= 9.95:
        return 0
    if value >= 2.995:
        return 1
    return min(4, max(2, 1 - floor(log10(value)))) if value > 0 else 0


def _significant(value: float, digits: int = 3) -> str:
    if not isfinite(value):
        return str(value)
    # not by log10: 1.798e308 is rounded to infinity
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    if not -5 < exponent < 15:
        return f"{value:.{digits}g}"
    return f"{value:,.{max(0, digits - 1 - exponent)}f}"


def _rounded(value: float) -> float:
    return float(f"{abs(value):.2e}")


MOST_REASONS = 5
"""The most different endings that are named; more are only counted, so that the summary stays short."""
SAME = 0.05
"""Two cases whose ratio lies, with its whole interval, within so much of 1 are as fast as each other."""
MOST_WIDE = 10
"""Cases in a summary that did not get there; summary.csv has every interval."""
MIN_DRIFT = 0.1
"""A drift of the CPUs' frequency is reported if the highest is so much above the lowest, as a share of that."""


def reasons(failures: Sequence[Failure], of: int, timeout_s: float | None = None) -> tuple[str, ...]:
    """Say why trials were not ok, the most frequent reason first, and which log says more.

    Args:
        failures: the ways in which they ended.
        of: how many trials there are.
        timeout_s: the time that a trial may take, in seconds; None where that is not known.
    """
    lines = [_reason(failure, of, timeout_s) for failure in failures[:MOST_REASONS]]
    if len(failures) > MOST_REASONS:
        lines.append(f"… and {len(failures) - MOST_REASONS} more reasons in trials.csv")
    return tuple(lines)


def _reason(failure: Failure, of: int, timeout_s: float | None) -> str:
    why, more = failure.reason, ""
    if failure.status == Status.TIMEOUT and timeout_s is not None:
        why = "; ".join(filter(None, (why, f"over {quantity(float(timeout_s), 's')}")))
        more = f"; `--set timeout={exact(2 * timeout_s).replace(',', '')}` allows more"
    log = f"; see logs/{failure.log}" if failure.log else ""
    return f"{failure.status}{': ' if why else ''}{why} ({failure.count:,} of {trials(of)}{log}{more})"


def wide_intervals(adaptive: AdaptiveRepeats, labels: Mapping[str, str]) -> Iterator[str]:
    """Say which cases had all their repeats and no narrow interval, the first of them if they are many."""
    after, metric, wide = (
        f"after {number(adaptive.most)} repeats",
        adaptive.until.metric,
        adaptive.still_wide(),
    )
    for case_id, width in list(wide.items())[:MOST_WIDE]:
        case = f"{labels[case_id]}: " if labels[case_id] else ""
        if width is None:
            yield f"{case}no interval of {metric} {after}: too few ok trials have a value"
        elif isinf(width):
            yield f"{case}interval of {metric} still not narrow around a median of 0 {after}"
        else:
            told = f"±{number(float(f'{100 * width:.2g}'))}% of the median"
            yield f"{case}interval of {metric} still {told} {after}"
    if len(wide) > MOST_WIDE:
        yield f"… and {number(len(wide) - MOST_WIDE)} more cases"


def noise_in_words(metric: str, noises: Sequence[Noise]) -> str:
    """Say in one line what makes a metric's values doubtful, in how many cases; of the first, where most."""
    what, _ = metric_in_words(metric, "s")
    return "; ".join(_noise(what, each, is_first=not n) for n, each in enumerate(noises))


def _noise(what: str, noise: Noise, *, is_first: bool) -> str:
    match noise.kind:
        case "spread":
            text, worst = f"{what} varies by {share(MAX_SPREAD)} or more", share(round(noise.size, 2))
        case "outliers":
            text = f"outliers{f' of {what}' if is_first else ''}"
            worst = f"{int(noise.size):,} of {trials(noise.trials)}"
        case "slow first trial":
            text, worst = (
                "a slow first trial (`warmup: 1` leaves it out)",
                f"{factor(noise.size)}× the median",
            )
    if noise.cases == 1:
        return f"{text}: {worst}"
    most = "most " if noise.found > 1 else ""
    where = f" ({most}in {noise.worst}: {worst})" if is_first else ""
    return f"{text} in {noise.found:,}{f' of {noise.cases:,} cases' if is_first else ''}{where}"


def too_few_repeats(cases: Cases) -> tuple[str, ...]:
    """Say how many cases have too few values for an interval."""
    few = sum(len(values) < MIN_REPEATS for values in cases.values())
    if not few:
        return ()
    which = "the only case" if len(cases) == 1 else f"{few:,} of {len(cases):,} cases"
    return (f"fewer than {MIN_REPEATS} ok trials in {which}: no interval says how far chance reaches",)


def disturbed_in_words(found: Disturbed, label: str) -> str:
    """Say during how many trials other processes used the CPUs, and during which one most."""
    worst = f"repeat {found.repeat}{f' of {label}' if label else ''}: {share(round(found.share, 2))}"
    where = f"({'most ' if found.count > 1 else ''}in {worst})"
    of = f"{found.count:,} of {trials(found.of)}"
    return f"other processes used {share(MAX_OTHERS)} of the CPUs or more during {of} {where}"


def noise_of_machine(run: RunInfo) -> Iterator[str]:
    """Say what else kept the machine busy, as far as run.json tells."""
    if run.source_changed_after is not None:
        after = trials(run.source_changed_after)
        yield f"the plugin's source changed after {after}: what imported it later executed the new one"
    yield from list(filter(None, map(_loaded, run.sessions)))[:1]
    last = run.sessions[-1]
    if swapped := _rise(last, "swapped_pages"):
        yield f"the machine swapped while it measured: {swapped:,} pages"
    if throttled := _rise(last, "throttled"):
        yield f"a CPU was slowed down for its heat while it measured, {throttled:,} times"
    mhz = run.cpu_mhz
    if mhz is not None and mhz["highest"] >= (1 + MIN_DRIFT) * mhz["lowest"]:
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
