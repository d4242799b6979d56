"""Watching an attempt: its result, its worker's end, its deadline, its log's size, and a word from the runner."""

import os
import select
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from mprunner.worker.containment import Keeper, drain, has_more_below
from mprunner.worker.protocol import MAX_RESULT_BYTES, RESULT_HEADER, Cancel, Channel

LOG_CHECK_S: Final = 0.2
"""How often the log's size is looked at, and at most the processes: five times a second disturb no measurement."""

REST: Final = 200
"""How many times as long as a look at the processes took there is none: they may cost half a percent of a CPU."""

MAX_REST_S: Final = 1.0
"""After how long there is another look, whatever it costs: a fork bomb must not have more time to grow."""


def busy_s(cpus: Collection[int]) -> float | None:
    """Return for how long some CPUs have been busy since the start, in seconds; None if nothing says it.

    That is time in user and system mode, in interrupts, and that a hypervisor took, in steps of 10 ms each
    (proc_stat(5)).
    """
    try:
        stat = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            text = os.read(stat, 1 << 16)
        finally:
            os.close(stat)
        ticks = 0
        for line in text.partition(b"intr")[0].splitlines()[1:]:
            name, *times = line.split()
            if int(name[3:]) in cpus:
                user, nice, system, _, _, irq, softirq, *steal = map(int, times[:8])
                ticks += user + nice + system + irq + softirq + sum(steal)
        return ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):  # no Linux, or a container that hides it
        return None


class Crowd:
    """Looks whether a trial has more processes than it may, seldom where there are many to look at."""

    def __init__(self, limit: int, has_more: Callable[[int, int], bool] = has_more_below) -> None:
        self._limit = limit
        self._has_more = has_more
        self._rest_until = 0.0

    def is_over(self) -> bool:
        """Whether there are too many; False without a look if the last one is not long ago."""
        began = monotonic()
        if began < self._rest_until:
            return False
        over = self._has_more(os.getpid(), self._limit)
        self._rest_until = began + min(REST * (monotonic() - began), MAX_REST_S)
        return over


@dataclass(slots=True)
class Watched:
    """An attempt under way: what has come out of its worker, and why watching it stopped."""

    keeper: Keeper
    reader: int
    channel: Channel
    wake: int
    log_is_over: Callable[[], bool]
    crowd: Crowd
    data: bytearray = field(default_factory=bytearray)
    timed_out: bool = False
    cancelled: bool = False
    over_output: bool = False
    over_processes: bool = False

    def __post_init__(self) -> None:
        os.set_blocking(self.reader, False)

    @property
    def ended_itself(self) -> bool:
        """Whether the worker ended without being ended by us."""
        return not (self.timed_out or self.cancelled or self.over_output or self.over_processes)

    def watch(self, deadline: float) -> None:
        """Wait for the worker's end, its deadline, a limit that is passed, a cancel, or the runner's death.

        Raises:
            EOFError: the runner is dead.
        """
        poll = select.poll()
        for fd in (self.reader, self.wake, self.channel.fileno()):
            poll.register(fd, select.POLLIN)
        look_at_limits = monotonic() + LOG_CHECK_S
        # A cancel is looked for before the first wait: one that came early was read together with the order.
        while self.keeper.status is None and not self.keeper.empty and not self._is_cancelled():
            now = monotonic()
            if now >= deadline:
                self.timed_out = True
                return
            if now >= look_at_limits:
                look_at_limits = now + LOG_CHECK_S
                if self._is_over_a_limit():
                    return
            for fd, _ in poll.poll((min(deadline, look_at_limits) - now) * 1000 + 1):
                if fd == self.reader:
                    if not self._read_result():
                        poll.unregister(fd)
                elif fd == self.wake:
                    drain(fd)
                    self.keeper.reap()
                else:
                    self.channel.fill()

    def _is_over_a_limit(self) -> bool:
        self.over_output = self.log_is_over()
        self.over_processes = not self.over_output and self.crowd.is_over()
        return self.over_output or self.over_processes

    def _is_cancelled(self) -> bool:
        self.cancelled = isinstance(self.channel.next(), Cancel)
        return self.cancelled

    def _read_result(self) -> bool:
        """Read what is there; return False at the end of the stream."""
        try:
            data = os.read(self.reader, 1 << 16)
        except BlockingIOError:
            return True
        if len(self.data) <= 2 * MAX_RESULT_BYTES:  # of its result, and of what was told before that
            self.data += data
        return bool(data)

    def drain_result(self) -> None:
        """Read what a worker that has ended left in its pipe."""
        while True:
            before = len(self.data)
            if not self._read_result() or len(self.data) == before:
                return

    def _messages(self) -> Iterator[tuple[tuple[int, ...], str]]:
        """Yield of each message that came the ids in its header, and its text, which need not be whole."""
        rest = memoryview(self.data)
        while len(rest) >= RESULT_HEADER.size:
            length, *helpers = RESULT_HEADER.unpack_from(rest)
            end = RESULT_HEADER.size + length
            yield tuple(helpers), str(rest[RESULT_HEADER.size : end], errors="replace")
            rest = rest[end:]
        if rest:
            yield (), str(rest, errors="replace")

    def helpers(self) -> tuple[int, ...]:
        """Return the ids of multiprocessing's helpers that the worker said it had last."""
        return next((helpers for helpers, _ in reversed(list(self._messages()))), ())

    def results(self) -> tuple[str, ...]:
        """Return what came in place of the JSON texts of results."""
        return tuple(text for _, text in self._messages() if not text.startswith("/"))

    def shared(self) -> Iterator[str]:
        """Yield the names that the worker said it had in /dev/shm; they begin with a slash each."""
        for _, text in self._messages():
            if text.startswith("/"):
                yield from text[1:].split("/")
