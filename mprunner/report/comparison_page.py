"""A comparison as a page: what differs in the setting, then the cases metric by metric, and how far to trust it."""

from collections import Counter
from collections.abc import Sequence

from mprunner.analysis.comparison import Comparison, Row
from mprunner.analysis.effects import Change
from mprunner.model.provenance import Difference
from mprunner.report.comparison import change_in_words, notes
from mprunner.report.page import Drawn, charted, moment
from mprunner.report.page_tables import MOST_ROWS, Cell, Heading, Table, label_in_words
from mprunner.report.wording import bracketed, factor, number, quantity
from mprunner.runs import RunInfo

_TOLD_APART = (Change.MORE, Change.LESS)


def page_of_comparison(
    comparison: Comparison,
    base: Sequence[RunInfo],
    new: Sequence[RunInfo],
    differences: Sequence[Difference],
    drawn: Drawn,
) -> str:
    """Return the page of a comparison of runs.

    Args:
        comparison: what it came to.
        base: what run.json says of each run that is compared with.
        new: the same of those that are compared.
        differences: between the settings of the sides.
        drawn: the charts of the comparison.
    """
    metrics = dict.fromkeys(row.metric for row in comparison.rows)
    rows = {name: [row for row in comparison.rows if row.metric == name] for name in metrics}
    apart = sum(row.change in _TOLD_APART for row in comparison.rows)
    of = f"{number(len(comparison.rows))} comparison{'' if len(comparison.rows) == 1 else 's'}"
    names = " and ".join(dict.fromkeys(run.experiment for run in (*base, *new)))
    context = {
        "title": f"{names}: two sides compared",
        "names": names,
        "word": f"{number(apart)} of {of} clearly differ" if apart else "No clear difference",
        "tallies": [f"{name}: {_tally(own, comparison.min_effect)}" for name, own in rows.items()],
        "sides": [("base", [_named(run) for run in base]), ("new", [_named(run) for run in new])],
        "differences": _differences(differences),
        "tables": [_table(name, own, comparison.min_effect) for name, own in rows.items()],
        "notes": list(notes(comparison)),
    }
    return charted("comparison.html.jinja", drawn, lambda figures: {"figures": figures, **context})


def _tally(rows: Sequence[Row], min_effect: float) -> str:
    counts = Counter(change_in_words(row, min_effect) for row in rows)
    cases = f"{number(len(rows))} case{'' if len(rows) == 1 else 's'}"
    return f"{cases}, " + ", ".join(f"{number(count)} {words}" for words, count in counts.items())


def _named(run: RunInfo) -> str:
    unfinished = "" if run.is_finished else f", {run.state}"
    return f"{run.experiment}, {run.run_id}, {moment(run.started_at)}{unfinished}"


def _differences(differences: Sequence[Difference]) -> Table:
    return Table(
        key="differences",
        caption="What differs in the setting",
        headings=(Heading("what"), Heading("base"), Heading("new")),
        rows=tuple((Cell(each.what), Cell(each.then), Cell(each.now)) for each in differences),
    )


def _table(metric: str, rows: Sequence[Row], min_effect: float) -> Table:
    chosen = sorted(rows, key=lambda row: row.change not in _TOLD_APART)[:MOST_ROWS]
    return Table(
        key=f"compared-{metric}",
        caption=f"{metric}, case by case",
        headings=(
            Heading("case"),
            Heading("base, median", True),
            Heading("new, median", True),
            Heading("ratio, 95% interval", True),
            Heading("p", True),
            Heading("conclusion"),
        ),
        rows=tuple(_cells(row, min_effect) for row in (chosen if len(rows) > MOST_ROWS else rows)),
        of=len(rows),
        source="`mprunner compare --json`",
    )


def _cells(row: Row, min_effect: float) -> tuple[Cell, ...]:
    ratio = Cell("")
    if row.ratio is not None:
        ratio = Cell(f"{factor(row.ratio, row.interval)}×{bracketed(row.interval)}", row.ratio)
    p = Cell("") if row.p is None else Cell(f"{row.p:.2g}" if row.p >= 0.001 else "< 0.001", row.p)
    sides = (
        Cell("-") if side.median is None else Cell(quantity(side.median, row.unit), side.median)
        for side in (row.base, row.new)
    )
    style = "warn" if row.change in _TOLD_APART else ""
    told = Cell(change_in_words(row, min_effect), None, style)
    return (Cell(label_in_words(row.label)), *sides, ratio, p, told)
