"""How fast the CPUs were while trials were executed: a frequency that drifts makes the later trials others."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

_CPUS = Path("/sys/devices/system/cpu")
EVERY_S: Final = 1.0
"""The CPUs are looked at after a trial, at most so often: each file takes the system some microseconds to make."""


class FrequencyWatch:
    """The frequency of the fastest CPU, whenever a trial has ended.

    The fastest, for it is one that was busy until then: a trial may leave others idle, and an idle CPU's frequency
    says nothing of a busy one's. Many virtual machines tell none.
    """

    def __init__(self, cpus: Iterable[int], clock: Callable[[], float] = time.monotonic) -> None:
        """Find out which of some CPUs tell their frequency."""
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
        return int(file.read_bytes()) / 1_000  # it tells kHz
    except (OSError, ValueError):  # such as of a CPU that was taken off
        return None
