"""What several test modules share: paths, command lines, and a look at the processes that a test started."""

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from mprunner.actors.interpreters import InterpretersMissing, require_interpreters
from mprunner.executors.local import LocalExecutor

ROOT = Path(__file__).parent.parent
PLUGINS = Path(__file__).parent / "plugins"
GENEROUS_S = 60.0


def has_interpreters() -> bool:
    """Whether actors can be interpreters on this Python."""
    try:
        require_interpreters()
    except InterpretersMissing:
        return False
    return True


needs_interpreters = pytest.mark.skipif(
    not has_interpreters(), reason="this Python has no interpreters that actors could be"
)


@dataclass(frozen=True)
class Done:
    """What came of executing ``mprunner``."""

    returncode: int
    stdout: str
    stderr: str


def check_told(done: Any, code: int, *told: str) -> None:
    """Check the exit code of a program, and what it tells beside its output, which is no traceback."""
    assert done.returncode == code, done.stderr
    assert [text for text in told if text not in done.stderr] == [], done.stderr
    assert "Traceback" not in done.stderr


@dataclass(frozen=True)
class Ran(Done):
    """What came of ``mprunner run``, and the folder of that run."""

    folder: Path

    @property
    def trials(self) -> pd.DataFrame:
        """The table of its trials."""
        return trials_of(self.folder)

    @property
    def json(self) -> Any:
        """What its run.json says."""
        return json.loads((self.folder / "run.json").read_text())


def install(folder: Path, name: str, version: str, entries: dict[str, str]) -> None:
    """Have importlib find a distribution with entry points, once the folder is on the path."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [f"{entry} = {module}" for entry, module in entries.items()]
    (info / "entry_points.txt").write_text("\n".join(["[mprunner]", *lines, ""]))


SCENARIO = """\
from dataclasses import dataclass
from mprunner.scenario import ProcessCount, Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    {params}


@dataclass(frozen=True, kw_only=True)
class Metrics:
    {metrics}


class Some(Scenario[Params, Metrics]):
    name = "{name}"

    def run(self, params: Params, trial: Trial) -> Metrics:
        {run}


def mprunner_register_scenarios():
    return [Some]
"""


def plugin_of(name: str, params: str, metrics: str, run: str = "raise NotImplementedError") -> str:
    """Return the source of a plugin with one scenario; fields and statements of it are parted by semicolons."""
    return SCENARIO.format(
        name=name,
        params=params.replace("; ", "\n    "),
        metrics=metrics.replace("; ", "\n    "),
        run=run.replace("; ", "\n        "),
    )


def latest(folder: Path, name: str) -> Path:
    """Return the folder of an experiment's newest run, where mprunner was executed."""
    return (folder / "results" / name / "latest").resolve()


def trials_of(folder: Path) -> pd.DataFrame:
    """Return the table of a run's trials, with what is told as text as it is told."""
    return pd.read_csv(folder / "trials.csv", keep_default_na=False, na_values=[""])


def printed(code: str, *arguments: str | Path, folder: Path | None = None) -> str:
    """Execute code in an interpreter of its own, which finds the repository; return what it prints."""
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def wait_until(condition: Callable[[], object], what: str, every_s: float = 0.01) -> None:
    """Wait until a condition holds; after a generous while the test fails and says ``what`` did not happen."""
    limit = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(every_s)  # polling


def a_trial_has_started(folder: Path) -> bool:
    """Whether a run below a folder has begun its first trial."""
    return any(b'"started"' in journal.read_bytes() for journal in folder.glob("results/*/2*/journal.jsonl"))


@contextmanager
def marked() -> Iterator[str]:
    """Mark every process that is started meanwhile; it is an error if one is left, and it is ended."""
    value = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPRUNNER_TEST", value)
        yield value
    left = processes_marked(value)
    described = [command_of(process) for process in left]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert not described, f"left behind: {described}"


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


def hanging(token: str) -> int:
    """Count the children with which a trial of ``misbehave`` hangs."""
    return sum("sleep" in command_of(process) for process in processes_marked(token))


def wait_for_the_hanging_trial(token: str) -> None:
    """Wait until a trial of ``misbehave`` hangs with children."""
    wait_until(lambda: hanging(token) >= 2, "the trial that hangs has not begun")


def wait_until_none_is_left(token: str) -> None:
    """Wait until every process of a test has ended."""
    wait_until(lambda: not processes_marked(token), "something is left")


@contextmanager
def one_cpu() -> Iterator[None]:
    """Let this process, and what it starts, use one CPU; the test is skipped where no process can be bound."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system does not bind processes to CPUs")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def started(folder: Path, *arguments: str | Path, **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """Start the program, which is ended when the test is done with it."""
    with subprocess.Popen(command(*arguments), cwd=folder, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


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
    """Return the launchers that this test has started."""
    mine = processes_marked(os.environ["MPRUNNER_TEST"])
    return [each for each in mine if each.ppid() == os.getpid() and "mprunner.worker" in command_of(each)]


def left_by_trials(executor: LocalExecutor, token: str) -> list[psutil.Process]:
    """Close the executor, which ends its launcher and the worker that waits there, and return what else lives."""
    executor.close()
    return processes_marked(token)


def command(*arguments: str | Path) -> Sequence[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "mprunner", *map(str, arguments)]


OWN_NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]


def has_own_namespaces() -> bool:
    """Whether a test may have mounts and process ids of its own."""
    return shutil.which("unshare") is not None and subprocess.call([*OWN_NAMESPACES, "true"]) == 0


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

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.end()

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
        """Read the rest and return how the program ended: its exit code, or the negative number of a signal."""
        while self._read(time.monotonic() + GENEROUS_S):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        self._status = os.waitstatus_to_exitcode(status)
        return self._status

    def hang_up(self) -> int:
        """Close the terminal, as a lost connection does, and return how the program ended."""
        os.close(self._fd)
        _, status = os.waitpid(self.pid, 0)
        self._status = os.waitstatus_to_exitcode(status)
        return self._status


OTHERS = (
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "python3.13t",
    "python3.14t",
    "pypy3",
)
"""Interpreters by which variants are tested where they are installed."""


def can_start(python: Path | str) -> bool:
    """Whether an interpreter starts, and is new enough."""
    code = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def other_interpreter(name: str) -> str:
    """Return the path of an interpreter that is not the one of this test; without one the test is skipped."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for path in [shutil.which(name), *sorted(pyenv.glob(f"*/bin/{name}"))]:
        if path is not None and can_start(path):
            return str(path)
    return pytest.skip(f"{name} is not installed")
