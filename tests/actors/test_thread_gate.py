"""The gate of threads: under a GIL they meet by random waits, which are counted in no time."""

import multiprocessing
import os
import sys
import threading
import time

import pytest

from mprunner.actors.bootstrap import gil_enabled
from mprunner.actors.group import run_actors
from mprunner.actors.thread_gate import MAX_INTERVAL_S, SLACK_NS, ThreadSpinGate, ask_for_exact_timers


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


@pytest.mark.skipif(not gil_enabled(), reason="needs a GIL")
@pytest.mark.parametrize("actors", [2, 2 * (os.cpu_count() or 1)])
def test_random_waits_are_counted_in_no_time(switch_interval, actors):
    switch_interval(MAX_INTERVAL_S)
    began, cpu = time.perf_counter(), time.process_time()
    result = run_actors(
        multiprocessing.get_context("fork"), [int] * actors, kind="thread", sync="spin", rounds=100
    )
    took_s, spent_s = time.perf_counter() - began, time.process_time() - cpu
    assert sum(actor.cpu_s for actor in result.actors) < spent_s / 2
    assert took_s - result.wall_s > spent_s / 2
    assert all(0 <= actor.wall_s <= result.wall_s for actor in result.actors)


@pytest.mark.parametrize(("interval_s", "waits"), [(1e-6, True), (MAX_INTERVAL_S, True), (0.005, False)])
def test_threads_wait_at_random_only_under_a_gil_that_they_let_go_of_often(
    switch_interval, interval_s, waits
):
    switch_interval(interval_s)
    gate = ThreadSpinGate(2)
    assert gate.random_waits == (waits and gil_enabled())
    assert not ThreadSpinGate(1).random_waits
    gate.close()


def test_a_thread_s_timers_are_its_own():
    def slack():
        with open(f"/proc/{threading.get_native_id()}/timerslack_ns") as file:
            return int(file.read())

    def ask():
        told.extend([ask_for_exact_timers(), slack()])

    try:
        before = slack()
    except OSError:
        pytest.skip("this system does not tell how late its timers are")
    told = []
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert told == [True, min(before, SLACK_NS)]
    assert slack() == before
