"""Reading a journal, front to back; what it consists of says :mod:`mprunner.journal`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mprunner.errors import ResultsError
from mprunner.header import FORMAT, Header, Session
from mprunner.journal_lines import DAMAGE, Line, lines_of
from mprunner.records import Attempt, Ending, Record, Status
from mprunner.standing import Standings


class Reading:
    """A journal that is being read, once; the memory needed does not grow with the number of records.

    A last line without its line end is what a crash leaves, and is ignored.

    Attributes:
        header: its first line.
        sessions: the invocations of mprunner that executed what has been read so far, in order; the first is the
            header's.
        whole_bytes: the size of the whole lines that have been read.
        torn_bytes: the size of what a crash left of a last line; it is not part of what was recorded.
    """

    def __init__(self, path: Path, standings: Standings | None = None, limit: int | None = None) -> None:
        """Read the header.

        Args:
            path: the journal.
            standings: learn where every trial stands; they do grow with the number of trials.
            limit: the number of bytes after which reading ends; None for all there are.

        Raises:
            ResultsError: it can't be read, or has no header.
        """
        self._lines = lines_of(path, limit)
        first = next(self._lines, None)
        if first is None or not first.is_whole:
            raise ResultsError(f"{path} has no header", "the run was ended before it began: start it anew")
        self.header = header = _header(first)
        self.sessions = [Session(python=header.python, host=header.host, conditions=header.conditions)]
        self.whole_bytes = len(first.text)
        self.torn_bytes = 0
        self._unfinished: dict[tuple[str, int], Attempt] = {}
        self._records = 0
        self._standings = standings

    @property
    def unfinished(self) -> tuple[Attempt, ...]:
        """The attempts that were started and not ended in what has been read, in the order of their start."""
        return tuple(self._unfinished.values())

    def records(self) -> Iterator[Record]:
        """Read the records, one by one, in the order in which they ended.

        Raises:
            ResultsError: the file can't be read, or is damaged before its end; the message names line and byte.
        """
        for line, value in self.ended():
            try:
                record = Record.from_json(value)
            except DAMAGE as error:
                raise line.damaged(error) from error
            yield record

    def ended(self) -> Iterator[tuple[Line, Any]]:
        """Read the records as they stand there, each with its line.

        Raises:
            ResultsError: as for :meth:`records`.
        """
        for line in self._lines:
            if not line.is_whole:
                self.torn_bytes = len(line.text)
                return
            try:
                kind, value = line.entry()
                self._take(kind, value)
            except DAMAGE as error:
                raise line.damaged(error) from error
            self.whole_bytes += len(line.text)
            if kind == "ended":
                yield line, value

    def cut_off(self) -> Iterator[Record]:
        """Tell of the attempts that have no end, as lost; to be asked when all records have been read."""
        yield from map(cut_off, self.unfinished)

    def _take(self, kind: str, value: Any) -> None:
        """Take in a line after the header, or raise one of what damage raises."""
        if kind == "started":
            attempt = Attempt(**value)
            self._unfinished[attempt.trial_id, attempt.attempt] = attempt
            if self._standings is not None:
                self._standings.started(attempt.trial_id, attempt.attempt)
        elif kind == "ended":
            attempt_value, status = value["attempt"], value["status"]
            trial_id, number = attempt_value["trial_id"], attempt_value["attempt"]
            self._unfinished.pop((trial_id, number), None)
            self._records += 1
            if self._standings is not None:
                self._standings.ended(trial_id, number, status)
        elif kind == "resumed":
            self.sessions.append(Session(**value, first_record=self._records))
        else:
            raise ValueError(f"a line of the kind {kind!r} has no place there")


def cut_off(attempt: Attempt) -> Record:
    """Return the record of an attempt that was started and whose runner ended before it."""
    message = "mprunner was ended while it was executed"
    return Record(
        attempt=attempt,
        status=Status.LOST,
        ending=Ending(malformed=message),
        containment=None,
        started_at=None,
    )


def _header(line: Line) -> Header:
    try:
        kind, value = line.entry()
        if kind != "header":
            raise ValueError("the first line is no header")
        if value["format"] == FORMAT:
            return Header.from_json(value)
        format_ = value["format"]
    except DAMAGE as error:
        raise line.damaged(error) from error
    raise ResultsError(
        f"{line.path} is in format {format_}, and this mprunner reads format {FORMAT}",
        "use the version of mprunner that wrote it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Journaled:
    """What a journal says, as of when it was read; lines that are appended later are not in it.

    Attributes:
        path: of the journal.
        header: its first line.
        sessions: the invocations of mprunner that executed it, in order; the first is the header's.
        unfinished: attempts that were started and never ended, in the order of their start.
        whole_bytes: the size of its whole lines.
        torn_bytes: the size of what a crash left of a last line; it is not part of what was recorded.
    """

    path: Path
    header: Header
    sessions: tuple[Session, ...]
    unfinished: tuple[Attempt, ...]
    whole_bytes: int
    torn_bytes: int

    def records(self) -> Iterator[Record]:
        """Read the records from the file, one by one, in the order in which they ended.

        Raises:
            ResultsError: the file can't be read any more, or a record is not one.
        """
        yield from Reading(self.path, limit=self.whole_bytes).records()


def read_journal(path: Path, standings: Standings | None = None) -> Journaled:
    """Read a journal through, without looking into its records; see :class:`Reading`.

    Args:
        path: the journal.
        standings: learn where every trial stands; they do grow with the number of trials.

    Raises:
        ResultsError: it can't be read, or is damaged before its end; the message names line and byte.
    """
    reading = Reading(path, standings)
    for _ in reading.ended():
        pass
    return Journaled(
        path=path,
        header=reading.header,
        sessions=tuple(reading.sessions),
        unfinished=reading.unfinished,
        whole_bytes=reading.whole_bytes,
        torn_bytes=reading.torn_bytes,
    )
