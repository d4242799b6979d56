"""What an actor executes, a process, a thread or an interpreter: its bootstrap, the start gate, the rounds.

A spawned actor imports this module inside the measurement, so it imports next to nothing: no dataclasses, no
typing, no ctypes. The worker's side is :mod:`mprunner.actors.group`.

Guarantees:

- Nothing crosses a process boundary per round: an actor waits, works and counts in its own memory.
- No lock is ever held while waiting. Every shared word has one writer and every semaphore is only posted or
  waited for, so an actor that dies anywhere leaves no one stuck: the gate is aborted and the rest wake.
- No wait outlives the worker: an actor that waits looks after it, at least once a second.
- Between two rounds all actors have arrived, and actor 0 alone calls ``settle``.
"""

from __future__ import annotations

import mmap
import os
import sys
from time import perf_counter, process_time, sleep, thread_time

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from multiprocessing.synchronize import Semaphore
    from typing import Any, Protocol

    class Channel(Protocol):
        """What takes an actor's report, such as the connection of a pipe."""

        def send(self, report: object) -> None:
            """Take it, pickled."""


# Shared words, one per cache line (64 bytes), so that two actors never write to the same line.
STRIDE = 8
ABORTED = 0
RELEASED = STRIDE
FIRST_ARRIVAL = 2 * STRIDE

# What an actor's arrival word says: 1 = its process is up; r + READY = it is ready for round r.
PRESENT = 1
READY = 2

# How a spinning actor waits: hot for a millisecond or so, then offering its CPU, then in short naps.
HOT_SPINS = 20_000
YIELDS = 1_000
NAP_S = 0.000_05
LINE_UP_NAP_S = 0.000_2
SLEEP_S = 1.0


_sched_yield: Callable[[], object] = getattr(os, "sched_yield", lambda: sleep(0))  # not every Python has it


class GateBroken(Exception):  # noqa: N818 - named for what happened, as threading.BrokenBarrierError's kin
    """Another actor failed or was killed, so the round that this one waits for will never start."""


class SharedWords:
    """64-bit integers shared by all actors, zero to begin with; nothing of them outlives the actors.

    x86 makes one actor's stores visible in order, which is what lets the spin gate's leader read a settled
    state. A weakly ordered CPU promises that only for the gates made of semaphores.
    """

    def __init__(self, count: int, descriptor: int | None = None) -> None:
        if descriptor is None:
            descriptor = anonymous_file()
            os.truncate(descriptor, count * 8)
        self.count = count
        self.descriptor = descriptor
        self.map = mmap.mmap(descriptor, count * 8)
        self.words = memoryview(self.map).cast("q")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a spawned actor as a duplicate of the descriptor."""
        from multiprocessing.reduction import DupFd  # noqa: PLC0415 - only a spawning parent needs it

        return _attach, (DupFd(self.descriptor), self.count)

    def close(self) -> None:
        """Give the mapping and the descriptor back."""
        self.words.release()
        self.map.close()
        os.close(self.descriptor)


def _attach(duplicate: Any, count: int) -> SharedWords:
    return SharedWords(count, duplicate.detach())


def anonymous_file() -> int:
    """Open a file that has no name, for what is in it to vanish with its last descriptor."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mprunner-gate", os.MFD_CLOEXEC)
    import tempfile  # noqa: PLC0415 - where there is no memfd

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class _Gate:
    """Where actors wait for one another: before the first round, and between two rounds. A kind of gate has

    - ``arrive_first``, which lines the actors up;
    - ``gather`` (actor 0 only), which waits until every other actor is ready for a round;
    - ``release`` (actor 0 only), which starts it;
    - ``await_release`` (the others), which says that an actor is ready for a round and waits until it starts;
    - ``arrive_last`` (the others), which says that an actor has done its last round;
    - ``clock``, by which actors say when they began and ended.
    """

    lines_up = True
    clock = staticmethod(perf_counter)

    def __init__(self, actors: int) -> None:
        self.actors = actors
        self.worker = os.getpid()
        self.crowded = False
        self.shared = SharedWords(FIRST_ARRIVAL + actors * STRIDE)

    def arrive_first(self, index: int) -> None:
        """Wait, mostly asleep, until the process of every actor is up."""
        self.crowded = self.actors > usable_cpus()
        words = self.shared.words
        words[FIRST_ARRIVAL + index * STRIDE] = PRESENT
        for slot in range(FIRST_ARRIVAL, FIRST_ARRIVAL + self.actors * STRIDE, STRIDE):
            while words[slot] < PRESENT:
                self.check()
                sleep(LINE_UP_NAP_S)

    def check(self) -> None:
        """Raise GateBroken when the rounds were given up, or there is no worker left that could."""
        if self.shared.words[ABORTED]:
            raise GateBroken("another actor ended before its last round")
        try:
            os.kill(self.worker, 0)
        except ProcessLookupError:
            raise GateBroken("the worker is gone") from None

    def idle_s(self, index: int) -> float:
        """How long the gate has kept this actor's CPU busy on purpose, which is no part of what the actor did."""
        return 0.0

    def abort(self) -> None:
        """Wake every waiting actor, for good; called when an actor is lost."""
        self.shared.words[ABORTED] = 1

    def close(self) -> None:
        """Give the shared memory back; called by the parent when all actors have ended."""
        self.shared.close()


class SpinGate(_Gate):
    """Actors spin on a shared word, so that they start within a fraction of a microsecond of one another.

    With more actors than CPUs, hot spinning would keep the very actor from running that is waited for: then
    every spin offers the CPU to others. Otherwise each actor moves to a CPU of its own before the first round,
    and again when it has waited in vain: on a busy machine the scheduler may well put two of them on one CPU,
    where no race can show. It stays free to move them.
    """

    def arrive_first(self, index: int) -> None:  # noqa: D102 - see _Gate
        self._spread(index)
        super().arrive_first(index)

    def _spread(self, index: int) -> None:
        if not hasattr(os, "sched_getaffinity"):
            return
        cpus = sorted(os.sched_getaffinity(0))
        if self.actors <= len(cpus):
            try:
                os.sched_setaffinity(0, (cpus[index],))
                os.sched_setaffinity(0, cpus)
            except OSError:  # a sandbox may forbid it; the gate works without
                return

    def gather(self, round_: int) -> None:  # noqa: D102 - see _Gate
        for slot in range(FIRST_ARRIVAL + STRIDE, FIRST_ARRIVAL + self.actors * STRIDE, STRIDE):
            self._spin(0, slot, round_ + READY)

    def release(self, round_: int) -> None:  # noqa: D102 - see _Gate
        self.shared.words[RELEASED] = round_ + READY

    def await_release(self, index: int, round_: int) -> None:  # noqa: D102 - see _Gate
        self.shared.words[FIRST_ARRIVAL + index * STRIDE] = round_ + READY
        self._spin(index, RELEASED, round_ + READY)

    def arrive_last(self, index: int, round_: int) -> None:  # noqa: D102 - see _Gate
        self.shared.words[FIRST_ARRIVAL + index * STRIDE] = round_ + READY

    def _spin(self, index: int, slot: int, target: int) -> None:
        words = self.shared.words
        if not self.crowded:
            for _ in range(HOT_SPINS):
                if words[slot] >= target:
                    return
            self._spread(index)
        for _ in range(YIELDS):
            if words[slot] >= target:
                return
            self._offer_cpu()
        while words[slot] < target:
            self.check()
            sleep(NAP_S)

    def _offer_cpu(self) -> None:
        _sched_yield()


class BarrierGate(_Gate):
    """Actors sleep in the kernel until the last one arrives, as at a ``multiprocessing.Barrier``."""

    def __init__(self, actors: int, semaphore: Callable[[int], Semaphore]) -> None:
        super().__init__(actors)
        self.arrived = semaphore(0)
        self.wake = [semaphore(0) for _ in range(actors)]

    def abort(self) -> None:  # noqa: D102 - see _Gate
        super().abort()
        for _ in range(self.actors):
            self.arrived.release()
        for semaphore in self.wake:
            semaphore.release()

    def gather(self, round_: int) -> None:  # noqa: D102 - see _Gate
        for _ in range(self.actors - 1):
            self._sleep(self.arrived)

    def release(self, round_: int) -> None:  # noqa: D102 - see _Gate
        for semaphore in self.wake[1:]:
            semaphore.release()

    def await_release(self, index: int, round_: int) -> None:  # noqa: D102 - see _Gate
        self.arrived.release()
        self._sleep(self.wake[index])

    def arrive_last(self, index: int, round_: int) -> None:  # noqa: D102 - see _Gate
        self.arrived.release()

    def _sleep(self, semaphore: Semaphore) -> None:
        while not semaphore.acquire(True, SLEEP_S):
            self.check()
        if self.shared.words[ABORTED]:
            self.check()


class NoGate(BarrierGate):
    """Actors start as their processes come up; from the second round on, as the kernel wakes them."""

    lines_up = False


Gate = SpinGate | BarrierGate


def usable_cpus() -> int:
    """How many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gil_enabled() -> bool:
    """Whether only one thread at a time executes Python code here; always so before Python 3.13."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


class Part:
    """What one actor is to do: ``work``, ``rounds`` times; actor 0 also settles. Without a gate it just begins."""

    __slots__ = ("gate", "index", "rounds", "settle", "work")

    def __init__(
        self,
        index: int,
        work: Callable[[], object],
        rounds: int,
        settle: Callable[[], Hashable] | None,
        gate: Gate | None,
    ) -> None:
        self.index = index
        self.work = work
        self.rounds = rounds
        self.settle = settle
        self.gate = gate


class Report:
    """What an actor hands over when it ends; times are seconds of its gate's clock, which all actors share."""

    __slots__ = ("began", "cpu_s", "ended", "entered", "error", "rounds", "settled", "value")

    def __init__(self, entered: float) -> None:
        self.entered = entered
        self.began: float | None = None
        self.ended: float | None = None
        self.cpu_s: float | None = None
        self.rounds = 0
        self.settled: dict[Hashable, int] = {}
        self.value: object = None
        self.error: tuple[str, str] | None = None  # type and message of the exception


def bootstrap(part: Part, channel: Channel, cpu_clock: Callable[[], float] = process_time) -> None:
    """Execute an actor that is a process and send its :class:`Report`; an exception is also raised again."""
    report = Report(perf_counter())
    try:
        _execute(report, part, cpu_clock)
    finally:
        _send(channel, report)


def bootstrap_thread(part: Part, reports: list[Report | None]) -> None:
    """Execute an actor that is a thread and leave its :class:`Report`; an exception is also raised again."""
    report = reports[part.index] = Report(perf_counter())
    try:
        _execute(report, part, thread_time)
    finally:
        if report.error is not None and part.gate is not None:
            part.gate.abort()


def _execute(report: Report, part: Part, cpu_clock: Callable[[], float]) -> None:
    try:
        if part.gate is None:
            _single(report, part, cpu_clock)
        else:
            _gated(report, part, part.gate, cpu_clock)
    except BaseException as error:
        report.error = describe(error)
        raise


def describe(error: BaseException) -> tuple[str, str]:
    """Name an exception's type and message, whatever its ``__str__`` does."""
    try:
        return type(error).__name__, str(error)
    except BaseException:  # a broken __str__ must not hide the exception
        return type(error).__name__, "(its message can't be shown)"


def _send(channel: Channel, report: Report) -> None:
    try:
        channel.send(report)
    except OSError:
        pass  # the parent is gone, and with it whoever would read this
    except Exception as error:  # pickling can raise anything
        report.error = report.error or (
            type(error).__name__,
            f"the actor's return value can't be sent: {error}",
        )
        report.value = None
        channel.send(report)


def _single(report: Report, part: Part, cpu_clock: Callable[[], float]) -> None:
    work = part.work
    report.began, cpu = perf_counter(), cpu_clock()
    try:
        for _ in range(part.rounds):
            report.value = work()
            report.rounds += 1
    finally:
        report.ended, report.cpu_s = perf_counter(), cpu_clock() - cpu


def _gated(report: Report, part: Part, gate: Gate, cpu_clock: Callable[[], float]) -> None:
    if gate.lines_up:
        gate.arrive_first(part.index)
        if part.index == 0:
            gate.gather(0)
            gate.release(0)
        else:
            gate.await_release(part.index, 0)
    idle = gate.idle_s(part.index)
    report.began, cpu = gate.clock(), cpu_clock()
    try:
        if part.index == 0:
            _lead(report, part, gate)
        else:
            _follow(report, part, gate)
    finally:
        report.cpu_s = cpu_clock() - cpu - (gate.idle_s(part.index) - idle)
        report.ended = report.ended or gate.clock()


def _lead(report: Report, part: Part, gate: Gate) -> None:
    work, settle, rounds, settled = part.work, part.settle, part.rounds, report.settled
    for done in range(1, rounds + 1):
        report.value = work()
        report.rounds = done
        if done == rounds:
            report.ended = gate.clock()
        gate.gather(done)
        if settle is not None:
            state = settle()
            settled[state] = settled.get(state, 0) + 1
        if done < rounds:
            gate.release(done)


def _follow(report: Report, part: Part, gate: Gate) -> None:
    work, index, rounds = part.work, part.index, part.rounds
    for done in range(1, rounds):
        report.value = work()
        report.rounds = done
        gate.await_release(index, done)
    report.value = work()
    report.rounds = rounds
    report.ended = gate.clock()
    gate.arrive_last(index, rounds)
