"""The log of a trial, with the stacks in it: a file, since who reads a pipe takes CPU time from the measurement."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from mprunner.worker.containment import command_of, descendants, kill, status

STACKS_BYTES: Final = 1 << 20
"""How much longer a log may be for the stacks that a timeout leaves in it."""


def current_log(log: Path, launcher: str) -> Path:
    """Return where an attempt prints before its log gets its name; one file serves all that print nothing.

    Several launchers have a worker ready at the same time, each with a file of its own.
    """
    return log.with_name(f".current-{launcher}.log")


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


def keep_lost_log(log: Path, launcher: str, limit: int) -> None:
    """Give what a lost attempt has printed its name, before another attempt prints to the same file."""
    current = current_log(log, launcher)
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
    """Gives every attempt of a launcher an empty log, and keeps those that were printed to, cut to ``limit`` bytes.

    ``launcher`` is a name that no other launcher has.
    """

    def __init__(self, launcher: str, limit: int) -> None:
        self._launcher = launcher
        self._limit = limit
        self._path = Path()
        self._fd = -1

    def open(self, log: Path) -> int:
        """Return the descriptor of an empty log."""
        if self._fd < 0:
            self._path = current_log(log, self._launcher)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC
            self._fd = os.open(self._path, flags, 0o644)
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


LIMIT_S: Final = 2.0
"""How long asking all processes of a trial may take."""

ANSWER_LIMIT_S: Final = 0.25
"""How long one process may take to answer."""

_BIT = 1 << (signal.SIGUSR2 - 1)


def write_stacks(worker: int, log_fd: int) -> None:
    """Have every process below this one write its Python stacks to the log; of the others it says why not."""
    if worker not in (below := list(descendants(os.getpid()))):
        _ask(worker)  # it alone: no /proc tells who else would answer
        sleep(0.05)
        return
    until = monotonic() + LIMIT_S
    for pid in below:
        facts = status(pid)
        state = facts.get("State", "Z")[:1]
        if state in "ZX":
            continue
        _say(log_fd, f"mprunner: timeout: process {pid}: {command_of(pid)[:200]}")
        if monotonic() > until:
            _say(log_fd, "  (not asked: asking the others took too long)")
        elif not _mask(facts, "SigCgt") & _BIT:
            _say(log_fd, f"  (it does not show Python stacks; its state is {facts.get('State')})")
        elif state == "T":
            _say(log_fd, "  (it is stopped)")
        else:
            _ask(pid)


def _ask(pid: int) -> None:
    """Send the signal and wait until its handler has returned: it is blocked while the handler is executed."""
    kill(pid, signal.SIGUSR2)
    until = monotonic() + ANSWER_LIMIT_S
    while monotonic() < until:
        sleep(0.000_5)
        facts = status(pid)
        waiting = _mask(facts, "SigPnd") | _mask(facts, "ShdPnd") | _mask(facts, "SigBlk")
        if not waiting & _BIT:
            return


def _mask(facts: Mapping[str, str], name: str) -> int:
    return int(facts.get(name, "0"), 16)


def _say(log_fd: int, line: str) -> None:
    try:
        os.write(log_fd, line.encode(errors="backslashreplace") + b"\n")
    except OSError:  # the disk is full: the stacks may still have room
        pass
