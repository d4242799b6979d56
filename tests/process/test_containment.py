"""Children that try to outlive their trial, in every way known to defeat some means of ending them: none is left."""

import signal
import sys
import time

import pytest

from mprunner.model.records import Status
from mprunner.worker.containment import is_zombie
from tests.process.local import Local
from tests.support import launchers, left_by_trials, processes_marked, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process group promises less")

LEFT = {
    "stopped": 3,
    "ignoring-term": 3,
    "hundred": 100,
    "setsid": 1,
    "double-fork": 1,
    "parent-first": 1,
    "nested-subreaper": 2,
    "empty-environment": 1,
}


@pytest.fixture
def executor(token):
    with Local("attacks", "subreaper") as executor:
        yield executor


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_timeout(executor, tmp_path, token, attack):
    record = executor.record(tmp_path, timeout_s=1.5, attack=attack, then="hang")
    assert record.status is Status.TIMEOUT
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_trial_that_returned_and_its_row_says_how_many_there_were(
    executor, tmp_path, token, attack
):
    record = executor.record(tmp_path, attack=attack, then="return")
    assert record.status is Status.OK
    assert record.ending.leaked == LEFT[attack]
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize(("then", "status"), [("return", Status.OK), ("hang", Status.TIMEOUT)])
def test_a_hydra_is_ended_long_before_it_would_tire(executor, tmp_path, token, then, status):
    """Heads that each fork one successor and end, for a minute: always some are not on the list yet."""
    began = time.monotonic()
    record = executor.record(tmp_path, timeout_s=1.0, attack="hydra", then=then)
    assert record.status is status
    assert left_by_trials(executor, token) == []
    assert time.monotonic() - began < 30.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_trial_that_ends_or_stops_its_launcher_is_lost_and_the_run_goes_on(
    executor, tmp_path, token, monkeypatch, number
):
    monkeypatch.setattr("mprunner.executors.launcher_client.OVERDUE_S", 0.5)
    attack = {signal.SIGKILL: "kill-launcher", signal.SIGSTOP: "stop-launcher"}[number]
    record = executor.record(tmp_path, timeout_s=1.5, attack=attack, then="hang")
    assert record.status is Status.LOST
    assert processes_marked(token) == []
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    assert left_by_trials(executor, token) == []


def test_a_run_goes_on_after_a_trial_that_killed_its_launcher(ran, token):
    text = "scenario: attacks\nsweep: {attack: [kill-launcher, setsid]}\nrepeats: 2\n"
    assert list(ran(text, plugin="attacks", code=1).trials.status) == ["lost", "ok", "lost", "ok"]
    assert processes_marked(token) == []


def test_a_worker_that_dies_while_it_waits_for_its_order_costs_no_trial(executor, tmp_path):
    """It is forked before the order comes; a system short of memory may end it meanwhile."""
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
    (launcher,) = launchers()
    wait_until(launcher.children, "no worker waits")
    (waiting,) = launcher.children()
    waiting.kill()
    wait_until(lambda: is_zombie(waiting.pid), "it does not end")
    assert executor.status(tmp_path, attack="setsid", then="return") is Status.OK
