"""Tables in plain text that fit a width: lines of styled pieces, the same in a file, in a log and on a terminal.

A number is never cut and never wrapped. Where the columns don't fit, first long labels are wrapped, then columns are
left out, those of the least weight first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.text import Text

_GAP = "  "
_LEAST_LABEL = 16
_LEAST_TITLE = 14


class Span(NamedTuple):
    """A piece of a line, and its style on a terminal, as rich names it."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        title: what is in it; it is wrapped between words.
        weight: of the columns that don't fit, those of the smallest weight are left out.
        kind: what is in it, for who chooses among columns; empty where nobody does.
        style: of its cells, as rich names it.
        wraps: whether its cells may be wrapped after a comma.
    """

    title: str
    weight: int
    kind: str = ""
    style: str = ""
    wraps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table.

    Attributes:
        label: what it is about; it is wrapped after a comma.
        cells: one for each column; empty for what is missing.
        mark: what makes it stand out, one character before its label; empty for nothing.
    """

    label: str
    cells: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that belong together.

    Attributes:
        heading: what they have in common; empty for nothing that is worth a line.
        rows: in their order.
    """

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Groups of rows under common columns; ``title`` is that of the labels."""

    title: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all groups."""
        return tuple(row for group in self.groups for row in group.rows)


class Fitted(NamedTuple):
    """The lines of a table, and the titles of the columns that were left out."""

    lines: tuple[Line, ...]
    left_out: tuple[str, ...]


def fit(table: Table, width: int) -> Fitted:
    """Lay a table out in lines of at most ``width`` columns, unless a single word or number is wider."""
    kept = list(range(len(table.columns)))
    while True:
        widths = [_width(table, place) for place in kept]
        label = width - sum(widths) - len(_GAP) * len(kept)
        if label >= _label_width(table) or len(kept) <= 1:
            break
        kept.remove(min(kept, key=lambda place: (table.columns[place].weight, -place)))
    label = min(max(label, _LEAST_LABEL), max(map(len, _labels(table)), default=0))
    left_out = tuple(column.title for place, column in enumerate(table.columns) if place not in kept)
    return Fitted(tuple(_lines(table, kept, widths, label)), left_out)


def _labels(table: Table) -> Iterator[str]:
    marked = any(row.mark for row in table.rows)
    indent = 2 * (marked + any(group.heading for group in table.groups))
    yield table.title
    yield from (indent * " " + row.label for row in table.rows)


def _label_width(table: Table) -> int:
    """Return how narrow the labels may be: half of the longest, and no narrower than their longest part."""
    labels = list(_labels(table))
    parts = max((len(part) + 2 for label in labels for part in label.split(", ")), default=0)
    return max(min(max(map(len, labels), default=0), _LEAST_LABEL), min(parts, 40))


def _width(table: Table, place: int) -> int:
    column = table.columns[place]
    cells = [row.cells[place] for row in table.rows]
    if column.wraps:
        cells = [piece for cell in cells for piece in _wrapped(cell, 0, ", ")]
    words = max(map(len, column.title.split()), default=0)
    own = max(map(len, cells), default=0)
    return max(own, words, min(len(column.title), _LEAST_TITLE))


def _lines(table: Table, kept: Sequence[int], widths: Sequence[int], label: int) -> Iterator[Line]:
    columns = [table.columns[place] for place in kept]
    titles = [_wrapped(column.title, width, " ") for column, width in zip(columns, widths, strict=True)]
    own = _wrapped(table.title, label, " ")
    height = max(map(len, [own, *titles]))
    for n in range(height):  # titles stand on the line below them
        pieces = [_from_below(own, n, height).ljust(label)]
        pieces += [
            _from_below(title, n, height).rjust(width) for title, width in zip(titles, widths, strict=True)
        ]
        yield (Span(_GAP.join(pieces).rstrip(), "dim"),)
    marked = any(row.mark for row in table.rows)
    for group in table.groups:
        if group.heading:
            for line in _wrapped(group.heading, label + sum(widths) + len(_GAP) * len(kept), ", "):
                yield (Span(line, "italic"),)
        indent = "  " if any(each.heading for each in table.groups) else ""
        for row in group.rows:
            yield from _row_lines(row, columns, kept, widths, label, indent, marked=marked)


def _row_lines(
    row: Row,
    columns: Sequence[Column],
    kept: Sequence[int],
    widths: Sequence[int],
    label: int,
    indent: str,
    *,
    marked: bool,
) -> Iterator[Line]:
    lead = f"{indent}{row.mark or ' '} " if marked else indent
    labels = _wrapped(row.label, label - len(lead), ", ")
    cells = [
        _wrapped(row.cells[place], 0, ", ") if column.wraps else [row.cells[place]]
        for column, place in zip(columns, kept, strict=True)
    ]
    for n in range(max(map(len, [labels, *cells]))):
        before = lead if n == 0 else " " * len(lead)
        text = labels[n] if n < len(labels) else ""
        spans = [Span(before, "bold yellow"), Span(text.ljust(label - len(lead)), "bold")]
        for column, cell, width in zip(columns, cells, widths, strict=True):
            spans.append(Span(_GAP + (cell[n] if n < len(cell) else "").rjust(width), column.style))
        yield _stripped(spans)


def _from_below(lines: Sequence[str], n: int, height: int) -> str:
    place = n - (height - len(lines))
    return lines[place] if place >= 0 else ""


def _stripped(spans: Sequence[Span]) -> Line:
    """Return a line without blanks at its end."""
    kept = list(spans)
    while kept and not kept[-1].text.strip():
        kept.pop()
    if kept:
        kept[-1] = kept[-1]._replace(text=kept[-1].text.rstrip())
    return tuple(kept)


def _wrapped(text: str, width: int, after: str) -> list[str]:
    """Break text after ``after`` where it is wider than ``width``; with a width of 0 each part has its own line."""
    lines: list[str] = []
    parts = text.split(after)
    end = after.rstrip()
    for n, part in enumerate(parts):
        piece = part + (end if n < len(parts) - 1 else "")
        if lines and width and len(lines[-1]) + len(after) - len(end) + len(piece) <= width:
            lines[-1] += after[len(end) :] + piece
        else:
            lines.append(piece)
    return lines


def paragraph(text: str, width: int, style: str = "", indent: str = "  ") -> Iterator[Line]:
    """Break a sentence between words; all lines but the first are indented."""
    words = text.lstrip(" ").split(" ")
    line = text[: len(text) - len(text.lstrip(" "))] + words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) > width:
            yield (Span(line, style),)
            line = indent + word
        else:
            line = f"{line} {word}"
    yield (Span(line, style),)


def plain(lines: Iterable[Line]) -> str:
    """Return lines as plain text, without a line end after the last one."""
    return "\n".join("".join(span.text for span in line) for line in lines)


def styled(lines: Iterable[Line]) -> "Text":
    """Return lines in their styles."""
    from rich.text import Text  # noqa: PLC0415 - only on a terminal

    text = Text()
    for n, line in enumerate(lines):
        if n:
            text.append("\n")
        for span in line:
            text.append(span.text, style=span.style)
    return text
