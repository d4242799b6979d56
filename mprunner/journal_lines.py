"""The lines of a journal: ``crc32 SP json LF``, eight hexadecimal digits and an object with one key."""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from mprunner.errors import ResultsError

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def line_of(entry: Mapping[str, object]) -> bytes:
    """Return the line that says ``entry``, or raise ValueError if JSON can't."""
    body = _encode(entry).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode

DAMAGE = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading a line that is no entry raises."""


class Line(NamedTuple):
    """A line of a journal and where it is: its number from 1, its offset in bytes from 0."""

    path: Path
    number: int
    offset: int
    text: bytes

    @property
    def is_whole(self) -> bool:
        """Whether it has its line end, the last byte of what was written at once."""
        return self.text.endswith(b"\n")

    def entry(self) -> tuple[str, Any]:
        """Return what kind of line it is, and its value, or raise ValueError."""
        body = self.text[9:-1]
        if self.text[:9] != b"%08x " % zlib.crc32(body):
            raise ValueError("the checksum does not match")
        ((kind, value),) = _decode(body.decode("ascii")).items()
        return kind, value

    def damaged(self, error: Exception) -> ResultsError:
        """Return the error that says where the line is and what is wrong with it."""
        what = f"{error} is missing" if isinstance(error, KeyError) else error
        return ResultsError(
            f"{self.path}: line {self.number}, byte {self.offset}: damaged: {what}",
            "the file is left as it is: restore it from a copy, or start a new run",
        )


def lines_of(path: Path, limit: int | None = None) -> Iterator[Line]:
    """Read lines until the end of the file, or until ``limit`` bytes; the last one may be torn."""
    offset = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if limit is not None and offset >= limit:
                    return
                yield Line(path, number, offset, text)
                offset += len(text)
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
