"""``limits``: what a trial that asks for more than it may have comes to, and that the next one is not touched."""

import os
import subprocess
import sys

import pytest

from mprunner.worker.containment import descendants, has_more_below
from mprunner.worker.watch import Crowd

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


@pytest.fixture
def greedy(ran):
    """Execute an experiment, which may fail; return what came of it, and its trials' statuses."""

    def run(text: str, *statuses: str):
        code = int(set(statuses) != {"ok"})
        done = ran(f"scenario: greedy\nrepeats: 1\n{text}", plugin="greedy", code=code)
        assert tuple(done.trials.status) == statuses
        return done

    return run


@needs_linux
@pytest.mark.parametrize("isolation", ["forked", "fresh"])
@pytest.mark.parametrize("way", ["memory", "many-small"])
def test_more_memory_than_a_process_may_have_is_memory_and_the_next_trial_is_ok(greedy, isolation, way):
    limited = f"isolation: {isolation}\nlimits: {{memory_per_process: 256MiB}}\n"
    done = greedy(f"{limited}params: {{way: {way}}}\nsweep: {{mib: [512, 1]}}\n", "memory", "ok")
    assert done.trials.error_type[0] == "MemoryError"


@needs_linux
def test_every_process_of_a_trial_is_limited_by_itself(greedy):
    methods = "sweep: {start_method: [fork, spawn, forkserver], mib: [512, 1]}\n"
    limited = "params: {way: child-memory}\nlimits: {memory_per_process: 256MiB}\n"
    assert list(greedy(limited + methods, *["ok"] * 6).trials.number) == [-1, 1 << 20] * 3


def test_without_a_limit_memory_is_what_the_machine_gives(greedy):
    greedy("params: {way: memory, mib: 300}\n", "ok")


def test_output_beyond_the_limit_is_output_limit_and_the_log_is_cut_to_it(greedy):
    limited = "params: {way: print}\nsweep: {mib: [2, 1]}\nlimits: {output: 1.5MiB}\n"
    logs = (greedy(limited, "output-limit", "ok").folder / "logs").iterdir()
    assert 1_572_864 < max(log.stat().st_size for log in logs) < 1_572_864 + 1000


def test_a_larger_limit_keeps_more_than_the_default_does(greedy):
    limited = "params: {way: print, mib: 11}\n"
    greedy(limited, "output-limit")
    greedy(f"{limited}limits: {{output: 12MiB}}\n", "ok")


reads_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")


@reads_proc
def test_more_processes_than_allowed_end_the_trial_and_nothing_is_left(greedy):
    # The fixture `token` fails if a process is left. 400 children at most, which would end by themselves.
    forks = "params: {way: forks}\nsweep: {wanted: [400, 3]}\nlimits: {processes: 50}\n"
    table = greedy(forks, "process-limit", "ok").trials
    assert table.trial_wall_s[0] < 15
    assert list(table.leaked) == [0, 3]


@reads_proc
def test_processes_nested_deeper_than_the_interpreter_s_stack_are_counted_and_ended(greedy):
    nested = "params: {way: nested, wanted: 1100}\nlimits: {processes: 2000}\n"
    assert list(greedy(nested, "ok").trials.leaked) == [1101]


@reads_proc
def test_threads_are_no_processes(greedy):
    greedy("params: {way: threads, wanted: 20}\nlimits: {processes: 2}\n", "ok")


@reads_proc
def test_processes_are_counted_up_to_the_limit_and_no_further(token):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        below = len(list(descendants(os.getpid())))
        assert has_more_below(os.getpid(), below - 1)
        assert not has_more_below(os.getpid(), below)
        child.communicate(b"\n")


def test_a_look_that_took_long_is_not_soon_taken_again(monkeypatch):
    times = iter([10.0, 10.004, 10.5, 10.9, 10.9])
    monkeypatch.setattr("mprunner.worker.watch.monotonic", lambda: next(times))
    looks = []
    crowd = Crowd(5, lambda pid, most: bool(looks.append(most)) or True)
    assert [crowd.is_over(), crowd.is_over(), crowd.is_over()] == [True, False, True]
    assert looks == [5, 5]
