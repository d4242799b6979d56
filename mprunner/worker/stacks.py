"""What every process of a trial was doing when its time was up: its Python stacks, in the trial's log.

Python processes of a run answer SIGUSR2 with their stacks (:mod:`mprunner` sees to that when it is imported, and a
forked child inherits it). One is asked after the other, since two that write at once would write into one another.
One that does not catch the signal is not asked: it would die of it and tell nothing.
"""

import os
import signal
import sys
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Final

from mprunner.worker.processes import command_of, descendants, status

LIMIT_S: Final = 2.0
"""How long asking all processes of a trial may take."""

ANSWER_LIMIT_S: Final = 0.25
"""How long one process may take to answer."""

_BIT = 1 << (signal.SIGUSR2 - 1)


def write_stacks(worker: int, log_fd: int) -> None:
    """Have every process below this one write its Python stacks to the log; of the others it says why not."""
    if sys.platform != "linux":
        _ask_blindly(worker)
        return
    until = monotonic() + LIMIT_S
    for pid in list(descendants(os.getpid())):
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
    try:
        os.kill(pid, signal.SIGUSR2)
    except (ProcessLookupError, PermissionError):
        return
    until = monotonic() + ANSWER_LIMIT_S
    while monotonic() < until:
        sleep(0.000_5)
        facts = status(pid)
        waiting = _mask(facts, "SigPnd") | _mask(facts, "ShdPnd") | _mask(facts, "SigBlk")
        if not waiting & _BIT:
            return


def _ask_blindly(worker: int) -> None:
    """Ask the worker alone, where there is no /proc that tells who else would answer."""
    try:
        os.kill(worker, signal.SIGUSR2)
    except (ProcessLookupError, PermissionError):
        return
    sleep(0.05)


def _mask(facts: Mapping[str, str], name: str) -> int:
    return int(facts.get(name, "0"), 16)


def _say(log_fd: int, line: str) -> None:
    try:
        os.write(log_fd, line.encode(errors="backslashreplace") + b"\n")
    except OSError:  # the disk is full: the stacks may still have room
        pass
