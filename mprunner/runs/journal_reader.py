"""Reading a journal, front to back: its lines, its header, the records between them, and what each trial came to."""

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from mprunner.errors import ResultsError
from mprunner.model.from_json import read_fields
from mprunner.model.provenance import FORMAT, Header, Session
from mprunner.model.records import Attempt, Ending, Record, Status
from mprunner.runs.atomic import decoded, opened

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def line_of(entry: Mapping[str, object]) -> bytes:
    """Return the line that says ``entry``, or raise ValueError if JSON can't."""
    body = _encode(entry).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(body), body)


DAMAGE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a line that is no entry raises."""

LINE_BYTES: Final = 256 << 20
"""The most that a line may have: much more than an experiment or a result ever says."""


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
        ((kind, value),) = decoded(body.decode("ascii")).items()
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
        with open(opened(path), "rb") as file:
            for number, text in enumerate(iter(partial(file.readline, LINE_BYTES), b""), 1):
                if limit is not None and offset >= limit:
                    return
                line = Line(path, number, offset, text)
                if len(text) == LINE_BYTES:
                    raise line.damaged(ValueError(f"it has {LINE_BYTES:,} bytes or more"))
                yield line
                offset += len(text)
    except OSError as error:
        raise ResultsError(f"{path} can't be read: {error.strerror}") from error


class TrialState(NamedTuple):
    """The state of one trial.

    Attributes:
        attempt: the number of its last attempt that was started.
        status: how that ended; None if it has no end.
        lost: how many of its attempts were lost.
    """

    attempt: int
    status: str | None
    lost: int

    def is_settled(self, retries: int) -> bool:
        """Whether the trial needs no further attempt."""
        if self.status == Status.LOST:
            return self.lost > retries
        return self.status is not None and self.status != Status.CANCELLED


_LOST = Status.LOST.value
_NOTHING = TrialState(0, None, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many trials are settled, and how many of those ended in another status than ok."""

    settled: int
    failed: int


class TrialStates(dict[str, TrialState]):
    """The states of trials, by trial id, kept up to date line by line.

    The same state is one object for all trials: of a million, each costs its id and a place in this mapping.
    """

    def __init__(self) -> None:
        self._shared: dict[TrialState, TrialState] = {}

    def started(self, trial_id: str, attempt: int) -> None:
        """Take in the start of an attempt."""
        lost = self.get(trial_id, _NOTHING).lost
        self._put(trial_id, TrialState(attempt, None, lost))

    def ended(self, trial_id: str, attempt: int, status: str) -> None:
        """Take in how an attempt ended, which may not be its trial's last."""
        before = self.get(trial_id, _NOTHING)
        lost = before.lost + (status == _LOST)
        if attempt < before.attempt:
            attempt, status_of_last = before.attempt, before.status
        else:
            status_of_last = status
        self._put(trial_id, TrialState(attempt, status_of_last, lost))

    def _put(self, trial_id: str, trial_state: TrialState) -> None:
        self[trial_id] = self._shared.setdefault(trial_state, trial_state)

    def tally(self, retries: int) -> Tally:
        """Count the trials that are settled, and those of them that failed."""
        settled = [trial_state for trial_state in self.values() if trial_state.is_settled(retries)]
        return Tally(settled=len(settled), failed=sum(each.status != Status.OK for each in settled))


class Reading:
    """A journal that is being read, once; the memory needed does not grow with the number of records.

    A last line without its line end is what a crash leaves, and is ignored.

    Attributes:
        header: its first line.
        session: the invocation of mprunner that executed what has been read last.
        whole_bytes: the size of the whole lines that have been read.
        torn_bytes: the size of what a crash left of a last line; it is not part of what was recorded.
    """

    def __init__(self, path: Path, trial_states: TrialStates | None = None, limit: int | None = None) -> None:
        """Read the header.

        Args:
            path: the journal.
            trial_states: learn what every trial came to; they do grow with the number of trials.
            limit: the number of bytes after which reading ends; None for all there are.

        Raises:
            ResultsError: it can't be read, or has no header.
        """
        self._lines = lines_of(path, limit)
        first = next(self._lines, None)
        if first is None or not first.is_whole:
            raise ResultsError(f"{path} has no header", "the run was ended before it began: start it anew")
        self.header = header = _header(first)
        self.session = Session(python=header.python, host=header.host, conditions=header.conditions)
        self.whole_bytes = len(first.text)
        self.torn_bytes = 0
        self._unfinished: dict[tuple[str, int], Attempt] = {}
        self._trial_states = trial_states
        self._params = {field.name for field in header.declaration.params}

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
                record = read_fields(Record, value)
                self._refuse_unfit(record)
            except DAMAGE as error:
                raise line.damaged(error) from error
            yield record

    def _refuse_unfit(self, record: Record) -> None:
        """Raise ValueError where a record is not one of what the header declares."""
        if record.attempt.params.keys() != self._params:
            raise ValueError("its params are not those that the scenario declares")
        result = record.ending.result
        if result is not None and any(each.count < 0 for each in result.outcomes):
            raise ValueError("it has a count below 0")

    def ended(self) -> Iterator[tuple[Line, Any]]:
        """Read the JSON of each record, with its line.

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
            attempt = read_fields(Attempt, value)
            self._unfinished[attempt.trial_id, attempt.attempt] = attempt
            if self._trial_states is not None:
                self._trial_states.started(attempt.trial_id, attempt.attempt)
        elif kind == "ended":
            attempt_value, status = value["attempt"], value["status"]
            trial_id, number = attempt_value["trial_id"], attempt_value["attempt"]
            if not (isinstance(trial_id, str) and isinstance(number, int) and Status(status)):
                raise TypeError(f"{trial_id!r:.50}, {number!r:.50} names no attempt")
            self._unfinished.pop((trial_id, number), None)
            if self._trial_states is not None:
                self._trial_states.ended(trial_id, number, status)
        elif kind == "resumed":
            self.session = read_fields(Session, value)
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


def read_journal(path: Path, trial_states: TrialStates | None = None) -> Reading:
    """Read a journal through, without looking into its records; see :class:`Reading`.

    Args:
        path: the journal.
        trial_states: learn what every trial came to; they do grow with the number of trials.

    Raises:
        ResultsError: it can't be read, or is damaged before its end; the message names line and byte.
    """
    reading = Reading(path, trial_states)
    for _ in reading.ended():
        pass
    return reading
