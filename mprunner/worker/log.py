"""The log of a trial: a file, not a pipe, since someone who reads along would take CPU time from the measurement."""

import os
from pathlib import Path
from typing import Final

STACKS_BYTES: Final = 1 << 20
"""How much longer a log may be for the stacks that a timeout leaves in it."""


def current_log(log: Path) -> Path:
    """Return where an attempt prints before its log gets its name; one file serves all that print nothing."""
    return log.with_name(".current.log")


def cut_log(log_fd: int, limit: int) -> bool:
    """Cut a log to its limit if it is longer, and say so in it; return whether it was longer."""
    size = os.fstat(log_fd).st_size
    if size <= limit:
        return False
    note = f"\nmprunner: the log is cut here: it had {size:,} bytes, and {limit:,} are kept\n"
    os.ftruncate(log_fd, limit)
    try:
        os.write(log_fd, note.encode())
    except OSError:  # the disk is full
        pass
    return True


def keep_lost_log(log: Path, limit: int) -> None:
    """Give what a lost attempt has printed its name, before another attempt prints to the same file."""
    current = current_log(log)
    try:
        if not current.stat().st_size:
            return
        current.rename(log)
        fd = os.open(log, os.O_WRONLY | os.O_APPEND)
        try:
            cut_log(fd, limit)
        finally:
            os.close(fd)
    except OSError:  # it has printed nothing, or there is no log
        return


class Logs:
    """Gives every attempt an empty log, and keeps those that were printed to, cut to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._path = Path()
        self._fd = -1

    def open(self, log: Path) -> int:
        """Return the descriptor of an empty log."""
        current = current_log(log)
        if self._fd < 0 or self._path != current:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
            self._path, self._fd = current, os.open(current, flags, 0o644)
        return self._fd

    def is_over(self) -> bool:
        """Whether the attempt in hand has printed more than it may."""
        return os.fstat(self._fd).st_size > self._limit

    def keep(self, log: Path, room: int = 0) -> bool:
        """Give the log of an attempt that printed its name; return whether it had printed more than it may.

        Args:
            log: what its log is called.
            room: bytes that it may have beyond that, which mprunner has written.
        """
        if not os.fstat(self._fd).st_size:
            return False
        was_over = cut_log(self._fd, self._limit + room)
        os.close(self._fd)
        self._fd = -1
        self._path.rename(log)
        return was_over

    def close(self) -> None:
        """Remove the log that no trial has printed to."""
        if self._fd >= 0:
            os.close(self._fd)
            self._path.unlink(missing_ok=True)
            self._fd = -1
