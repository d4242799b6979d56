"""The spin gate of threads, which under a GIL has to bring about what two CPUs bring about by themselves.

Under a GIL one thread executes Python code until another one, which waits, asks for the GIL: after the switch
interval, by a timer that starts anew at each switch. Linux fires that timer up to 50 µs late. So a thread that
comes out of the gate does at least so much undisturbed, and a check and an act that are a microsecond apart are
never taken apart, round for round. Two things make the gate of threads a fair one:

- Each thread asks for timers that are less late. Where others use the CPUs too, or there are more threads than CPUs,
  threads that wake all the time leave the one that holds the GIL no CPU (measured: four threads on two CPUs made 60
  rounds a second instead of 1,200, two threads beside two busy processes 50 instead of 2,500). So there the timers
  may be later, by as much as it takes, and a thread that waits for the others soon takes naps.
- When all have come out of their naps, one of them, chosen at random, keeps the GIL, doing nothing, for a random time
  of up to somewhat more than a switch takes, and begins. One that gets the GIL before it has begun gives it back, and
  after that begins at once. So each is interrupted by the others at any moment of its work. (Where even late timers
  leave rounds long, the others begin when they get the GIL.)

Both are done only where the switch interval is at most ``MAX_INTERVAL_S``: at the default of 5 ms a wait would be
of milliseconds. And only where there is a GIL: else threads meet as processes do.
"""

import sys
import threading
from time import perf_counter, sleep, thread_time

from mprunner.actors.bootstrap import NAP_S, SpinGate, gil_enabled, usable_cpus

MAX_INTERVAL_S = 0.001
# How late timers may be: where each thread has a CPU first the least, the next where rounds take long.
SLACKS_NS = (5_000, 10_000, 50_000)
LONG_S = 0.000_5  # for each thread, how long a round must not take
TIMED_ROUNDS = 16  # the rounds of which the leader takes the time
EAGER_SPINS = 4
LATE_S = 0.000_06  # how long after the switch interval a switch may come
LATER_S = 0.000_15  # the same where timers keep the slack that they have

_MULTIPLIER = 6_364_136_223_846_793_005  # of Knuth's MMIX generator, modulo 2^64
_INCREMENT = 1_442_695_040_888_963_407
_MASK = (1 << 64) - 1


class ThreadSpinGate(SpinGate):
    """The spin gate of threads. Under a GIL one that spins keeps the others from running, so each spin lets go."""

    def __init__(self, actors: int) -> None:
        super().__init__(actors)
        self.gil = gil_enabled()
        self.random_waits = self.gil and actors > 1 and sys.getswitchinterval() <= MAX_INTERVAL_S
        self.longest_s = sys.getswitchinterval() + LATER_S
        self.idle = [0.0] * actors
        self.random = [1] * actors
        self.level = 0 if actors <= usable_cpus() else 1
        self.levels = [self.level] * actors
        self.timed_from = 0.0
        # The numbers of rounds that each has woken up for, that all have, and that one has begun.
        self.awake = [0] * actors
        self.all_awake = self.begun = 0

    def arrive_first(self, index: int) -> None:  # noqa: D102 - see _Gate
        if self.random_waits and ask_for_timers(SLACKS_NS[self.level]):
            self.longest_s = sys.getswitchinterval() + LATE_S
        super().arrive_first(index)
        self.crowded = self.crowded or self.gil

    @property
    def hurried(self) -> bool:
        """Whether threads wait for one another without a nap; the leader alone changes that, between rounds."""
        return self.random_waits and self.level < len(SLACKS_NS) - 1

    def gather(self, round_: int) -> None:  # noqa: D102 - see _Gate
        super().gather(round_)
        if round_ % TIMED_ROUNDS == 0 and self.hurried:
            now = perf_counter()
            if (
                round_
                and now - self.timed_from
                > (LONG_S * self.actors + 4 * sys.getswitchinterval()) * TIMED_ROUNDS
            ):
                self.level += 1
            self.timed_from = now

    def release(self, round_: int) -> None:  # noqa: D102 - see _Gate
        super().release(round_)
        if self.hurried:
            for index in range(1, self.actors):
                while self.awake[index] <= round_:
                    self.check()
                    sleep(0)
            self.all_awake = round_ + 1
        if self.random_waits:
            self._begin(0, round_)

    def await_release(self, index: int, round_: int) -> None:  # noqa: D102 - see _Gate
        super().await_release(index, round_)
        if self.hurried:
            self.awake[index] = round_ + 1
            while self.all_awake <= round_:
                self.check()
                sleep(0)
        if self.random_waits:
            self._begin(index, round_)

    def _begin(self, index: int, round_: int) -> None:
        """Have one thread wait while the others ask for the GIL, to begin after it; all draw the same one."""
        self.random[index] = number = (self.random[index] * _MULTIPLIER + _INCREMENT) & _MASK
        if (number >> 32) % self.actors == index:
            self._keep_the_gil(index, number & 0xFFFFFFFF)
            self.begun = round_ + 1
        while self.hurried and self.begun <= round_:
            self.check()
            sleep(0)

    def clock(self) -> float:
        """Read a clock that stands still while a thread waits at random: that is no part of the rounds."""
        return perf_counter() - sum(self.idle)

    def idle_s(self, index: int) -> float:  # noqa: D102 - see _Gate
        return self.idle[index]

    def _keep_the_gil(self, index: int, number: int) -> None:
        """Wait for a share of the longest time: the number over 2^32.

        What counts is the time with the GIL alone, so that others' work in between is no wait.
        """
        idle, began = self.idle[index], thread_time()
        until = perf_counter() + self.longest_s * number / (1 << 32)
        while perf_counter() < until:
            self.idle[index] = idle + thread_time() - began

    def _spin(self, index: int, slot: int, target: int) -> None:
        if not self.random_waits:
            super()._spin(index, slot, target)
            return
        words = self.shared.words
        for _ in range(EAGER_SPINS):
            if words[slot] >= target:
                return
            self._offer_cpu()
        while words[slot] < target:
            self.check()
            sleep(NAP_S)

    def _offer_cpu(self) -> None:
        sleep(0)  # lets go of the GIL, which sched_yield does not


def ask_for_timers(slack_ns: int) -> bool:
    """Ask Linux to fire this thread's timers at most so much late; say whether it will.

    The thread alone has this, and what it starts. It is over with the thread.
    """
    try:
        with open(f"/proc/{threading.get_native_id()}/timerslack_ns", "r+b", buffering=0) as file:
            file.write(b"%d" % slack_ns)
            return True
    except (OSError, ValueError, AttributeError):  # another system, a sandbox, a Python without native ids
        return False
