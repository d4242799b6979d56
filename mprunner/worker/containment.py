"""Keeping hold of every process of a trial, ending them all, and removing the files that they left."""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from stat import S_ISDIR
from typing import Final


def _sees_processes() -> bool:
    try:  # the /proc of another container has other ids for the same processes, and ours for others
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return False


_SEES_PROCESSES: Final = _sees_processes()
_PROC: Final = "/proc" if _SEES_PROCESSES else "/proc/none"


def descendants(pid: int) -> Iterator[int]:
    """Yield the processes below ``pid``, as far as they can be seen at this moment, however deep they are."""
    left = _children(pid)
    while left:
        yield (child := left.pop())
        left += _children(child)


def has_more_below(pid: int, most: int) -> bool:
    """Whether more than ``most`` processes are below ``pid``; no more are looked at than that takes."""
    return next(islice(descendants(pid), most, None), None) is not None


def _children(pid: int) -> list[int]:
    tasks = Path(f"{_PROC}/{pid}/task")
    try:
        return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        if (tasks / str(pid)).exists():  # the process is there: this kernel doesn't list children
            return [number for number in all_processes() if stat(number)[1:2] == [str(pid)]]
        return []


def all_processes() -> list[int]:
    """Return the ids of all processes."""
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdigit()]
    except FileNotFoundError:
        return []


def proc(pid: int, name: str) -> bytes:
    """Return what a file of /proc/PID says; nothing if the process is gone, or not ours to look at."""
    try:
        with open(f"{_PROC}/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the process's name (its state first), or none."""
    return proc(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def status(pid: int) -> dict[str, str]:
    """Return the fields of /proc/PID/status by name, or none."""
    lines = proc(pid, "status").decode(errors="replace").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def command_of(pid: int) -> str:
    """Return a process's command line, or its name where it has none; empty once it is gone."""
    line = proc(pid, "cmdline").replace(b"\0", b" ").strip() or proc(pid, "comm").strip()
    return line.decode(errors="backslashreplace")


def is_zombie(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    return stat(pid)[:1] in (["Z"], ["X"], [])


def is_tracker(pid: int) -> bool:
    """Whether this is a resource tracker, of multiprocessing or of a library like it, such as loky."""
    return b"resource_tracker" in proc(pid, "cmdline")


def is_becoming(pid: int) -> bool:
    """Whether the process is just becoming another program, perhaps a resource tracker."""
    return not proc(pid, "cmdline") and not is_zombie(pid)


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a process a signal, if it is there and may be signalled."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_group(group: int) -> bool:
    """Kill a process group and return whether there was one."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def remove_tree(root: Path) -> Sequence[str]:
    """Remove a file, a link or a folder and all in it, as far as that can be done; return what is left, and why.

    No link is followed, and nothing is removed behind a mount: the kernel refuses to rename one, be it of the same
    device. So a folder is renamed before it is looked into, to be directly in ``root``, where no nesting is too deep.
    """
    left: list[str] = []
    try:
        with _opened(root.parent) as outside:
            if name := _take(root.name, outside, outside):
                with _opened(name, outside) as top:
                    waiting = ["."]
                    while waiting:
                        _empty(waiting, top, root, left)
                os.rename(name, root.name, src_dir_fd=outside, dst_dir_fd=outside)
                if not left:
                    os.rmdir(root.name, dir_fd=outside)
    except FileNotFoundError:
        pass
    except OSError as error:
        left.append(f"{root}: {error.strerror}")
    return left


def _empty(waiting: list[str], top: int, root: Path, left: list[str]) -> None:
    """Remove the next folder of those that wait in ``top``; the folders in it come to wait there, too."""
    folder, before = waiting.pop(), len(left)
    try:
        with _opened(folder, top) as fd:
            for entry in os.listdir(fd):
                try:
                    if name := _take(entry, fd, top):
                        waiting.append(name)
                except OSError as error:
                    left.append(f"{root / folder / entry}: {error.strerror}")
        if folder != "." and len(left) == before:
            os.rmdir(folder, dir_fd=top)
    except OSError as error:
        left.append(f"{root / folder}: {error.strerror}")


@contextmanager
def _opened(folder: str | Path, within: int | None = None) -> Iterator[int]:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
    try:
        yield fd
    finally:
        os.close(fd)


def _take(entry: str, folder: int, top: int) -> str | None:
    """Remove what is no folder; move a folder to ``top`` with a new name, and return that."""
    mode = os.lstat(entry, dir_fd=folder).st_mode
    if not S_ISDIR(mode):
        os.unlink(entry, dir_fd=folder)
        return None
    name = os.urandom(8).hex()
    if mode & 0o700 != 0o700:  # a scenario may have made it unreadable
        os.rename(
            entry, name, src_dir_fd=folder, dst_dir_fd=folder
        )  # fails for a mount, whose mode must not change
        os.chmod(name, 0o700, dir_fd=folder)
        entry = name
    os.rename(entry, name, src_dir_fd=folder, dst_dir_fd=top)
    return name


class Shared:
    """Removes what a trial leaves in /dev/shm, and nothing of others: shared memory, and semaphores that have a name.

    It is what was not there before the trial, was open or mapped in a process of it, is so in no process that is
    left, and belongs to this user.
    """

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._before = _in_shm()

    def look(self, pids: Iterable[int]) -> None:
        """Note what processes of the trial have open or mapped; they are only asked if anything has come."""
        if new := self._new():
            self.seen.update(*(new & _used_by(pid) for pid in pids))

    def remove(self) -> None:
        """Remove what was noted, once no process of the trial is left."""
        if self.seen and (left := self.seen & self._new()):
            for name in left.difference(*map(_used_by, all_processes())):
                try:
                    if os.lstat(_SHM / name).st_uid == os.geteuid():
                        remove_tree(_SHM / name)
                except FileNotFoundError:  # someone else was faster
                    pass

    def _new(self) -> set[str]:
        return {name for name, inode in _in_shm().items() if self._before.get(name) != inode}


def _in_shm() -> dict[str, int]:
    try:
        with os.scandir(_SHM) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except OSError:  # there is no such folder here
        return {}


def _used_by(pid: int) -> set[str]:
    """Return the names in /dev/shm of what a process has mapped or open, as far as we may look."""
    paths = [line.partition("/")[2] for line in proc(pid, "maps").decode(errors="replace").splitlines()]
    try:
        with os.scandir(f"{_PROC}/{pid}/fd") as entries:
            paths += [os.readlink(entry.path)[1:] for entry in entries]
    except OSError:  # it is gone, or not ours to look at
        pass
    return {path.split("/")[2] for path in paths if path.startswith("dev/shm/")}


_SHM: Final = Path("/dev/shm")

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36

TRACKER_GRACE_S: Final = 1.0
"""How long resource trackers may take to clean up before they are killed, in seconds."""

_KIB = 1024 if sys.platform == "linux" else 1  # the unit of ru_maxrss
_KILL: Final = int(signal.SIGKILL)  # an enum's pages would be copied in every worker
_prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
if _prctl is not None:
    _prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


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
        if not _SEES_PROCESSES:
            raise FileNotFoundError("/proc does not show the processes of a trial")
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
        cpu_user_s: user CPU time of all processes reaped so far.
        cpu_system_s: their system CPU time.
        max_rss_bytes: peak memory of the largest of them.
        empty: whether no process of the trial is left.
    """

    def __init__(self, worker: int, containment: str, wake: int) -> None:
        self.worker = worker
        self.status: int | None = None
        self.cpu_user_s = self.cpu_system_s = 0.0
        self.max_rss_bytes = 0
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
            self.cpu_user_s += used.ru_utime
            self.cpu_system_s += used.ru_stime
            self.max_rss_bytes = max(self.max_rss_bytes, used.ru_maxrss * _KIB)

    def end(self, helpers: Sequence[int] = ()) -> int:
        """Kill all that is left of the trial and return how many processes that were.

        Neither multiprocessing's own ``helpers``, the resource tracker first, nor other trackers are counted. They
        may end by themselves, within a second: they remove the semaphores and the shared memory that were left.
        """
        self.reap()
        if not self._subreaper:
            return self._end_group()
        spare_tracker_until = time.monotonic() + TRACKER_GRACE_S
        tracker = helpers[0] if helpers else 0
        killed: set[int] = set()
        while not self.empty:
            for pid in list(descendants(os.getpid())):
                tracks = pid == tracker or is_tracker(pid)
                if time.monotonic() < spare_tracker_until and (tracks or is_becoming(pid)):
                    continue
                if not (tracks or is_zombie(pid)):
                    killed.add(pid)
                kill(pid)
            self._wait_for_child()
            self.reap()
        return len(killed.difference(helpers))

    def _end_group(self) -> int:
        """Kill the worker's group; its members can be killed, but neither counted nor waited for."""
        while not self.empty:
            kill_group(self.worker)
            self._wait_for_child()
            self.reap()
        return int(kill_group(self.worker))

    def _wait_for_child(self) -> None:
        if select.select([self._wake], [], [], 0.01)[0]:
            drain(self._wake)


def drain(wake: int) -> None:
    """Empty the non-blocking descriptor that signals write to."""
    try:
        while len(os.read(wake, 4096)) == 4096:
            pass
    except BlockingIOError:
        pass
