"""A comparison in words: what differs in the setting, then the cases, then how far to trust it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mprunner.analysis.comparison import Comparison, Row
from mprunner.analysis.effects import Change, Method
from mprunner.analysis.limits import Limit
from mprunner.model.records import label_of
from mprunner.model.text import printable
from mprunner.report.wording import bracketed, factor, number, quantity, share, telling
from mprunner.values import Scalar

BLIND = {
    Method.TRIALS: "one run each can't tell a change from the machine's drift",
    Method.ONE_TURN: "runs of one side in a row can't tell a change from the machine's drift",
}
HOW_TO_TELL = (
    "To tell: `mprunner run FILE` with the base, then with the new side, three times in turn, and "
    "`mprunner compare B1 N1 --base B2 --new N2 --base B3 --new N3`; or both sides as cases of one experiment, and "
    "`mprunner compare RUN --case PARAM=VALUE --case PARAM=VALUE`. Five earlier runs or more beside these show the "
    "drift, too."
)
FEW_RUNS = "With so few runs only a large difference can be told: each run is one observation."
_MANY_RUNS = 10
_TOLD = (Change.MORE, Change.LESS)
WIDEST = 1e6
"""An interval that is wider than by this factor says nothing, in many digits."""


def change_in_words(row: Row, min_effect: float) -> str:
    """Say what a row comes to: ``slower``, ``no clear difference``, ``under 1% apart``."""
    if row.change is Change.TOO_FEW:
        missing = [side for side, group in (("base", row.base), ("new", row.new)) if not group.trials]
        return f"no value in {' and '.join(missing)}" if missing else "too few to tell"
    if row.change is Change.NEGLIGIBLE:
        return f"under {100 * min_effect:g}% apart"
    if row.change is Change.NOT_TOLD_APART:
        return "no clear difference"
    if row.change is Change.CHANGE_OR_DRIFT:
        return "change or drift"
    if row.change is Change.UNSURE:
        return f"slightly {_direction(row, is_more=(row.ratio or 0) > 1)}"
    return _direction(row, is_more=row.change is Change.MORE)


def _direction(row: Row, *, is_more: bool) -> str:
    if row.unit == "s":
        return "slower" if is_more else "faster"
    return "more" if is_more else "less"


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
            case_in_words(row),
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
    is_told = row.interval is None or row.interval.high <= WIDEST * row.interval.low
    interval = bracketed(row.interval) if is_told else " (anything)"
    told = f"{factor(row.ratio, row.interval if is_told else None)}×{interval}"
    return ", ".join(part for part in (told, _p(row.p)) if part)


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return f"p {p:.2g}" if p >= 0.001 else "p < 0.001"


def limits_in_words(comparison: Comparison, limits: Sequence[Limit]) -> Iterator[str]:
    """Say which limits are exceeded in which cases, and of which cases these trials can't rule it out."""
    for limit in limits:
        for row in comparison.rows:
            if limit.is_exceeded(row) or limit.is_unclear(row):
                yield limit_in_words(limit, row)


def limit_in_words(limit: Limit, row: Row) -> str:
    """Say that a limit is exceeded, or unclear, in a case."""
    if limit.is_exceeded(row):
        return f"beyond {limit}: {case_in_words(row)}{_beyond(limit, row)}"
    return f"{limit} is unclear: {case_in_words(row)}{_unclear(limit, row)}"


def case_in_words(row: Row) -> str:
    """Return what tells the case from the others."""
    return printable(row.label) or "the only case"


_BY = {
    Method.TRIALS: "the trials of one run each",
    Method.ONE_TURN: "runs of one side in a row",
    Method.COUNTS: "trials that drift does not explain",
    Method.RUNS: "runs in turn",
    Method.REPEATS: "trials of the same repeat",
}


def answer_in_words(row: Row, min_effect: float) -> str:
    """Say in one line what a row came to, and by what: ``961 ms → 1.52 s, 1.58× (0.99–2.01): change or drift``."""
    by = f"the drift between {row.earlier:,} earlier runs" if row.earlier else _BY.get(row.method, "")
    told = ", ".join(filter(None, (_medians(row), _ratio(row))))
    return f"{told}: {change_in_words(row, min_effect)}; by {by}"


def _unclear(limit: Limit, row: Row) -> str:
    """Say why it is not known whether a limit is exceeded, what could have been shown, and what would tell."""
    if not row.method.knows_drift:
        return f", {_ratio(row) or _medians(row)}: {BLIND[row.method]}"
    told = []
    if (possible := limit.most_possible(row)) is not None:
        most = telling(possible, lambda shown: not limit.is_beyond(shown))
        told.append(f" may be {'up' if limit.sign == '+' else 'down'} to {most}×")
    if (smallest := limit.smallest_shown(row)) is not None:
        told.append(f"a change of {limit.sign}{share(smallest)} could have been shown")
    if (needed := limit.needed(row)) is not None:
        in_turn = ", in turn," if needed.of == "runs" else ""
        told.append(f"about {number(needed.number)} {needed.of} a side{in_turn} would tell")
    return "; ".join(told)


def _beyond(limit: Limit, row: Row) -> str:
    """Say what exceeds a limit, with so many digits that it reads so."""
    if not row.new.trials:
        return " has no value any more"
    if row.ratio is None:
        return f", {_medians(row)}"
    return f", {telling(row.ratio, lambda shown: not limit.is_beyond(shown))}×"


def notes(comparison: Comparison) -> Iterator[str]:
    """Say how far a comparison is to be trusted, and what it leaves out."""
    for side, labels in (("base", comparison.only_base), ("new", comparison.only_new)):
        if labels:
            yield f"only in {side}: {'; '.join(printable(label) or 'the only case' for label in labels)}"
    failed = {
        case_in_words(row): (row.base.failed, row.new.failed)
        for row in comparison.rows
        if row.base.failed or row.new.failed
    }
    if failed:
        told = "; ".join(f"{label}: {base:,} → {new:,}" for label, (base, new) in failed.items())
        yield f"trials that were not ok, and so are not compared: {told}"
    yield from _trust(comparison)


def _fewer_pairs(rows: Sequence[Row]) -> Iterator[str]:
    """Say of how many repeats the ratios of a metric are, where a side's median is of more."""
    metrics: dict[str, list[str]] = {}
    for row in rows:
        base, new = row.base.trials, row.new.trials
        if base and new and row.pairs is not None and row.pairs != max(base, new):
            metrics.setdefault(f"{case_in_words(row)}: {row.pairs:,} of {base:,} and {new:,}", []).append(
                row.metric
            )
    for told, names in metrics.items():
        yield f"{told} ({', '.join(names)})"


def _trust(comparison: Comparison) -> Iterator[str]:
    methods = Counter(row.method for row in comparison.rows)
    if comparison.earlier:
        yield _of_earlier(comparison)
    for method in (method for method in BLIND if method in methods):
        few = f" ({methods[method]:,} of {methods.total():,})" if methods[method] < methods.total() else ""
        yield f"{_sentence(BLIND[method])}{few}: the intervals are of these trials alone. {HOW_TO_TELL}"
    if any(row.method is Method.COUNTS and row.change in _TOLD for row in comparison.rows):
        yield "Growth from 0, and whole numbers that never vary, are told by the trials: drift is a factor."
    if Method.RUNS in methods:
        runs = max(row.base.runs + row.new.runs for row in comparison.rows)
        few = f" {FEW_RUNS}" if runs < _MANY_RUNS else ""
        yield f"Each run's median is one observation ({runs} runs); runs of one side in a row are one.{few}"
    if comparison.method is Method.REPEATS:
        yield "Two cases of one run: each ratio is of two trials of the same repeat."
        if fewer := list(_fewer_pairs(comparison.rows)):
            yield f"Repeats that both have: {'; '.join(fewer)}"
    if any(row.change is Change.UNSURE for row in comparison.rows):
        percent = f"{100 * comparison.min_effect:g}%"
        yield f"Slightly: a difference is shown, of under {percent}; its interval reaches beyond {percent}."
    if any(row.change is Change.TOO_FEW and row.base.trials and row.new.trials for row in comparison.rows):
        yield "Too few to tell: an interval needs five trials on each side."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_earlier(comparison: Comparison) -> str:
    runs, first, last = len(comparison.earlier), comparison.earlier[0], comparison.earlier[-1]
    return (
        f"The machine's drift is in the intervals, as {runs} earlier runs of the same cases under the same "
        f"environment show it: {first} … {last}."
    )


_MOST_VALUES = 3
_MOST_PARAMS = 5


def values_apart(params: Mapping[str, tuple[Sequence[Scalar], Sequence[Scalar]]]) -> str:
    """Say which values of params two sides have: ``capacity 1 → 2; guard none or lock → rlock``."""
    told = [
        f"{name} {_values_in_words(base)} → {_values_in_words(new)}"
        for name, (base, new) in list(params.items())[:_MOST_PARAMS]
    ]
    more = len(params) - len(told)
    return printable("; ".join(told)) + (f"; and {more} more params" if more else "")


def _values_in_words(values: Sequence[Scalar]) -> str:
    if not values:
        return "(unknown)"
    shown = [label_of({"": value}, [""]).strip() for value in values[:_MOST_VALUES]]
    return " or ".join(shown) + (" …" if len(values) > _MOST_VALUES else "")
