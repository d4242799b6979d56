"""``limits``: what a trial that asks for more than it may have comes to, and that the next one is not touched."""

import sys

import pandas as pd
import pytest

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
