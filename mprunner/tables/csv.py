"""CSV files: cells by the type of their column, files replaced whole or not at all, and rows written as they come."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import pandas as pd

from mprunner.errors import ResultsError
from mprunner.model.declaration import FieldType
from mprunner.model.text import escaped
from mprunner.runs import bytes_written_atomically, unwritable

Columns = Mapping[str, FieldType]
"""The columns of a table in order, and the type of each."""

# Python's own text whatever is installed: pyarrow's refuses lone surrogates, which a message may hold.
DTYPES: Final[Mapping[FieldType, Any]] = {
    "bool": pd.BooleanDtype(),
    "int": pd.Int64Dtype(),
    "float": pd.Float64Dtype(),
    "str": pd.StringDtype("python"),
}
"""The dtype of a column by the type of its values."""
_EXACT: Final[Mapping[FieldType, frozenset[type]]] = {
    "bool": frozenset({bool, type(None)}),
    "int": frozenset({int, type(None)}),
    "float": frozenset({float, type(None)}),
    "str": frozenset({str, type(None)}),
}


def make_frame(columns: Columns, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Make a frame with exact nullable types; what a row does not have is missing.

    Raises:
        ResultsError: a cell is not of its column's type.
    """
    return frame_of(columns, {name: [row.get(name) for row in rows] for name in columns})


def frame_of(columns: Columns, cells: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """Make a frame as :func:`make_frame` does, of the cells of each column."""
    return pd.DataFrame({name: _array(name, type_, cells[name]) for name, type_ in columns.items()})


def _array(name: str, type_: FieldType, values: Sequence[object]) -> "pd.Series[Any]":
    if type_ == "int" and not _fit(values):
        return pd.Series(values, dtype=object)  # no type of pandas holds such a number exactly
    try:
        return pd.Series(pd.array(values, dtype=DTYPES[type_]))
    except (TypeError, ValueError, OverflowError) as error:
        raise ResultsError(
            f"column {name!r}: a value is not of the declared type {type_}: {error}"
        ) from error


def _fit(values: Sequence[object]) -> bool:
    """Whether 64 bits hold each whole number."""
    numbers = [value for value in values if isinstance(value, int)]
    return not numbers or (min(numbers) >= -(2**63) and max(numbers) < 2**63)


def csv_cells(name: str, type_: FieldType, values: Sequence[object]) -> Sequence[object]:
    """Return cells of which csv makes the text that a column of a frame of these values has.

    Raises:
        ResultsError: a value is not of the type.
    """
    if not _EXACT[type_].issuperset(map(type, values)):  # such as a whole number among floats
        return csv_cells_of(_array(name, type_, values))
    return _safe(values) if type_ == "str" else values


def csv_cells_of(column: "pd.Series[Any]") -> Sequence[object]:
    """Return cells of which csv makes the text that ``to_csv`` makes of the column, in less time."""
    cells = plain_cells(column)
    return _safe(cells) if isinstance(column.dtype, pd.StringDtype) else cells


def plain_cells(column: "pd.Series[Any]") -> list[Any]:
    """Return the cells of a column as Python's own values, None for missing ones; pandas is slow cell by cell."""
    cells: list[Any] = column.array.to_numpy(dtype=object, na_value=None).tolist()
    return cells


def _safe(texts: Sequence[object]) -> Sequence[object]:
    together = "".join(text for text in texts if isinstance(text, str))
    if escaped(together) == together:  # as most texts are: one look at all of them is enough
        return texts
    return [escaped(text) if isinstance(text, str) else None for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """A table that has been written.

    Attributes:
        rows: how many it has, without the header.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal digits.
    """

    rows: int
    size: int
    sha256: str


Write = Callable[[Path], CsvFile]
"""Writes one table to a path."""

_CHUNK: Final = 10_000
"""Rows that are text at one time: the memory that writing takes does not grow with the table."""


class Hashing:
    """A file that is written front to back, with the size and the hash of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Write some more."""
        self._file.write(data)
        self._digest.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """The hash so far, in hexadecimal digits."""
        return self._digest.hexdigest()


def text_of(rows: Iterable[Iterable[object]]) -> bytes:
    """Return rows of cells as lines of CSV."""
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


@contextmanager
def csv_file(path: Path, columns: Iterable[object]) -> Iterator[Hashing]:
    """Open a table that has its header already, and takes the place of ``path`` when the block has ended well.

    Raises:
        ResultsError: it can't be written; ``path`` is as it was.
    """
    with bytes_written_atomically(path) as file:
        hashing = Hashing(file)
        hashing.write(text_of([columns]))
        yield hashing


def write_csv(frame: pd.DataFrame, path: Path) -> CsvFile:
    """Write a frame's table; ``path`` is replaced whole or not at all.

    Raises:
        ResultsError: it can't be written.
    """
    with csv_file(path, frame.columns) as file:
        for start in range(0, len(frame), _CHUNK):
            chunk = frame.iloc[start : start + _CHUNK]
            file.write(text_of(zip(*(csv_cells_of(chunk[name]) for name in chunk), strict=True)))
    return CsvFile(rows=len(frame), size=file.size, sha256=file.sha256)


class StreamedTable:
    """A table that is written record by record, and takes the place of its file when it is finished."""

    def __init__(self, path: Path, columns: Columns) -> None:
        """Begin a table beside the one that ``path`` holds.

        Raises:
            ResultsError: nothing can be written there.
        """
        self._path = path
        self._columns = columns
        self._rows = 0
        self._context = ExitStack()
        self._file = self._context.enter_context(csv_file(path, columns))

    def add(self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object]) -> None:
        """Write the rows of the next record; ``same`` is what they have in common.

        Raises:
            ResultsError: a value is not of its column's type, or the disk is full.
        """
        if not rows:
            return
        text = text_of(zip(*self._cells(rows, same), strict=True))
        try:
            self._file.write(text)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._rows += len(rows)

    def _cells(
        self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object]
    ) -> Iterator[Sequence[object]]:
        for name, type_ in self._columns.items():
            if name in same:
                yield [*csv_cells(name, type_, [same[name]])] * len(rows)
            else:
                yield csv_cells(name, type_, [row.get(name) for row in rows])

    def finish(self, path: Path) -> CsvFile:
        """Put the table in the place of ``path``, the one that it was begun for.

        Raises:
            ResultsError: it can't be written; ``path`` is as it was.
        """
        self._context.close()
        return CsvFile(rows=self._rows, size=self._file.size, sha256=self._file.sha256)

    def discard(self) -> None:
        """Leave the old table, unless this one is finished."""
        abandoned = ResultsError("a table was not finished")  # what is raised within leaves the old file
        with suppress(ResultsError):  # an error that ended the writing is reported where it was raised
            self._context.__exit__(ResultsError, abandoned, None)


class StreamedTables:
    """The tables of one run that are written while its journal is read; those not finished are discarded."""

    def __init__(self, folder: Path) -> None:
        self._tables: dict[str, StreamedTable] = {}
        self._folder = folder

    def __call__(self, name: str, columns: Columns) -> StreamedTable:
        """Begin a table.

        Raises:
            ResultsError: nothing can be written in the folder.
        """
        self._tables[name] = StreamedTable(self._folder / f"{name}.csv", columns)
        return self._tables[name]

    def writers(self) -> dict[str, Write]:
        """Return what finishes each table."""
        return {name: table.finish for name, table in self._tables.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for table in self._tables.values():
            table.discard()
