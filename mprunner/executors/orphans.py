"""Processes that bear the mark of a run: those that a dead launcher left, and those that an earlier run left.

Every launcher is started with a mark in its environment, and all that comes of its trials inherits it: who the
runner is (its process id, and when that process started, so that a later one with the same id is another), and
which launcher. What the mark can't tell of: a process that was executed with another environment, or that has
overwritten its own; one that this user may not look at; and any on a system without /proc.
"""

import os
import secrets
import signal
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final

from mprunner.errors import OrphansError
from mprunner.worker.containment import all_processes, command_of, is_zombie, kill, proc, stat

MARK: Final = "MPRUNNER_RUN"
"""The environment variable that holds the mark."""

GRACE_S: Final = 3.0
"""How long the launcher of a runner that has just died may take to end its trial."""

END_LIMIT_S: Final = 5.0
"""How long ending the processes of a dead launcher may take."""

MAX_COMMAND: Final = 80
"""How much of a command line is shown."""

_STARTED_AT = 19  # the place of a process's start in /proc/PID/stat, in clock ticks, after its name


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process that an earlier run left behind."""

    pid: int
    command: str


def new_mark() -> str:
    """Return a mark for a launcher that this process is about to start."""
    me = os.getpid()
    return f"{me}:{_start_of(me)}:{secrets.token_hex(8)}"


def end_marked(mark: str) -> tuple[int, ...]:
    """Kill every process that bears a launcher's mark.

    Returns:
        the ids of those that are still there after a while, which this user may not kill.
    """
    until = monotonic() + END_LIMIT_S
    clear = 0
    while clear < 2:  # a process that is just becoming another program shows no environment for a moment
        left = _marked(lambda found: found == mark)
        if monotonic() > until:
            return tuple(left)
        clear = 0 if left else clear + 1
        for pid in left:
            _kill(pid, mark)
        sleep(0.005)
    return ()


def find_orphans(*, refuse: bool) -> tuple[Orphan, ...]:
    """Find the processes that runs left whose runner is gone; a launcher that is just cleaning up is waited for.

    Raises:
        OrphansError: there are some, and they are to be refused.
    """
    until = monotonic() + GRACE_S
    while (left := _marked(_is_of_a_dead_runner)) and monotonic() < until:
        sleep(0.02)
    orphans = tuple(Orphan(pid, command_of(pid)) for pid in left)
    if orphans and refuse:
        count = "a process" if len(orphans) == 1 else f"{len(orphans)} processes"
        each = ", ".join(f"{orphan.pid} ({_shortened(orphan.command)})" for orphan in orphans)
        pids = " ".join(str(orphan.pid) for orphan in orphans)
        raise OrphansError(
            f"an earlier run left {count}: {each}, which would disturb what is measured",
            f"end what it left with `kill -9 {pids}`, or measure beside it with --beside-orphans",
        )
    return orphans


def _shortened(command: str) -> str:
    return command if len(command) <= MAX_COMMAND else f"{command[:MAX_COMMAND]}…"


def _marked(wanted: Callable[[str], bool]) -> list[int]:
    """Return the living processes of this process's namespace whose mark is wanted."""
    return [
        pid
        for pid in all_processes()
        if (mark := _mark_of(pid)) is not None and wanted(mark) and not is_zombie(pid) and _is_near(pid)
    ]


def _mark_of(pid: int) -> str | None:
    prefix = f"{MARK}=".encode()
    marks = (item for item in proc(pid, "environ").split(b"\0") if item.startswith(prefix))
    mark = next(marks, None)
    return None if mark is None else mark[len(prefix) :].decode(errors="replace")


def _is_near(pid: int) -> bool:
    """Whether a process shares our process ids; the runner of one in another container can't be looked up."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
    except OSError:
        return False


def _is_of_a_dead_runner(mark: str) -> bool:
    runner, _, rest = mark.partition(":")
    started_at, _, _ = rest.partition(":")
    return runner.isdigit() and (is_zombie(int(runner)) or _start_of(int(runner)) != started_at)


def _start_of(pid: int) -> str:
    return next(iter(stat(pid)[_STARTED_AT : _STARTED_AT + 1]), "")


def _kill(pid: int, mark: str) -> None:
    """Kill a process if it is still the one that bears the mark."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except OSError:  # a kernel or a sandbox without pidfd
        kill(pid)
        return
    try:
        if _mark_of(pid) == mark:  # read after opening: if the id has a new owner, the handle's is gone
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:  # it is gone, or not ours to kill
        pass
    finally:
        os.close(handle)
