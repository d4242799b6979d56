"""The journal: an append-only log of a run, from which everything else is derived.

A line (see :mod:`mprunner.runs.journal_reader`) is an object with one key that says what it is: ``header`` (the first
line, and no other), ``started`` (an attempt), ``ended`` (a record) or ``resumed`` (another session of the same run).
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

from mprunner.errors import ResultsError
from mprunner.model.provenance import Header, Session
from mprunner.model.records import Attempt, Record, fields_by_name
from mprunner.runs.atomic import opened, sync_folder, unwritable
from mprunner.runs.journal_reader import Reading, TrialStates, cut_off, line_of, read_journal

LOCK_PATIENCE_S: Final = 0.3
"""How long a lock is waited for: a command that looks whether a runner holds the journal holds it for an instant."""

_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class RunGoneError(ResultsError):
    """The folder of a run was moved or removed while it was executed."""


class Journal:
    """The journal of a run that is being executed, held against every other runner until it is closed.

    Guarantees:
        - when :meth:`ended` returns, its record survives a crash of the program and of the machine;
        - half a line is cut off again, and nothing is ever glued to one;
        - an attempt that the end of an earlier runner cut off is recorded as lost once the next attempt of its
          trial has been started: whatever happens then, the trial's last attempt says whether it is missing.

    Attributes:
        header: its first line.
        cut_off: by trial id, the attempts that earlier runners left without an end.
    """

    def __init__(self, path: Path, flags: int = 0) -> None:
        self.header: Header
        self.cut_off: dict[str, list[Attempt]] = {}
        self._path = path
        self._torn_at: int | None = None
        self._earlier_bytes = 0
        self._fd = _opened(path, os.O_RDWR | os.O_APPEND | flags)

    @classmethod
    def create(cls, path: Path, header: Header) -> Self:
        """Begin the journal of a new run.

        Raises:
            ResultsError: there is one already, or it can't be written.
        """
        journal = cls(path, os.O_CREAT | os.O_EXCL)
        try:
            journal.header = header
            journal._append({"header": header.to_json()}, sync=True)
            sync_folder(path.parent)
        except BaseException:
            journal.close()
            with suppress(OSError):
                path.unlink()  # without its header it is no journal
            raise
        return journal

    @classmethod
    def reopen(cls, path: Path, trial_states: TrialStates | None = None) -> Self:
        """Go on with a journal, after cutting off what a crash left of its last line.

        Args:
            path: the journal.
            trial_states: learn what every trial came to.

        Raises:
            ResultsError: another runner holds it, it is damaged before its end, or it can't be written.
        """
        journal = cls(path)
        try:
            found = read_journal(path, trial_states)
            if found.torn_bytes:
                journal._cut(found.whole_bytes)
        except BaseException:
            journal.close()
            raise
        journal.header = found.header
        journal._earlier_bytes = found.whole_bytes
        for attempt in found.unfinished:
            journal.cut_off.setdefault(attempt.trial_id, []).append(attempt)
        return journal

    def earlier_records(self) -> Iterator[Record]:
        """Read from the file what earlier runners recorded, one by one.

        Raises:
            ResultsError: see :meth:`Reading.records`.
        """
        return Reading(self._path, limit=self._earlier_bytes).records() if self._earlier_bytes else iter(())

    def resumed(self, session: Session) -> None:
        """Note that another session begins.

        Raises:
            ResultsError: it can't be written.
        """
        self._append({"resumed": fields_by_name(session)}, sync=True)

    def started(self, attempt: Attempt) -> None:
        """Note that an attempt is about to be executed; not synced, since losing it loses no result.

        Raises:
            RunGoneError: the journal is no longer where it was: what is written to it could not be found.
            ResultsError: it can't be written.
        """
        self._refuse_gone()
        self._append({"started": fields_by_name(attempt)}, sync=False)
        for earlier in self.cut_off.pop(attempt.trial_id, ()):
            self.ended(cut_off(earlier))

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
        try:
            line = line_of(entry)
        except ValueError as error:
            raise ResultsError(f"{self._path}: a record can't be written as JSON: {error}") from error
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

    def _refuse_gone(self) -> None:
        here = os.fstat(self._fd)
        try:
            if os.path.samestat(here, os.stat(self._path)):
                return
        except OSError:
            pass
        what, hint = ("removed", "start a new run")
        if here.st_nlink > 0:
            what, hint = ("moved", "find it: `mprunner resume FOLDER` executes the rest")
        folder = self._path.parent
        raise RunGoneError(
            f"{folder} was {what} while the run was executed; no more trials are executed", hint
        )

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
        fd = os.open(path, flags, 0o666) if flags & os.O_CREAT else opened(path, flags)
    except FileExistsError as error:
        raise ResultsError(f"{path} exists already", "results are never overwritten") from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        _lock(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _lock(fd: int, path: Path) -> None:
    until = monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise unwritable(path, error) from error
            if monotonic() >= until:
                raise ResultsError(
                    f"{path}: another runner is using this run", "wait until it ends, or interrupt it"
                ) from error
        sleep(0.01)
