"""The gate of threads: under a GIL they meet by random waits, which are counted in no time."""

import multiprocessing
import sys
import threading
from itertools import count

import pytest

from mprunner.actors.bootstrap import gil_enabled
from mprunner.actors.group import run_actors
from mprunner.actors.thread_gate import (
    MAX_INTERVAL_S,
    SLACKS_NS,
    TIMED_ROUNDS,
    ThreadSpinGate,
    ask_for_timers,
)


@pytest.fixture
def switch_interval():
    """Set the switch interval for one test."""
    before = sys.getswitchinterval()
    yield sys.setswitchinterval
    sys.setswitchinterval(before)


def meet(work, **options):
    return run_actors(multiprocessing.get_context("fork"), [work] * 2, kind="thread", sync="spin", **options)


class Lazy:
    """A check-then-act cache."""

    def __init__(self):
        self.value, self.made = None, 0

    def get(self):
        if self.value is None:
            self.made += 1
            self.value = object()

    def settle(self):
        made = self.made
        self.value, self.made = None, 0
        return made


def test_a_check_and_an_act_a_microsecond_apart_are_taken_apart(switch_interval):
    """Threads that only come out of a gate under a GIL showed this in none of any number of rounds."""
    switch_interval(1e-6)
    lazy = Lazy()
    groups = (meet(lazy.get, rounds=1_000, settle=lazy.settle) for _ in range(60))
    assert any(2 in group.settled for group in groups)


def test_random_waits_are_counted_in_no_time(switch_interval, monkeypatch):
    """By clocks of the test's own, which both tick whenever they are read."""
    switch_interval(MAX_INTERVAL_S)
    ticks = count()
    for clock in ("perf_counter", "thread_time"):
        monkeypatch.setattr(f"mprunner.actors.thread_gate.{clock}", lambda: next(ticks) * 1e-6)
    gate = ThreadSpinGate(1)
    began, began_at = gate.clock(), next(ticks)
    for _ in range(100):
        gate._keep_the_gil(0, 1 << 31)
    waited_s = (next(ticks) - began_at) * 1e-6
    assert waited_s > 100 * MAX_INTERVAL_S / 10
    assert gate.idle_s(0) > 0.99 * waited_s
    assert gate.clock() - began < 0.01 * waited_s
    gate.close()


@pytest.mark.parametrize(("interval_s", "waits"), [(1e-6, True), (MAX_INTERVAL_S, True), (0.005, False)])
def test_threads_wait_at_random_only_under_a_gil_that_they_let_go_of_often(
    switch_interval, interval_s, waits
):
    switch_interval(interval_s)
    gate = ThreadSpinGate(2)
    assert gate.random_waits == (waits and gil_enabled())
    assert not ThreadSpinGate(1).random_waits
    gate.close()


@pytest.mark.parametrize(("round_s", "level"), [(0.0, 0), (0.01, 2)])
def test_where_rounds_take_long_the_timers_may_be_later(switch_interval, monkeypatch, round_s, level):
    """By a clock of the test's own: how long a round takes must not depend on this machine."""
    switch_interval(1e-6)
    ticks = iter(range(1_000_000))
    monkeypatch.setattr(
        "mprunner.actors.thread_gate.perf_counter", lambda: next(ticks) * round_s * TIMED_ROUNDS
    )
    gate = ThreadSpinGate(1)
    gate.random_waits = True
    for round_ in range(10 * TIMED_ROUNDS):
        gate.gather(round_)
    assert gate.level == level
    gate.close()


def test_a_thread_s_timers_are_its_own():
    def slack():
        with open(f"/proc/{threading.get_native_id()}/timerslack_ns") as file:
            return int(file.read())

    def ask():
        told.extend([ask_for_timers(SLACKS_NS[0]), slack()])

    try:
        before = slack()
    except OSError:
        pytest.skip("this system does not tell how late its timers are")
    told = []
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert told == [True, SLACKS_NS[0]]
    assert slack() == before
