"""Cases as a table of rows and columns, where they are every combination of some values: shorter than a list."""

from collections.abc import Callable, Mapping, Sequence

from mprunner.model.provenance import Header
from mprunner.model.records import label_of
from mprunner.model.text import LINE_WIDTH, printable
from mprunner.report.cells import CaseValues, Compared, Kind, cases_table
from mprunner.report.labels import Labels, names_in
from mprunner.report.layout import Column, Group, Row, Table, fit
from mprunner.tables import Frames

LEAST_CASES = 6
"""Of fewer cases a list is as short, and tells more of each."""
MOST_COLUMNS = 8
LEAST_FILLED = 0.75
"""So many of the cells have a case: what can't be, as interpreters on an older Python, leaves some out."""


def pivots_of(
    header: Header,
    frames: Frames,
    values: Mapping[str, CaseValues],
    labels: Labels,
    compared: Compared | None,
    marks: Mapping[str, str],
    most_rows: int,
) -> tuple[Table, ...]:
    """Return a table for each number that matters, with rows and columns of cases; none where a list is better.

    The cases must be nearly every combination of the values of one param, the columns, with those of the others, the
    rows: six cases or more in two rows and two columns or more. The last param that varies fastest becomes the
    columns.

    Args:
        header: of the run's journal.
        frames: its tables.
        values: what is known of each case.
        labels: how its cases are named.
        compared: how they compare with their baselines; None where they don't.
        marks: by case id, what makes a case stand out.
        most_rows: of a table.
    """
    if len(labels.whole) < LEAST_CASES:
        return ()
    named = {case: names_in(frames.labels[case], frames.effective[case]) for case in labels.whole}
    for name in reversed(named[next(iter(named))]):
        found = _product(name, named, frames)
        if found is not None and len(found[0]) <= most_rows and len(found[1]) <= MOST_COLUMNS:
            listed, _ = cases_table(header, frames, values, labels, compared, list(labels.whole), marks)
            tables = _tables(listed, labels, marks, *found, name)
            if not any(fit(table, LINE_WIDTH).left_out for table in tables):
                return tables
    return ()


_Cells = Mapping[tuple[str, str], str]
_WANTED = {Kind.FAILED, Kind.AFFECTED, Kind.COMPARED, Kind.RATIO}
"""The numbers that matter; where no duration is among them also the first other one that the summary names."""


def _product(
    name: str, named: Mapping[str, Sequence[str]], frames: Frames
) -> tuple[list[str], list[str], _Cells] | None:
    """Return the rows, the columns and the case of each cell; None if many cells have none, or one several."""
    cells: dict[tuple[str, str], str] = {}
    for case, names in named.items():
        params = frames.effective[case]
        if name not in names:
            return None
        row = label_of(params, [each for each in names if each != name])
        column = label_of(params, [name]).removeprefix(f"{name} ")
        if not row or (row, column) in cells:
            return None
        cells[row, column] = case
    rows, columns = (list(dict.fromkeys(key[n] for key in cells)) for n in (0, 1))
    is_full = len(cells) >= LEAST_FILLED * len(rows) * len(columns)
    return (rows, columns, cells) if is_full and len(rows) > 1 and len(columns) > 1 else None


def _tables(
    listed: Table,
    labels: Labels,
    marks: Mapping[str, str],
    rows: Sequence[str],
    columns: Sequence[str],
    cells: _Cells,
    name: str,
) -> tuple[Table, ...]:
    by_case = dict(zip((case for group in labels.groups for case in group), listed.rows, strict=True))
    wanted = [place for place, column in enumerate(listed.columns) if column.kind in _WANTED]
    if not any(listed.columns[place].kind in (Kind.COMPARED, Kind.RATIO) for place in wanted):
        wanted += [place for place in range(len(listed.columns)) if place not in wanted][:1]
    tables = []
    for place in sorted(wanted):
        column = listed.columns[place]

        def cell(case: str, place: int = place, kind: str = column.kind) -> str:
            text = by_case[case].cells[place]
            return f"! {text}" if text and case in marks and kind != Kind.RATIO else text

        tables.append(_table(column.title, name, rows, columns, cells, cell))
    return tuple(tables)


def _table(
    title: str,
    name: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: _Cells,
    cell: Callable[[str], str],
) -> Table:
    return Table(
        title=title,
        columns=tuple(
            Column(title=printable(f"{name} {column}"), weight=len(columns) - place)
            for place, column in enumerate(columns)
        ),
        groups=(
            Group(
                heading="",
                rows=tuple(
                    Row(
                        label=printable(row),
                        cells=tuple(
                            cell(cells[row, column]) if (row, column) in cells else "" for column in columns
                        ),
                    )
                    for row in rows
                ),
            ),
        ),
    )
