"""The journal: an append-only log of a run, from which everything else is derived.

A line is ``crc32 SP json LF``: eight hexadecimal digits, then an object with one key that says what the line
is: ``header`` (the first line, and no other), ``started`` (an attempt) or ``ended`` (a record).
"""

import errno
import fcntl
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

from mprunner.declarations import Declaration
from mprunner.durable import sync_folder, unwritable
from mprunner.errors import ResultsError
from mprunner.records import Attempt, Record

FORMAT = 1
"""The format that this module writes, and the only one that it reads."""

_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a run is about: enough to rebuild its tables and its report without the plugin.

    Attributes:
        run_id: identifies the run.
        experiment: the resolved experiment, as JSON.
        declaration: what the scenario declared when the run began.
        planned: how many trials the plan has, warm-up trials included.
        python: the version that executes the trials, such as ``3.12.1``.
        host: the machine's name.
        format: of the journal.
    """

    run_id: str
    experiment: Mapping[str, Any]
    declaration: Declaration
    planned: int
    python: str
    host: str
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back."""
        return _shallow(self) | {"declaration": self.declaration.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Rebuild a header.

        Raises:
            KeyError, TypeError, ValueError: the value is not the JSON form of a header.
        """
        return cls(**{**value, "declaration": Declaration.from_json(value["declaration"])})


class Journal:
    """The journal of a run that is being executed, held against every other runner until it is closed.

    Guarantees:
        - when :meth:`ended` returns, its record survives a crash of the program and of the machine;
        - half a line is cut off again, and nothing is ever glued to one.
    """

    def __init__(self, path: Path, flags: int = 0) -> None:
        self._path = path
        self._torn_at: int | None = None
        self._fd = _opened(path, os.O_RDWR | os.O_APPEND | flags)

    @classmethod
    def create(cls, path: Path, header: Header) -> Self:
        """Begin the journal of a new run.

        Raises:
            ResultsError: there is one already, or it can't be written.
        """
        journal = cls(path, os.O_CREAT | os.O_EXCL)
        try:
            journal._append({"header": header.to_json()}, sync=True)
            sync_folder(path.parent)
        except BaseException:
            journal.close()
            with suppress(OSError):
                path.unlink()  # without its header it is no journal
            raise
        return journal

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Go on with a journal, after cutting off what a crash left of its last line.

        Raises:
            ResultsError: another runner holds it, it is damaged before its end, or it can't be written.
        """
        journal = cls(path)
        try:
            found = read_journal(path)
            if found.torn_bytes:
                journal._cut(found.whole_bytes)
        except BaseException:
            journal.close()
            raise
        return journal

    def started(self, attempt: Attempt) -> None:
        """Note that an attempt is about to be executed; not synced, since losing it loses no result.

        Raises:
            ResultsError: it can't be written.
        """
        self._append({"started": _shallow(attempt)}, sync=False)

    def ended(self, record: Record) -> None:
        """Keep a record for good.

        Raises:
            ResultsError: it can't be written, or holds a number that is not finite; what is whole is kept.
        """
        self._append({"ended": record.to_json()}, sync=True)

    def close(self) -> None:
        """Let other runners have the journal."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, entry: Mapping[str, object], *, sync: bool) -> None:
        line = self._line(entry)
        if self._torn_at is not None:
            self._cut(self._torn_at)
        try:
            written = os.write(self._fd, line)
            if written == len(line):
                if sync:
                    _sync_data(self._fd)
                return
            self._torn_at = os.fstat(self._fd).st_size - written
        except OSError as error:
            raise unwritable(self._path, error) from error
        with suppress(ResultsError):  # it is tried again before anything else is appended
            self._cut(self._torn_at)
        raise ResultsError(
            f"{self._path} can't be written: only {written} of {len(line)} bytes were taken",
            "the disk, your quota or a limit on the size of files is full: free some space",
        )

    def _line(self, entry: Mapping[str, object]) -> bytes:
        try:
            body = _encode(entry).encode("ascii")
        except ValueError as error:
            raise ResultsError(f"{self._path}: a record can't be written as JSON: {error}") from error
        return b"%08x %s\n" % (zlib.crc32(body), body)

    def _cut(self, size: int) -> None:
        try:
            os.ftruncate(self._fd, size)
            os.fsync(self._fd)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._torn_at = None


def _opened(path: Path, flags: int) -> int:
    """Open a journal and lock it; flock's locks end with the process, whatever ends it."""
    try:
        fd = os.open(path, flags, 0o666)
    except FileExistsError as error:
        raise ResultsError(f"{path} exists already", "results are never overwritten") from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            raise ResultsError(
                f"{path}: another runner is using this run", "wait until it ends, or interrupt it"
            ) from error
        raise unwritable(path, error) from error
    return fd


def _shallow(value: Header | Attempt) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# What reading a line that is no record raises.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Journaled:
    """What a journal says, as of when it was read; lines that are appended later are not in it.

    Attributes:
        path: of the journal.
        header: its first line.
        unfinished: attempts that were started and never ended, in the order of their start.
        whole_bytes: the size of its whole lines.
        torn_bytes: the size of what a crash left of a last line; it is not part of what was recorded.
    """

    path: Path
    header: Header
    unfinished: tuple[Attempt, ...]
    whole_bytes: int
    torn_bytes: int

    def records(self) -> Iterator[Record]:
        """Read the records from the file, one by one, in the order in which they ended.

        Raises:
            ResultsError: the file can't be read any more, or a record is not one.
        """
        for line in _lines(self.path, self.whole_bytes):
            try:
                kind, value = line.entry()
                record = Record.from_json(value) if kind == "ended" else None
            except _DAMAGE as error:
                raise line.damaged(error) from error
            if record is not None:
                yield record


def read_journal(path: Path) -> Journaled:
    """Read a journal through, once; the memory needed does not grow with the number of records.

    A last line without its line end is what a crash leaves, and is ignored.

    Raises:
        ResultsError: it can't be read, or is damaged anywhere else; the message names line and byte.
    """
    lines = _lines(path)
    first = next(lines, None)
    if first is None or not first.is_whole:
        raise ResultsError(f"{path} has no header", "the run was ended before it began: start it anew")
    header = _header(first)
    unfinished: dict[tuple[str, int], Attempt] = {}
    whole_bytes, torn_bytes = len(first.text), 0
    for line in lines:
        if not line.is_whole:
            torn_bytes = len(line.text)
            break
        try:
            kind, value = line.entry()
            if kind == "started":
                attempt = Attempt(**value)
                unfinished[attempt.trial_id, attempt.attempt] = attempt
            elif kind == "ended":
                ended = value["attempt"]
                unfinished.pop((ended["trial_id"], ended["attempt"]), None)
            else:
                raise ValueError(f"a line of the kind {kind!r} has no place there")
        except _DAMAGE as error:
            raise line.damaged(error) from error
        whole_bytes += len(line.text)
    return Journaled(
        path=path,
        header=header,
        unfinished=tuple(unfinished.values()),
        whole_bytes=whole_bytes,
        torn_bytes=torn_bytes,
    )


class _Line(NamedTuple):
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


def _header(line: _Line) -> Header:
    try:
        kind, value = line.entry()
        if kind != "header":
            raise ValueError("the first line is no header")
        if value["format"] == FORMAT:
            return Header.from_json(value)
        format_ = value["format"]
    except _DAMAGE as error:
        raise line.damaged(error) from error
    raise ResultsError(
        f"{line.path} is in format {format_}, and this mprunner reads format {FORMAT}",
        "use the version of mprunner that wrote it",
    )


def _lines(path: Path, limit: int | None = None) -> Iterator[_Line]:
    """Read lines until the end of the file, or until ``limit`` bytes; the last one may be torn."""
    offset = 0
    try:
        with path.open("rb") as file:
            for number, text in enumerate(file, 1):
                if limit is not None and offset >= limit:
                    return
                yield _Line(path, number, offset, text)
                offset += len(text)
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error
