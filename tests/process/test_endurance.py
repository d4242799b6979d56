"""What a long run, a loud trial and a careless fork do to the runner and its launcher: nothing."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from mprunner.model.records import DEFAULT_OUTPUT_BYTES
from tests.support import PLUGINS, command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process holds is read from /proc")

MIB = 1 << 20
MISBEHAVE = PLUGINS / "misbehave.py"


@pytest.fixture
def watched(tmp_path, token, monkeypatch):
    """Execute misbehaving trials, and return what runner and launcher held after each, and the table of trials."""
    monkeypatch.setenv("WATCHED", str(tmp_path / "watched.jsonl"))

    def run(ways: str, repeats: int):
        (tmp_path / "long.yaml").write_text(
            f"scenario: misbehave\nsweep: {{way: [{ways}]}}\nrepeats: {repeats}\norder: sequential\n"
        )
        plugins = ["--plugin", MISBEHAVE, "--plugin", PLUGINS / "watcher.py"]
        line = command("run", "-q", "long.yaml", *plugins)
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        lines = (tmp_path / "watched.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines], pd.read_csv(
            tmp_path / "results" / "long" / "latest" / "trials.csv"
        )

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
    logs = sorted((tmp_path / "results" / "long" / "latest" / "logs").iterdir())
    assert len(logs) == 2
    assert all(DEFAULT_OUTPUT_BYTES < log.stat().st_size < DEFAULT_OUTPUT_BYTES + 1000 for log in logs)


def test_a_forked_child_that_comes_back_from_run_makes_no_second_row(watched):
    _, table = watched("raw-fork, ok", 3)
    assert list(table.status) == ["ok"] * 6
    assert table.trial_id.nunique() == 6


def test_a_launcher_imports_nothing_heavy_of_its_own():
    """Apart from any plugin: what `python -m mprunner.worker` has imported before it knows the scenario."""
    script = (
        "import sys, mprunner.worker.launcher, mprunner.worker.forking, mprunner.worker.trial as trial\n"
        "import importlib\n"
        "for name in trial.PRELOADED: importlib.import_module(name)\n"
        "print([name for name in ('pandas', 'numpy', 'pydantic', 'psutil', 'yaml', 'click', 'rich', 'pluggy')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
