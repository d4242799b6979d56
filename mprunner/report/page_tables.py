"""The tables of a page: cells that read as words and sort as numbers; of many rows, a stated selection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pandas as pd

from mprunner.analysis.statistics import Interval, unseen_bound
from mprunner.analysis.verdict import Judgement, State
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header
from mprunner.model.records import Status, label_of, varying
from mprunner.report.wording import bracketed, factor, number, quantity, share, span, states
from mprunner.tables import Frames, plain_cells, state_text
from mprunner.values import Scalar

MOST_ROWS: Final = 100
"""Rows of a table in a page; the CSV file that it names has all of them."""
FEW_STATES: Final = 3
"""Up to so many states with the same verdict have a row each."""


class Cell(NamedTuple):
    """What a cell reads, by what it is sorted and downloaded where that is something else, and how it is styled."""

    text: str
    value: Scalar = None
    style: str = ""

    @property
    def raw(self) -> str:
        """What the cell is sorted by and downloaded as: every bit of a number."""
        return self.text if self.value is None else str(self.value)


class Heading(NamedTuple):
    """The name of a column, and whether numbers are in it."""

    text: str
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a page.

    Attributes:
        key: tells it from the others of the page; the name of its download.
        caption: what it shows, in words.
        headings: of its columns; the first column names the rows.
        rows: its cells, row by row.
        of: how many rows there are where not all are shown.
        source: the file that has all of them; empty where they are no data.
    """

    key: str
    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    of: int = 0
    source: str = ""

    @property
    def is_data(self) -> bool:
        """Whether it is worth being downloaded."""
        return bool(self.source)

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than these."""
        return self.of > len(self.rows)


def label_in_words(label: str) -> str:
    """Return how a person tells a case from the others."""
    return label or "the only case"


def shown_cases(frames: Frames) -> tuple[str, ...]:
    """Return the cases that tables show: all of a few, else first those with trials that were not ok, then the rest.

    They are in the order of the plan.
    """
    every = list(frames.labels)
    if len(every) <= MOST_ROWS:
        return tuple(every)
    failed = [case for case in every if set(frames.statuses[case]) - {Status.OK.value}]
    fine = [case for case in every if case not in set(failed)]
    chosen = {*failed[:MOST_ROWS], *fine[: max(0, MOST_ROWS - len(failed))]}
    return tuple(case for case in every if case in chosen)


def metric_tables(
    header: Header, frames: Frames, summary: pd.DataFrame, cases: Sequence[str]
) -> dict[str, Table]:
    """Return by metric what it came to in each case, and its ratio to the baseline where there is one.

    Args:
        header: of the run's journal.
        frames: the run's tables.
        summary: summary.csv.
        cases: those that are shown.
    """
    other = label_of(header.baseline, header.baseline) if header.baseline else ""
    shown = summary[summary["case_id"].isin(cases)]
    rows_of: dict[str, list[dict[str, Any]]] = {}
    names = [name for name in shown.columns if name not in ("run_id", *_params(header.declaration))]
    for cells in zip(*(plain_cells(shown[name]) for name in names), strict=True):
        row = dict(zip(names, cells, strict=True))
        rows_of.setdefault(row["metric"], []).append(row)
    return {
        field.name: _metric_table(field, rows_of.get(field.name, []), frames, other, len(frames.labels))
        for field in header.declaration.metrics
        if field.type != "str"
    }


def _params(declaration: Declaration) -> tuple[str, ...]:
    return tuple(field.name for field in declaration.params)


def _metric_table(
    field: Field, rows: Sequence[Mapping[str, Any]], frames: Frames, baseline: str, of: int
) -> Table:
    has_ratio = any(row["ratio"] is not None for row in rows)
    has_efficiency = any(row["efficiency"] is not None for row in rows)
    headings = [Heading("case"), Heading("trials", True), Heading("median, 95% interval", True)]
    headings += [Heading(f"ratio to {baseline}", True)] * has_ratio
    headings += [Heading("efficiency", True)] * has_efficiency
    headings += [Heading("smallest … largest", True)]
    made = []
    for row in rows:
        cells = [
            Cell(label_in_words(frames.labels[row["case_id"]])),
            Cell(number(row["trials"]), row["trials"]),
            _median(row, field.unit),
        ]
        if has_ratio:
            cells.append(_ratio(row))
        if has_efficiency:
            percent = row["efficiency"]
            cells.append(Cell("" if percent is None else f"{number(round(100 * percent))}%", percent))
        low, high = row["min"], row["max"]
        cells.append(Cell("" if low is None else span(low, high, field.unit), low))
        made.append(tuple(cells))
    meaning = f": {field.doc}" if field.doc else ""
    return Table(
        key=f"metric-{field.name}",
        caption=f"{field.name}{meaning}",
        headings=tuple(headings),
        rows=tuple(made),
        of=of,
        source="summary.csv",
    )


def _median(row: Mapping[str, Any], unit: str) -> Cell:
    if row["median"] is None:
        return Cell("no value")
    told = quantity(row["median"], unit)
    if row["ci_low"] is not None and row["ci_high"] is not None:
        told += f" ({span(row['ci_low'], row['ci_high'], unit)})"
    return Cell(told, row["median"])


def _ratio(row: Mapping[str, Any]) -> Cell:
    if row["ratio"] is None:
        return Cell("")
    interval = None if row["ratio_ci_low"] is None else Interval(row["ratio_ci_low"], row["ratio_ci_high"])
    return Cell(f"{factor(row['ratio'], interval)}×{bracketed(interval)}", row["ratio"])


def outcome_tables(
    header: Header, frames: Frames, judgement: Judgement, cases: Sequence[str]
) -> dict[str, Table]:
    """Return by outcome how often its states were seen, many states with the same verdict in one row."""
    return {
        variable: table
        for variable, meaning in header.declaration.outcomes.items()
        if (table := _outcome_table(variable, meaning, frames, judgement, cases)).rows
    }


def _outcome_table(
    variable: str, meaning: str, frames: Frames, judgement: Judgement, cases: Sequence[str]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for case_id in cases:
        by_verdict: dict[tuple[str, str], list[State]] = {}
        for each in judgement.states.get(case_id, {}).get(variable, ()):
            by_verdict.setdefault((each.verdict or "", each.note), []).append(each)
        label = label_in_words(frames.labels[case_id])
        for (verdict, note), own in by_verdict.items():
            seen, never = ([each for each in own if bool(each.count) is is_seen] for is_seen in (True, False))
            groups = [[each] for each in seen] if len(seen) <= FEW_STATES else [seen]
            groups += [never] * bool(never)
            rows.extend(_state_row(label, verdict, note, group) for group in groups)
    return Table(
        key=f"outcome-{variable}",
        caption=f"States of {variable}{meaning and f': {meaning}'}",
        headings=(
            Heading("case"),
            Heading("state"),
            Heading("seen", True),
            Heading("share", True),
            Heading("verdict"),
        ),
        rows=tuple(rows[: 2 * MOST_ROWS]),
        of=len(rows) if len(cases) == len(frames.labels) else len(rows) + 1,
        source="outcomes.csv",
    )


VERDICT_STYLES: Final = {"forbidden": "bad", "unknown": "bad", "interesting": "warn", "acceptable": "good"}


def _state_row(label: str, verdict: str, note: str, group: Sequence[State]) -> tuple[Cell, ...]:
    count, total = sum(each.count for each in group), group[0].observations
    if count:
        part = Cell(share(count / total), count / total)
    else:
        part = Cell(f"never; below {share(unseen_bound(total))}" if total else "never", 0.0)
    told = states([each.value for each in group])
    style = VERDICT_STYLES.get(verdict, "") if count else "muted"
    return (
        Cell(label),
        Cell(told, state_text(group[0].value)),
        Cell(f"{number(count)} of {number(total)}", count),
        part,
        Cell(": ".join(filter(None, (verdict, note))), None, style),
    )


def swept(header: Header, frames: Frames) -> Table:
    """Return the params that vary, with the values that they have."""
    every = list(frames.params.values())
    fields = {field.name: field for field in header.declaration.params}
    rows = [
        (
            Cell(name),
            Cell(_values(name, every)),
            Cell(fields[name].doc if name in fields else ""),
        )
        for name in varying(every)
    ]
    return Table(
        key="varied",
        caption="What was varied",
        headings=(Heading("param"), Heading("values"), Heading("meaning")),
        rows=tuple(rows),
    )


def fixed(header: Header, frames: Frames) -> Table:
    """Return the params that are the same in all cases."""
    every = list(frames.params.values())
    differing = set(varying(every))
    rows = [
        (Cell(field.name), Cell(_values(field.name, every)), Cell(field.doc))
        for field in header.declaration.params
        if field.name not in differing and every
    ]
    return Table(
        key="fixed",
        caption="What was the same in all cases",
        headings=(Heading("param"), Heading("value"), Heading("meaning")),
        rows=tuple(rows),
    )


_MOST_VALUES: Final = 12


def _values(name: str, cases: Iterable[Mapping[str, Scalar]]) -> str:
    distinct = list(dict.fromkeys(params.get(name) for params in cases))
    shown = [label_of({"": value}, [""]).strip() for value in distinct[:_MOST_VALUES]]
    more = f" … ({number(len(distinct))} values)" if len(distinct) > _MOST_VALUES else ""
    return ", ".join(shown) + more
