"""``isolation``: workers forked from a launcher that has imported the scenario, or interpreters of their own."""

import signal
import sys

import pytest

from mprunner.model.records import Status
from tests.process.local import Local
from tests.support import PLUGINS, left_by_trials, marked

STARTS_A_THREAD = """
import os, sys, threading, time
if sys.argv[0].endswith("worker/__main__.py"):  # this process would keep it for all other tests
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
"""


def run_family(ran, more="", before="", code=0):
    source = before + (PLUGINS / "family.py").read_text()
    return ran(f"scenario: family\nrepeats: 3\n{more}", plugin=source, code=code)


def test_a_fresh_worker_imports_the_scenario_itself_and_a_forked_one_has_it(ran):
    """Isolation is part of a case's identity, too."""
    cases = set()
    for isolation, imported_here in (("forked", False), ("fresh", True)):
        done = run_family(ran, f"isolation: {isolation}\n")
        assert list(done.trials.imported_here) == [imported_here] * 3
        assert done.trials.worker.nunique() == 3
        assert done.trials.launcher.nunique() == 1
        assert done.json["isolation"] == isolation
        assert "warning" not in done.stderr
        cases |= set(done.trials.case_id)
    assert len(cases) == 2


def test_a_plugin_that_starts_a_thread_at_import_is_warned_about_once_and_isolated_freshly(ran):
    forked = run_family(ran)
    done = run_family(ran, before=STARTS_A_THREAD)
    assert done.stderr.count("warning: plugin.py starts a thread when it is imported") == 1
    assert done.trials.imported_here.all()
    assert done.json["isolation"] == "fresh"
    assert set(done.trials.case_id) == set(forked.trials.case_id)  # an identity says what the experiment says


def test_no_warning_where_the_experiment_says_fresh_itself(ran):
    assert "warning" not in run_family(ran, "isolation: fresh\n", before=STARTS_A_THREAD).stderr


def test_a_plugin_that_a_fresh_worker_can_not_import_is_an_error_of_the_trial(ran):
    before = "import sys\nif '--fresh' in sys.argv:\n    raise ImportError('not in here')\n"
    done = run_family(ran, "isolation: fresh\n", before=before, code=1)
    row = done.trials.iloc[0]
    assert (row.status, row.error_type, row.error_message) == ("error", "ImportError", "not in here")
    assert "ImportError: not in here" in (done.folder / "logs" / f"{row.trial_id}.1.log").read_text()


def test_actors_of_every_kind_start_in_a_fresh_worker(ran):
    sweep = "sweep: {start_method: [fork, spawn, forkserver]}\nrepeats: 1\n"
    ran(f"scenario: one-file\nisolation: fresh\n{sweep}", plugin="onefile")


@pytest.fixture(scope="module")
def fresh():
    with marked(), Local("misbehave", isolation="fresh") as executor:
        yield executor


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
    record = fresh.record(tmp_path, way=way)
    assert (record.status, record.ending.exit_code, record.ending.signal) == (status, exit_code, number)
    assert fresh.status(tmp_path, way="ok") == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="a process group promises less")
def test_a_timeout_ends_a_fresh_worker_and_all_below_it_and_shows_its_stack(tmp_path, token):
    with Local("misbehave", isolation="fresh") as fresh:
        assert fresh.status(tmp_path, timeout_s=3.0, way="hang-with-children") == "timeout"
        assert left_by_trials(fresh, token) == []
    assert "in _hang_with_children" in (tmp_path / "hang-with-children.1.log").read_text()


@pytest.mark.parametrize("isolation", ["forked", "fresh"])
def test_a_worker_leaves_no_signal_ignored_or_blocked(token, tmp_path, isolation):
    """Its launcher ignores INT, TERM and HUP, and a new program keeps what was ignored."""
    with Local("misbehave", isolation=isolation) as executor:
        assert executor.status(tmp_path, way="default-signals") == "ok"
