"""A comparison in words: what differs in the setting, then the cases, then how far to trust it."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mprunner.analysis.comparison import Comparison, Row
from mprunner.analysis.effects import Change, Method
from mprunner.analysis.statistics import Interval
from mprunner.model.text import printable
from mprunner.report.wording import bracketed, factor, quantity

ONE_RUN_EACH = (
    "One run on each side: the machine's drift between two runs is part of every ratio, and the test does not know "
    "of it (measured, it called runs of the same code different in 12 to 30 of 100 cases). Put both sides into one "
    "experiment as cases, interleaved, or name several runs of each with --base and --new."
)
FEW_RUNS = "With so few runs only a large difference can be told: each run is one observation."
_MANY_RUNS = 10
WIDEST = 1e6
"""An interval that is wider than by this factor says nothing, in many digits."""


def change_in_words(row: Row, min_effect: float) -> str:
    """Say what a row comes to: ``slower``, ``not told apart``, ``under 1% apart``."""
    if row.change is Change.TOO_FEW:
        missing = [side for side, group in (("base", row.base), ("new", row.new)) if not group.trials]
        return f"no value in {' and '.join(missing)}" if missing else "too few to tell"
    if row.change is Change.NEGLIGIBLE:
        return f"under {100 * min_effect:g}% apart"
    if row.change is Change.NOT_TOLD_APART:
        return "not told apart"
    return direction(row.change, row.unit)


def direction(change: Change, unit: str) -> str:
    """Return what more or less of a metric means."""
    if unit == "s":
        return "slower" if change is Change.MORE else "faster"
    return change.value


def notes(comparison: Comparison) -> tuple[str, ...]:
    """Say how far a comparison is to be trusted, and what it leaves out."""
    return tuple(_notes(comparison))


def render_comparison(comparison: Comparison) -> str:
    """Return the cases metric by metric, and the notes, as plain text without a line end after its last line."""
    blocks = []
    for metric in dict.fromkeys(row.metric for row in comparison.rows):
        rows = [row for row in comparison.rows if row.metric == metric]
        blocks.append(
            f"{metric}: {_tallied(rows, comparison.min_effect)}\n{_table(rows, comparison.min_effect)}"
        )
    blocks.extend(notes(comparison))
    return "\n\n".join(blocks)


def _tallied(rows: Sequence[Row], min_effect: float) -> str:
    counts = Counter(change_in_words(row, min_effect) for row in rows)
    cases = f"{len(rows):,} case{'' if len(rows) == 1 else 's'}"
    return f"{cases}, " + ", ".join(f"{count:,} {words}" for words, count in counts.items())


def _table(rows: Sequence[Row], min_effect: float) -> str:
    cells = [
        (
            printable(row.label) or "the only case",
            _medians(row),
            _ratio(row),
            change_in_words(row, min_effect),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    lines = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def _medians(row: Row) -> str:
    texts = (
        "-" if group.median is None else quantity(group.median, row.unit) for group in (row.base, row.new)
    )
    return " → ".join(texts)


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return _p(row.p)
    told = f"{factor(row.ratio, _shown(row.interval))}×{_interval(row.interval)}"
    return ", ".join(part for part in (told, _p(row.p)) if part)


def _interval(interval: Interval | None) -> str:
    return bracketed(interval) if interval is None or _shown(interval) else " (anything)"


def _shown(interval: Interval | None) -> Interval | None:
    """Return an interval, or None if it is too wide for its digits to mean anything."""
    return None if interval is not None and interval.high > WIDEST * interval.low else interval


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return f"p {p:.2g}" if p >= 0.001 else "p < 0.001"


def _notes(comparison: Comparison) -> Iterator[str]:
    for side, labels in (("base", comparison.only_base), ("new", comparison.only_new)):
        if labels:
            yield f"only in {side}: {'; '.join(printable(label) or 'the only case' for label in labels)}"
    failed = {
        printable(row.label) or "the only case": (row.base.failed, row.new.failed)
        for row in comparison.rows
        if row.base.failed or row.new.failed
    }
    if failed:
        told = "; ".join(f"{label}: {base:,} → {new:,}" for label, (base, new) in failed.items())
        yield f"trials that were not ok, and so are not compared: {told}"
    yield from _trust(comparison)


def _fewer_pairs(row: Row) -> tuple[str, str] | None:
    """Say of how many repeats a ratio is, where a side's median is of more."""
    base, new = row.base.trials, row.new.trials
    if row.pairs is None or row.pairs == max(base, new):
        return None
    return printable(row.label) or "the only case", f"{row.pairs:,} of {base:,} and {new:,}"


def _trust(comparison: Comparison) -> Iterator[str]:
    if comparison.method is Method.TRIALS:
        yield ONE_RUN_EACH
    elif comparison.method is Method.RUNS:
        runs = max((row.base.runs + row.new.runs for row in comparison.rows), default=0)
        yield f"Each run's median is one observation ({runs} runs).{' ' + FEW_RUNS if runs < _MANY_RUNS else ''}"
    else:
        yield "Two cases of one run: each ratio is of two trials of the same repeat."
        fewer = dict(filter(None, map(_fewer_pairs, comparison.rows)))
        if fewer:
            yield "Repeats that both have: " + "; ".join(f"{label}: {told}" for label, told in fewer.items())
    if any(row.change is Change.TOO_FEW and row.base.trials and row.new.trials for row in comparison.rows):
        yield "Too few to tell: " + (
            "name at least three runs in all."
            if comparison.method is Method.RUNS
            else "an interval needs five trials on each side."
        )
