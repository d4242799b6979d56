"""The table of processes, as /proc shows it; where there is none, every look finds nothing."""

import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below ``pid``, as far as they can be seen at this moment."""
    for child in _children(pid):
        yield child
        yield from descendants(child)


def has_more_below(pid: int, most: int) -> bool:
    """Whether more than ``most`` processes are below ``pid``; no more are looked at than that takes."""
    return next(islice(descendants(pid), most, None), None) is not None


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    try:
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        if (tasks / str(pid)).exists():  # the process is there: this kernel doesn't list children
            return _children_by_scan(pid)
        return []


def _children_by_scan(pid: int) -> list[int]:
    return [number for number in all_processes() if stat(number)[1:2] == [str(pid)]]


def all_processes() -> list[int]:
    """Return the ids of all processes."""
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except FileNotFoundError:
        return []


def stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the process's name (its state first), or none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def status(pid: int) -> dict[str, str]:
    """Return the fields of /proc/PID/status by name, or none."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


def command_of(pid: int) -> str:
    """Return a process's command line, or its name where it has none; empty once it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        line = b" ".join(words).strip() or Path(f"/proc/{pid}/comm").read_bytes().strip()
    except OSError:
        return ""
    return line.decode(errors="backslashreplace")


def is_zombie(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    return stat(pid)[:1] in (["Z"], ["X"], [])


def may_be_tracker(pid: int) -> bool:
    """Whether this is a resource tracker, or a process that is just becoming another program, perhaps one."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return b"multiprocessing.resource_tracker" in command or (not command and not is_zombie(pid))


def kill(pid: int) -> None:
    """Kill a process, if it is there and may be killed."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def kill_group(group: int) -> bool:
    """Kill a process group and return whether there was one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True
