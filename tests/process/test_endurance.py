"""What a long run, a loud trial and a careless fork do to the runner and its launcher: nothing."""

import json
import sys

import pytest

from mprunner.model.records import DEFAULT_OUTPUT_BYTES
from tests.support import PLUGINS, latest, trials_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")

MIB = 1 << 20


@pytest.fixture
def watched(tmp_path, program, monkeypatch):
    """Execute misbehaving trials, and return what runner and launcher held after each, and the table of trials."""
    monkeypatch.setenv("WATCHED", str(tmp_path / "watched.jsonl"))

    def run(ways: str, repeats: int):
        (tmp_path / "long.yaml").write_text(
            f"scenario: misbehave\nsweep: {{way: [{ways}]}}\nrepeats: {repeats}\norder: sequential\n"
        )
        plugins = ["--plugin", PLUGINS / "misbehave.py", "--plugin", PLUGINS / "watcher.py"]
        assert program("run", "-q", "long.yaml", *plugins, timeout=800).stderr == ""
        lines = (tmp_path / "watched.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines], trials_of(latest(tmp_path, "long"))

    return run


@pytest.mark.parametrize(
    "repeats", [300, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_many_trials_cost_neither_descriptors_nor_memory(watched, repeats):
    after, table = watched("ok", repeats)
    assert set(table.status) == {"ok"}
    early, late = after[50], after[-1]
    for who in ("runner", "launcher"):
        assert late[who]["descriptors"] <= early[who]["descriptors"] + 2  # of a worker that waits already
        assert late[who]["rss"] - early[who]["rss"] < 4 * MIB
    assert late["children"] <= 2  # the launcher, and the worker that waits for the next order


def test_a_gigabyte_of_output_is_a_capped_log_and_costs_the_runner_no_memory(watched, tmp_path):
    after, table = watched("ok, print-a-gigabyte", 2)
    assert list(table.status) == ["ok", "ok", "output-limit", "output-limit"]
    quiet, loud = after[1], after[-1]
    for who in ("runner", "launcher"):
        assert loud[who]["rss"] - quiet[who]["rss"] < 4 * MIB
    logs = sorted((latest(tmp_path, "long") / "logs").iterdir())
    assert len(logs) == 2
    assert all(DEFAULT_OUTPUT_BYTES < log.stat().st_size < DEFAULT_OUTPUT_BYTES + 1000 for log in logs)


def test_a_forked_child_that_comes_back_from_run_makes_no_second_row(watched):
    _, table = watched("raw-fork, ok", 3)
    assert list(table.status) == ["ok"] * 6
    assert table.trial_id.nunique() == 6
