"""Tables written while the journal is read, in memory that does not grow with them.

Which records are their trials' last, and where each stands in the plan, is known only when all have been read. Until
then the text of a table waits in a file without a name, which nothing is left of when the process ends, however it
does; then the pieces that count are put in order.
"""

import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from mprunner.cells import Columns, csv_cells
from mprunner.csv_files import CsvFile, Hashing, Write, csv_file, text_of
from mprunner.durable import unwritable
from mprunner.errors import ResultsError

_BLOCK: Final = 1 << 20
"""Bytes that are copied at one time."""


class Spool:
    """The rows of one table, record by record, until it can be written."""

    def __init__(self, path: Path, columns: Columns) -> None:
        """Begin a table.

        Args:
            path: where it will be written; until then it needs as much space in the same folder once more.
            columns: what it consists of.

        Raises:
            ResultsError: nothing can be written there.
        """
        self.columns = columns
        self._path = path
        self._sizes = array("q")
        self._rows = array("q")
        try:
            self._file = TemporaryFile(dir=path.parent, buffering=_BLOCK)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise unwritable(path, error) from error

    def add(self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object]) -> None:
        """Take in the rows of the next record; ``same`` is what they have in common.

        Raises:
            ResultsError: a value is not of its column's type, or the disk is full.
        """
        text = text_of(zip(*self._cells(rows, same), strict=True)) if rows else b""
        try:
            self._file.write(text)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._sizes.append(len(text))
        self._rows.append(len(rows))

    def _cells(
        self, rows: Sequence[Mapping[str, object]], same: Mapping[str, object]
    ) -> Iterator[Sequence[object]]:
        for name, type_ in self.columns.items():
            if name in same:
                yield [*csv_cells(name, type_, [same[name]])] * len(rows)
            else:
                yield csv_cells(name, type_, [row.get(name) for row in rows])

    def write(self, kept: NDArray[np.intp], path: Path) -> CsvFile:
        """Write the table of some records, given by their numbers from 0, in this order.

        Raises:
            ResultsError: it can't be written; ``path`` is as it was.
        """
        sizes, rows = (np.frombuffer(each, dtype=np.int64) for each in (self._sizes, self._rows))
        ends = np.cumsum(sizes)
        with csv_file(path, self.columns) as file:
            self._file.flush()
            for start, end in _pieces((ends - sizes)[kept], ends[kept]):
                self._copy(start, end, file)
        return CsvFile(columns=self.columns, rows=int(rows[kept].sum()), size=file.size, sha256=file.sha256)

    def _copy(self, start: int, end: int, file: Hashing) -> None:
        while start < end:
            block = os.pread(self._file.fileno(), min(_BLOCK, end - start), start)
            if not block:  # someone has cut the file
                raise ResultsError("what was written of a table is not there any more")
            file.write(block)
            start += len(block)

    def close(self) -> None:
        """Give up what it took on the disk."""
        with suppress(OSError):  # what it can't write any more is of no use to anyone
            self._file.close()


def _pieces(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Join what is next to each other already, which is nearly all: trials end nearly in the order of the plan."""
    breaks = np.flatnonzero(starts[1:] != ends[:-1]) + 1
    firsts = np.concatenate(([0], breaks)) if len(starts) else breaks
    lasts = np.concatenate((breaks, [len(starts)])) - 1 if len(starts) else breaks
    yield from zip(starts[firsts].tolist(), ends[lasts].tolist(), strict=True)


class Spools:
    """The tables of one run that are written while its journal is read."""

    def __init__(self, folder: Path) -> None:
        self._tables: dict[str, Spool] = {}
        self._folder = folder

    def __call__(self, name: str, columns: Columns) -> Spool:
        """Begin a table.

        Raises:
            ResultsError: nothing can be written in the folder.
        """
        self._tables[name] = Spool(self._folder / f"{name}.csv", columns)
        return self._tables[name]

    def writers(self, kept: NDArray[np.intp]) -> dict[str, Write]:
        """Return what writes each table, of these records; to be called before they are closed."""
        return {name: partial(table.write, kept) for name, table in self._tables.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for table in self._tables.values():
            table.close()
