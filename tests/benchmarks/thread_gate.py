"""How often small races show between threads at the start gate, and between threads as people start them by hand.

``python tests/benchmarks/thread_gate.py [ROUNDS] [TURNS]``. For each switch interval and number of threads, the four
classes race by each way of starting in turn. One line says in how many rounds of all that was: at our gate, whose
rounds reuse the threads; fresh threads behind a ``threading.Barrier``; fresh threads started one after the other.
"""

import multiprocessing
import sys
import threading
from collections.abc import Callable
from time import perf_counter

from mprunner.actors.group import run_actors

INTERVALS_S = (1e-6, 1e-5, 1e-4)
THREADS = (2, 4)


def plus_one(number: int) -> int:
    """Add one, as a call."""
    return number + 1


class LazyCache:
    """A value made when it is first asked for: a check, then an act."""

    def __init__(self) -> None:
        self.value: object = None
        self.made = 0

    def actor(self) -> None:
        """Ask for the value."""
        if self.value is None:
            self.made += 1
            self.value = object()

    def raced(self, threads: int) -> bool:
        """Whether the value was made more than once."""
        return self.made > 1


class BuiltCache(LazyCache):
    """The same, of a value that takes a call of Python code to make."""

    def actor(self) -> None:
        """Ask for the value."""
        if self.value is None:
            made = plus_one(0)
            self.made += 1
            self.value = made


class BoundedCounter:
    """A counter that must not exceed 1."""

    def __init__(self) -> None:
        self.n = 0

    def actor(self) -> None:
        """Count, if there is room."""
        if plus_one(self.n) <= 1:
            self.n += 1

    def raced(self, threads: int) -> bool:
        """Whether the bound was exceeded."""
        return self.n > 1


class Counter:
    """A counter that is read, changed and written."""

    def __init__(self) -> None:
        self.n = 0

    def actor(self) -> None:
        """Count."""
        self.n = plus_one(self.n)

    def raced(self, threads: int) -> bool:
        """Whether an update was lost."""
        return self.n != threads


Racy = LazyCache | BoundedCounter | Counter
CLASSES: tuple[type[Racy], ...] = (LazyCache, BuiltCache, BoundedCounter, Counter)


def at_the_gate(made: type[Racy], threads: int, rounds: int) -> int:
    """Count the rounds that raced at our gate."""
    subject = made()

    def settle() -> bool:
        raced = subject.raced(threads)
        subject.__init__()  # type: ignore[misc]  # as own-race's `reset`
        return raced

    result = run_actors(
        multiprocessing.get_context("fork"),
        [subject.actor] * threads,
        kind="thread",
        sync="spin",
        rounds=rounds,
        settle=settle,
    )
    result.raise_failures()
    return result.settled.get(True, 0)


def behind_a_barrier(made: type[Racy], threads: int, rounds: int) -> int:
    """Count the rounds that raced of fresh threads behind a barrier."""

    def run() -> None:
        barrier.wait()
        subject.actor()

    raced = 0
    for _ in range(rounds):
        subject, barrier = made(), threading.Barrier(threads)
        raced += _raced(subject, [threading.Thread(target=run) for _ in range(threads)])
    return raced


def one_after_the_other(made: type[Racy], threads: int, rounds: int) -> int:
    """Count the rounds that raced of fresh threads that begin as they are started."""
    raced = 0
    for _ in range(rounds):
        subject = made()
        raced += _raced(subject, [threading.Thread(target=subject.actor) for _ in range(threads)])
    return raced


def _raced(subject: Racy, threads: list[threading.Thread]) -> bool:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return subject.raced(len(threads))


WAYS: dict[str, Callable[[type[Racy], int, int], int]] = {
    "gate": at_the_gate,
    "barrier": behind_a_barrier,
    "bare": one_after_the_other,
}


def main(rounds: int = 1_000, turns: int = 5) -> None:
    """Print the table."""
    default_s = sys.getswitchinterval()
    print(f"raced rounds of {rounds * turns:,} (and rounds per s)")
    print("interval  threads  class           " + "".join(f"{way:>20}" for way in WAYS))
    for interval_s in INTERVALS_S:
        for threads in THREADS:
            for made in CLASSES:
                raced, took_s = dict.fromkeys(WAYS, 0), dict.fromkeys(WAYS, 0.0)
                for _ in range(turns):
                    for way, race in WAYS.items():
                        sys.setswitchinterval(interval_s)
                        began = perf_counter()
                        raced[way] += race(made, threads, rounds)
                        took_s[way] += perf_counter() - began
                        sys.setswitchinterval(default_s)
                told = "".join(
                    f"{f'{raced[way]} ({rounds * turns / took_s[way]:,.0f}/s)':>20}" for way in WAYS
                )
                print(f"{interval_s * 1e6:6.0f} µs  {threads:7}  {made.__name__:15} {told}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
