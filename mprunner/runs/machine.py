"""Facts about the machine, the interpreter and the source tree, for run.json."""

import os
import platform
import re
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import mprunner
from mprunner.actors.bootstrap import gil_enabled
from mprunner.model.git import without_repository
from mprunner.model.provenance import version_of

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cpu_quota(root: Path = ROOT, membership: Path = MEMBERSHIP) -> float | None:
    """Return how many CPUs' worth of time the control groups of a process allow, None where none sets a limit.

    The lowest limit of a group and of those that it is in: ``cpu.max`` of version 2, ``cpu.cfs_quota_us`` and
    ``cpu.cfs_period_us`` of version 1.

    Args:
        root: where the groups are mounted.
        membership: lists the process's groups, as ``/proc/PID/cgroup`` does.
    """
    quotas = (_quota_of(folder) for folder in _groups(root, membership))
    return min((quota for quota in quotas if quota is not None), default=None)


def _groups(root: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders that may limit the process: each of its groups' with the folders that it is in."""
    yield root  # all that there is where a container sees its own group alone
    for line in _text_of(membership).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = [root / controllers, root / "cpu"] if controllers else [root]
        inner = PurePosixPath(path.lstrip("/"))
        if ".." in inner.parts:  # the group is outside of what this process sees
            inner = PurePosixPath()
        yield from (mount / group for mount in mounts for group in (inner, *inner.parents))


def _quota_of(folder: Path) -> float | None:
    quota, _, period = (_text_of(folder / "cpu.max") or "max").partition(" ")
    if quota == "max":
        quota, period = _text_of(folder / "cpu.cfs_quota_us"), _text_of(folder / "cpu.cfs_period_us")
    try:
        allowed, length = int(quota), int(period)
    except ValueError:
        return None
    return allowed / length if allowed > 0 and length > 0 else None


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


_CPUS = Path("/sys/devices/system/cpu")
EVERY_S: Final = 1.0
"""The CPUs are looked at after a trial, at most so often: each file takes the system some microseconds to make."""


class FrequencyWatch:
    """The frequency of the fastest CPU, whenever a trial has ended.

    The fastest, for it is one that was busy until then: a trial may leave others idle, and an idle CPU's frequency
    says nothing of a busy one's. Many virtual machines report none.
    """

    def __init__(self, cpus: Iterable[int], clock: Callable[[], float] = time.monotonic) -> None:
        """Find out which of some CPUs report their frequency."""
        files = (_CPUS / f"cpu{cpu}" / "cpufreq" / "scaling_cur_freq" for cpu in cpus)
        self._files = [file for file in files if file.exists()]
        self._clock = clock
        self._next = 0.0
        self._seen: list[float] = []

    def look(self) -> None:
        """Note how fast the CPUs are; a trial has ended just now."""
        if not self._files or self._clock() < self._next:
            return
        self._next = self._clock() + EVERY_S
        told = [frequency for file in self._files if (frequency := _megahertz(file)) is not None]
        if told:
            fastest = max(told)
            self._seen = [min([fastest, *self._seen]), max([fastest, *self._seen])]

    def seen(self) -> dict[str, float] | None:
        """Return the ``lowest`` and the ``highest`` that was noted, in MHz; None where nothing was."""
        return {"lowest": self._seen[0], "highest": self._seen[-1]} if self._seen else None


def _megahertz(file: Path) -> float | None:
    try:
        return int(file.read_bytes()) / 1_000  # it is in kHz
    except (OSError, ValueError):  # such as of a CPU that was taken off
        return None


GIT_LIMIT_S = 1.0
"""How long git may take once all else is ready; without an answer the revision is None."""
_PACKAGES = ("click", "numpy", "pandas", "pluggy", "psutil", "pydantic", "pyyaml", "rich")
GitState = Mapping[str, Any] | None
"""The revision that a folder is at and whether tracked files differ from it; None outside git."""


def utc_now() -> str:
    """Return the time, as ISO 8601 with microseconds and ``Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def usable_cpus() -> list[int]:
    """Return the numbers of the CPUs that this process, and so its workers, may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def bindable_cpus() -> list[int]:
    """Return the numbers of the CPUs that a worker may be bound to; none where the platform binds no process."""
    return usable_cpus() if hasattr(os, "sched_setaffinity") else []


def quota_warning(quota: float | None, cpus: int) -> tuple[str, str] | None:
    """Return what a person should know where a control group allows less time than ``cpus`` CPUs have, and a hint."""
    if quota is None or quota >= cpus:
        return None
    have = "the CPU has" if cpus == 1 else f"the {cpus} CPUs have"
    message = (
        f"the control group allows a trial {quota:g} CPUs' worth of time, less than {have} that it may use"
    )
    return (
        message,
        "actors are held up when it is spent, which looks like waiting: raise the quota, or set `cpus`",
    )


def load_average() -> list[float]:
    """Return how many processes wanted a CPU over the last 1, 5 and 15 minutes."""
    return [round(load, 2) for load in os.getloadavg()]


def machine_counters() -> dict[str, int | None]:
    """Return what the machine counts since it was started and makes trials slow; None for what it doesn't count.

    ``swapped_pages`` went to or came from the swap space; ``throttled`` is how often a CPU was slowed down for its
    heat.
    """
    swapped = re.findall(r"^pswp(?:in|out) (\d+)$", _text_of(Path("/proc/vmstat")), re.MULTILINE)
    throttled = [_text_of(file) for file in _CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
    return {
        "swapped_pages": sum(map(int, swapped)) if swapped else None,
        "throttled": sum(int(count or 0) for count in throttled) if throttled else None,
    }


def describe_environment() -> dict[str, Any]:
    """Describe where a run is executed; what can't be found out is None."""
    return {
        "mprunner": mprunner.__version__,
        "packages": {name: version_of(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "python_build": {
            "implementation": platform.python_implementation(),
            "compiler": platform.python_compiler(),
            "gil_disabled": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "gil_enabled": gil_enabled(),
            "executable": sys.executable,
        },
        "host": socket.gethostname(),
        "os": platform.platform(),
        "cpu": _cpu_model(),
        "cpu_count": os.cpu_count(),
        "cpus_usable": usable_cpus(),
        "cpu_quota": cpu_quota(),
        "governor": _text_of(_CPUS / "cpu0/cpufreq/scaling_governor") or None,
    }


def _cpu_model() -> str | None:
    for line in _text_of(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or None


@contextmanager
def asked_git(folder: Path) -> Iterator[Callable[[], GitState]]:
    """Ask git for the state of a folder; what this yields waits for the answer, :data:`GIT_LIMIT_S` at most.

    A large repository takes a while: so it is asked beside other work. git takes no lock, and writes nothing.
    """
    command = ("status", "--porcelain=v2", "--branch", "--untracked-files=no")
    try:
        process = subprocess.Popen(
            ("git", "--no-optional-locks", *command),
            cwd=folder,
            env=without_repository(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
    except OSError:  # there is no git, or no such folder
        yield lambda: None
        return
    with process:
        try:
            yield lambda: _answer(process)
        finally:
            process.kill()


def _answer(process: "subprocess.Popen[str]") -> GitState:
    try:
        text, _ = process.communicate(timeout=GIT_LIMIT_S)
    except subprocess.TimeoutExpired:
        return None
    if process.returncode != 0:
        return None
    lines = text.splitlines()
    revision = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), None)
    return {"revision": revision, "dirty": any(not line.startswith("#") for line in lines)}
