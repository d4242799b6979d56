"""Facts about the machine, the interpreter and the source tree, for run.json."""

import os
import platform
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import mprunner
from mprunner.actors import gil_enabled
from mprunner.cgroups import cpu_quota

GIT_LIMIT_S = 2.0
_PACKAGES = ("numpy", "pandas", "pluggy", "pydantic", "pyyaml")


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


def describe_environment() -> dict[str, Any]:
    """Describe where a run is executed; what can't be found out is None."""
    return {
        "mprunner": mprunner.__version__,
        "packages": {name: _version(name) for name in _PACKAGES},
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
        "git": git_state(Path()),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


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


def git_state(folder: Path) -> Mapping[str, Any] | None:
    """Return the revision that ``folder`` is at and whether tracked files differ from it; None outside git."""
    command = ["git", "status", "--porcelain=v2", "--branch", "--untracked-files=no"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    lines = done.stdout.splitlines()
    revision = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), None)
    return {"revision": revision, "dirty": any(not line.startswith("#") for line in lines)}
