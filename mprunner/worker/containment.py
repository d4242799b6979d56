"""Keeping hold of every process of a trial, and ending them all.

- ``subreaper`` (Linux): orphans of the trial become children of the launcher, whatever session or group they
  moved to. Killing goes on until ``wait`` says that no child is left: the kernel's word that the tree is empty.
- ``process-group`` (elsewhere): the worker leads a group of its own, which is killed. A process that leaves the
  group escapes.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mprunner.worker.processes import descendants, is_zombie, kill, kill_group, may_be_tracker

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36

TRACKER_GRACE_S: Final = 1.0
"""How long multiprocessing's resource tracker may take to clean up before it is killed, in seconds."""

_KIB = 1024 if sys.platform == "linux" else 1  # the unit of ru_maxrss
_KILL: Final = int(signal.SIGKILL)  # an enum's pages would be copied in every worker
_prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
if _prctl is not None:
    _prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


@dataclass(slots=True)
class Usage:
    """CPU time and peak memory of the processes reaped so far."""

    user_s: float = 0.0
    system_s: float = 0.0
    max_rss_bytes: int = 0


def prctl(option: int, value: int) -> None:
    """Call prctl(2).

    Raises:
        OSError: the kernel refused.
    """
    assert _prctl is not None  # Linux has it
    if _prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def contain(wanted: str | None) -> str:
    """Make this process the keeper of its trials and return the containment that holds.

    Raises:
        OSError: the containment that was asked for can't be had here.
    """
    if wanted == "process-group" or (wanted is None and sys.platform != "linux"):
        return "process-group"
    try:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    except OSError:
        if wanted is not None:
            raise
        return "process-group"
    return "subreaper"


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends (Linux)."""
    if sys.platform == "linux":
        prctl(PR_SET_PDEATHSIG, _KILL)
        if os.getppid() != parent:
            os._exit(1)


class Keeper:
    """Reaps the processes of one trial and, at its end, kills those that are left.

    Attributes:
        worker: the trial's first process.
        status: the worker's wait status once it has ended.
        usage: what all processes reaped so far have used.
        empty: whether no process of the trial is left.
    """

    def __init__(self, worker: int, containment: str, wake: int) -> None:
        self.worker = worker
        self.status: int | None = None
        self.usage = Usage()
        self.empty = False
        self._subreaper = containment == "subreaper"
        self._wake = wake

    def reap(self) -> None:
        """Collect every process that has ended, so that zombies never pile up."""
        while not self.empty:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self.empty = True
                return
            if pid == 0:
                return
            if pid == self.worker:
                self.status = status
            self.usage.user_s += used.ru_utime
            self.usage.system_s += used.ru_stime
            self.usage.max_rss_bytes = max(self.usage.max_rss_bytes, used.ru_maxrss * _KIB)

    def end(self, helpers: Sequence[int] = ()) -> int:
        """Kill all that is left of the trial and return how many processes that were.

        multiprocessing's own ``helpers``, the resource tracker first, are not counted. The tracker may end by
        itself, within a second: it removes the semaphores and the shared memory that the trial left behind.
        """
        self.reap()
        if not self._subreaper:
            return self._end_group()
        spare_tracker_until = time.monotonic() + TRACKER_GRACE_S
        tracker = helpers[0] if helpers else 0
        killed: set[int] = set()
        while not self.empty:
            for pid in list(descendants(os.getpid())):
                if time.monotonic() < spare_tracker_until and (pid == tracker or may_be_tracker(pid)):
                    continue
                if not is_zombie(pid):
                    killed.add(pid)
                kill(pid)
            self._wait_for_child(0.01)
            self.reap()
        return len(killed.difference(helpers))

    def _end_group(self) -> int:
        """Kill the worker's group; its members can be killed, but neither counted nor waited for."""
        while not self.empty:
            kill_group(self.worker)
            self._wait_for_child(0.01)
            self.reap()
        return int(kill_group(self.worker))

    def _wait_for_child(self, seconds: float) -> None:
        if select.select([self._wake], [], [], seconds)[0]:
            drain(self._wake)


def drain(wake: int) -> None:
    """Empty the non-blocking descriptor that signals write to."""
    try:
        while len(os.read(wake, 4096)) == 4096:
            pass
    except BlockingIOError:
        pass
