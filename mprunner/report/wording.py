"""Numbers as a person reads them: thousands separators, three significant digits, sensible units of time."""

from collections.abc import Sequence
from math import floor, isfinite, log10

from mprunner.analysis.statistics import Interval
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


def quantity(value: float, unit: str) -> str:
    """Return a number with its unit; seconds are scaled: ``12.3 ms``."""
    if unit == "s" and isinstance(value, float) and value:
        scale, symbol = next((time for time in _TIMES if _rounded(value * time[0]) >= 1), _TIMES[-1])
        return f"{_significant(value * scale)} {symbol}".replace("-", _MINUS)
    return f"{number(value)} {unit.replace('_', ' ')}".rstrip()


def span(low: float, high: float, unit: str) -> str:
    """Return ``low … high`` with their unit, or one number where both read the same."""
    first, last = quantity(low, unit), quantity(high, unit)
    if first == last:
        return first
    number_, _, symbol = first.partition(" ")
    return f"{number_ if last.endswith(' ' + symbol) else first} … {last}"


def share(value: float) -> str:
    """Return a share as a percentage with three significant digits, more if it else read 100%; ``98.7%``."""
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


def comparison(metric: str, unit: str, ratio: float, interval: Interval | None, other: str) -> str:
    """Return how a case compares that has ``ratio`` times the metric of another, such as a baseline.

    A duration reads ``5.1× slower than guard none (4.8–5.5)``, anything else ``cost 5.1× that of guard none``.
    """
    if unit != "s" or ratio <= 0 or (interval and interval.low <= 0):
        return f"{metric} {factor(ratio, interval)}× that of {other}{bracketed(interval)}"
    if _includes_one(ratio, interval):
        return f"about as fast as {other}{bracketed(interval)}"
    if ratio > 1:
        return f"{factor(ratio, interval)}× slower than {other}{bracketed(interval)}"
    inverse = interval and Interval(1 / interval.high, 1 / interval.low)
    return f"{factor(1 / ratio, inverse)}× faster than {other}{bracketed(inverse)}"


def _includes_one(ratio: float, interval: Interval | None) -> bool:
    if interval is None:
        return factor(ratio) == "1.00"
    return interval.low <= 1 <= interval.high


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


def _significant(value: float) -> str:
    if not isfinite(value):
        return str(value)
    exponent = int(f"{value:.2e}".partition("e")[2])  # not by log10: 1.798e308 is rounded to infinity
    if not -5 < exponent < 15:
        return f"{value:.3g}"
    return f"{value:,.{max(0, 2 - exponent)}f}"


def _rounded(value: float) -> float:
    return float(f"{abs(value):.2e}")
