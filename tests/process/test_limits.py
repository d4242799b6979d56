"""``limits``: what a trial that asks for more than it may have comes to, and that the next one is not touched."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from mprunner.model.records import Ending, Status, classify
from mprunner.worker.containment import descendants, has_more_below
from mprunner.worker.watch import Crowd
from tests.support import PLUGINS

PLUGIN = PLUGINS / "greedy.py"
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


@pytest.fixture
def statuses(program, tmp_path):
    """Execute an experiment; return its trials' statuses, and the table."""

    def run(text: str):
        (tmp_path / "greedy.yaml").write_text(f"scenario: greedy\nrepeats: 1\n{text}")
        done = program("run", "greedy.yaml", "--plugin", PLUGIN)
        assert done.returncode in (0, 1), done.stderr
        table = pd.read_csv(tmp_path / "results" / "greedy" / "latest" / "trials.csv")
        return list(table.status), table

    return run


@needs_linux
@pytest.mark.parametrize("isolation", ["forked", "fresh"])
@pytest.mark.parametrize("way", ["memory", "many-small"])
def test_more_memory_than_a_process_may_have_is_memory_and_the_next_trial_is_ok(statuses, isolation, way):
    sweep = f"params: {{way: {way}}}\nsweep: {{mib: [512, 1]}}\n"
    seen, table = statuses(f"isolation: {isolation}\nlimits: {{memory_per_process: 256MiB}}\n{sweep}")
    assert seen == ["memory", "ok"]
    assert table.error_type[0] == "MemoryError"


@needs_linux
def test_every_process_of_a_trial_is_limited_by_itself(statuses):
    methods = "sweep: {start_method: [fork, spawn, forkserver], mib: [512, 1]}"
    seen, table = statuses(
        f"params: {{way: child-memory}}\nlimits: {{memory_per_process: 256MiB}}\n{methods}\n"
    )
    assert seen == ["ok"] * 6
    assert list(table.number) == [-1, 1 << 20] * 3


def test_without_a_limit_memory_is_what_the_machine_gives(statuses):
    assert statuses("params: {way: memory, mib: 300}\n")[0] == ["ok"]


def test_output_beyond_the_limit_is_output_limit_and_the_log_is_cut_to_it(statuses, tmp_path):
    limited = "params: {way: print}\nsweep: {mib: [2, 1]}\nlimits: {output: 1.5MiB}\n"
    assert statuses(limited)[0] == ["output-limit", "ok"]
    logs = tmp_path / "results" / "greedy" / "latest" / "logs"
    longest = max(log.stat().st_size for log in logs.iterdir())
    assert 1_572_864 < longest < 1_572_864 + 1000


def test_a_larger_limit_keeps_more_than_the_default_does(statuses):
    limited = "params: {way: print, mib: 11}\n"
    assert statuses(limited)[0] == ["output-limit"]
    assert statuses(f"{limited}limits: {{output: 12MiB}}\n")[0] == ["ok"]


reads_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")


@reads_proc
def test_more_processes_than_allowed_end_the_trial_and_nothing_is_left(statuses):
    # The fixture `token` fails if a process is left. 400 children at most, which would end by themselves.
    forks = "params: {way: forks}\nsweep: {wanted: [400, 3]}\nlimits: {processes: 50}\n"
    seen, table = statuses(forks)
    assert seen == ["process-limit", "ok"]
    assert table.trial_wall_s[0] < 15
    assert list(table.leaked) == [0, 3]


@reads_proc
def test_threads_are_no_processes(statuses):
    assert statuses("params: {way: threads, wanted: 20}\nlimits: {processes: 2}\n")[0] == ["ok"]


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


def test_the_status_of_too_many_processes_comes_after_those_of_time_and_output_and_before_a_signal():
    assert classify(Ending(over_processes=True, signal=9)) is Status.PROCESS_LIMIT
    assert classify(Ending(over_processes=True, over_output=True)) is Status.OUTPUT_LIMIT
    assert classify(Ending(over_processes=True, timed_out=True)) is Status.TIMEOUT
    assert classify(Ending(over_processes=True, cancelled=True)) is Status.CANCELLED
