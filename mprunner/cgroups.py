"""The CPU time that control groups allow this process, as Linux tells it; elsewhere nothing is found."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

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
    for line in _read(membership).splitlines():
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
    quota, _, period = (_read(folder / "cpu.max") or "max").partition(" ")
    if quota == "max":
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    try:
        allowed, length = int(quota), int(period)
    except ValueError:
        return None
    return allowed / length if allowed > 0 and length > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
