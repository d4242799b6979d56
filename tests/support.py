"""What several test modules share: paths, command lines, and a look at the processes that a test started."""

import os
import pty
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path

import psutil

from mprunner.executors.local import LocalExecutor

ROOT = Path(__file__).parent.parent
PLUGINS = Path(__file__).parent / "plugins"
GENEROUS_S = 60.0


@dataclass(frozen=True)
class Done:
    """What came of executing ``mprunner``."""

    returncode: int
    stdout: str
    stderr: str


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; after a generous while the test fails and says ``what`` did not happen."""
    limit = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.01)  # polling


def a_trial_has_started(folder: Path) -> bool:
    """Whether a run below a folder has begun its first trial."""
    return any(b'"started"' in journal.read_bytes() for journal in folder.glob("results/*/2*/journal.jsonl"))


def processes_marked(token: str) -> list[psutil.Process]:
    """Return the living processes whose environment, or whose command line, holds the token."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get("MPRUNNER_TEST") == token or token in process.cmdline()
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def command_of(process: psutil.Process) -> str:
    """Return a process's command line, empty if it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def living_children() -> list[str]:
    """Return the names of the processes that this one started by multiprocessing and that live.

    A thread of a pool may have reaped one a moment ago, and multiprocessing not know yet.
    """
    return [process.name for process in active_children() if psutil.pid_exists(process.pid)]


def launchers() -> list[psutil.Process]:
    """Return the launchers that this process has started."""
    return [child for child in psutil.Process().children() if "mprunner.worker" in command_of(child)]


def left_by_trials(executor: LocalExecutor, token: str) -> list[psutil.Process]:
    """Close the executor, which ends its launcher and the worker that waits there, and return what else lives."""
    executor.close()
    return processes_marked(token)


def command(*arguments: str | Path) -> Sequence[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "mprunner", *map(str, arguments)]


class Terminal:
    """The program on a pseudo-terminal that is its controlling one."""

    def __init__(self, folder: Path, *arguments: str | Path) -> None:
        self.text = ""
        self._status: int | None = None
        pid, self._fd = pty.fork()
        if pid == 0:
            os.chdir(folder)
            os.environ["TERM"] = "xterm"
            os.execv(sys.executable, command(*arguments))
        self.pid = pid

    def _read(self, limit: float) -> bool:
        if not select.select([self._fd], [], [], max(0.0, limit - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._fd, 4096)
        except OSError:  # what Linux says when the last process of the terminal is gone
            return False
        self.text += data.decode()
        return bool(data)

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._fd, key)

    def end(self) -> int:
        """Read the rest and return the wait status."""
        while self._read(time.monotonic() + GENEROUS_S):
            pass
        _, self._status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        return self._status

    def hang_up(self) -> int:
        """Close the terminal, as a lost connection does, and return the wait status."""
        os.close(self._fd)
        _, self._status = os.waitpid(self.pid, 0)
        return self._status

    def kill(self) -> None:
        """End the program if the test has not."""
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()
