"""Facts about the machine, the interpreter and the source tree, for run.json."""

import os
import platform
import re
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mprunner
from mprunner.actors import gil_enabled
from mprunner.cgroups import cpu_quota
from mprunner.distributions import version_of

GIT_LIMIT_S = 1.0
"""How long git may take once all else is ready; without an answer the revision is None."""
_PACKAGES = ("click", "numpy", "pandas", "pluggy", "psutil", "pydantic", "pyyaml", "rich")
_CPUS = Path("/sys/devices/system/cpu")
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
    swapped = re.findall(r"^pswp(?:in|out) (\d+)$", _read("/proc/vmstat") or "", re.MULTILINE)
    throttled = [_read(str(file)) for file in _CPUS.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")]
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
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    }


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def _cpu_model() -> str | None:
    for line in (_read("/proc/cpuinfo") or "").splitlines():
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
