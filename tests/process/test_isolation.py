"""``isolation``: workers forked from a launcher that has imported the scenario, or interpreters of their own."""

import json
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.model.records import Record, Status
from tests.process.test_statuses import attempt
from tests.support import PLUGINS, left_by_trials

SOURCE = ScenarioSource(
    module="mprunner_plugin_misbehave",
    qualname="Misbehave",
    files={"mprunner_plugin_misbehave": str(PLUGINS / "misbehave.py")},
    isolation="fresh",
)
STARTS_A_THREAD = (
    "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
)


def results(tmp_path: Path) -> Path:
    return tmp_path / "results" / "interpreter" / "latest"


def run_interpreter(program, tmp_path: Path, more: str = "", before: str = ""):
    plugin = tmp_path / "interpreter.py"
    plugin.write_text(before + (PLUGINS / "interpreter.py").read_text())
    (tmp_path / "interpreter.yaml").write_text(f"scenario: interpreter\nrepeats: 3\n{more}")
    return program("run", "interpreter.yaml", "--plugin", plugin)


def test_a_fresh_worker_imports_the_scenario_itself_and_a_forked_one_has_it(program, tmp_path):
    """Isolation is part of a case's identity, too."""
    cases = set()
    for isolation, imported_here in (("forked", False), ("fresh", True)):
        done = run_interpreter(program, tmp_path, f"isolation: {isolation}\n")
        assert done.returncode == 0, done.stderr
        table = pd.read_csv(results(tmp_path) / "trials.csv")
        assert list(table.imported_here) == [imported_here] * 3
        assert table.worker.nunique() == 3
        assert table.launcher.nunique() == 1
        assert json.loads((results(tmp_path) / "run.json").read_text())["isolation"] == isolation
        assert "warning" not in done.stderr
        cases |= set(table.case_id)
    assert len(cases) == 2


def test_a_plugin_that_starts_a_thread_at_import_is_warned_about_once_and_isolated_freshly(program, tmp_path):
    run_interpreter(program, tmp_path)
    forked = pd.read_csv(results(tmp_path) / "trials.csv")
    done = run_interpreter(program, tmp_path, before=STARTS_A_THREAD)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning: interpreter.py starts a thread when it is imported") == 1
    table = pd.read_csv(results(tmp_path) / "trials.csv")
    assert table.imported_here.all()
    assert json.loads((results(tmp_path) / "run.json").read_text())["isolation"] == "fresh"
    assert set(table.case_id) == set(forked.case_id)  # an identity says what the experiment says


def test_no_warning_where_the_experiment_says_fresh_itself(program, tmp_path):
    done = run_interpreter(program, tmp_path, "isolation: fresh\n", before=STARTS_A_THREAD)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_a_plugin_that_a_fresh_worker_can_not_import_is_an_error_of_the_trial(program, tmp_path):
    before = "import sys\nif '--fresh' in sys.argv:\n    raise ImportError('not in here')\n"
    done = run_interpreter(program, tmp_path, "isolation: fresh\n", before=before)
    assert done.returncode == 1, done.stderr
    row = pd.read_csv(results(tmp_path) / "trials.csv").iloc[0]
    assert (row.status, row.error_type, row.error_message) == ("error", "ImportError", "not in here")
    log = (results(tmp_path) / "logs" / f"{row.trial_id}.1.log").read_text()
    assert "ImportError: not in here" in log


def test_actors_of_every_kind_start_in_a_fresh_worker(program, tmp_path):
    (tmp_path / "onefile.yaml").write_text(
        "scenario: one-file\nsweep: {start_method: [fork, spawn, forkserver]}\nrepeats: 1\nisolation: fresh\n"
    )
    done = program("run", "onefile.yaml", "--plugin", PLUGINS / "onefile.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def fresh(token):
    executor = LocalExecutor(SOURCE)
    executor.start()
    yield executor
    executor.close()


def execute(executor: LocalExecutor, way: str, logs: Path, timeout_s: float = 60.0) -> Record:
    with Interrupt() as interrupt:
        return executor.execute(attempt(way, timeout_s), logs, interrupt)


@pytest.mark.parametrize(
    ("way", "status", "exit_code", "number"),
    [
        ("raise", Status.ERROR, 0, None),
        ("exit", Status.EXIT, 7, None),
        ("os-exit", Status.NO_RESULT, 3, None),
        ("segv", Status.SIGNAL, None, signal.SIGSEGV),
        ("memory", Status.MEMORY, 0, None),
        ("too-large", Status.BAD_RESULT, 0, None),
        ("raw-fork", Status.OK, 0, None),
        ("use-tmp", Status.OK, 0, None),
        ("print-and-kill-launcher", Status.LOST, None, None),
    ],
)
def test_a_fresh_worker_ends_with_the_same_statuses(fresh, tmp_path, way, status, exit_code, number):
    record = execute(fresh, way, tmp_path)
    assert (record.status, record.ending.exit_code, record.ending.signal) == (status, exit_code, number)
    assert execute(fresh, "ok", tmp_path).status is Status.OK


@pytest.mark.skipif(sys.platform != "linux", reason="a process group promises less")
def test_a_timeout_ends_a_fresh_worker_and_all_below_it_and_shows_its_stack(fresh, tmp_path, token):
    record = execute(fresh, "hang-with-children", tmp_path, timeout_s=3.0)
    assert record.status is Status.TIMEOUT
    assert left_by_trials(fresh, token) == []
    assert "in _hang_with_children" in (tmp_path / "hang-with-children.1.log").read_text()


def test_a_fresh_worker_leaves_no_signal_ignored_or_blocked(fresh, tmp_path):
    """Its launcher ignores INT, TERM and HUP, and a new program keeps what was ignored."""
    assert execute(fresh, "default-signals", tmp_path).status is Status.OK


def test_a_forked_worker_leaves_no_signal_ignored_or_blocked(token, tmp_path):
    executor = LocalExecutor(
        ScenarioSource(module=SOURCE.module, qualname=SOURCE.qualname, files=SOURCE.files)
    )
    executor.start()
    try:
        assert execute(executor, "default-signals", tmp_path).status is Status.OK
    finally:
        executor.close()
