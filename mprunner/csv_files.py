"""CSV files of tables: UTF-8 with LF line ends, replaced whole or not at all.

A missing value is an empty cell, a float is the shortest text that reads back as the same bits, and text is written
with backslash escapes for what would split a row (see :mod:`mprunner.escapes`).
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import BinaryIO, Final

import pandas as pd

from mprunner.cells import Columns, columns_of_frame, csv_cells_of
from mprunner.durable import bytes_written_atomically


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """A table that has been written.

    Attributes:
        columns: its columns and their types.
        rows: how many it has, without the header.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal digits.
    """

    columns: Columns
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
def csv_file(path: Path, columns: Columns) -> Iterator[Hashing]:
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
    columns = columns_of_frame(frame)
    with csv_file(path, columns) as file:
        for start in range(0, len(frame), _CHUNK):
            chunk = frame.iloc[start : start + _CHUNK]
            file.write(text_of(zip(*(csv_cells_of(chunk[name]) for name in chunk), strict=True)))
    return CsvFile(columns=columns, rows=len(frame), size=file.size, sha256=file.sha256)
