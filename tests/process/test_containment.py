"""Children that try to outlive their trial, in every way known to defeat some means of ending them: none is left."""

import signal
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.model.records import Attempt, Record, Status
from mprunner.worker.containment import is_zombie
from tests.support import PLUGINS, launchers, left_by_trials, processes_marked, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process group promises less")

ATTACKS = PLUGINS / "attacks.py"
SOURCE = ScenarioSource(
    module="mprunner_plugin_attacks", qualname="Attacks", files={"mprunner_plugin_attacks": str(ATTACKS)}
)
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


def attempt(attack: str, then: str, timeout_s: float = 60.0) -> Attempt:
    return Attempt(
        trial_id=f"{attack}-{then}",
        case_id="case",
        case_label=attack,
        repeat=0,
        attempt=1,
        order=0,
        is_warmup=False,
        seed=1,
        params={"attack": attack, "then": then},
        timeout_s=timeout_s,
    )


@pytest.fixture
def executor(token):
    executor = LocalExecutor(SOURCE, "subreaper")
    executor.start()
    yield executor
    executor.close()


def execute(executor: LocalExecutor, attempt_: Attempt, logs: Path) -> Record:
    with Interrupt() as interrupt:
        return executor.execute(attempt_, logs, interrupt)


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_timeout(executor, tmp_path, token, attack):
    record = execute(executor, attempt(attack, "hang", timeout_s=1.5), tmp_path)
    assert record.status is Status.TIMEOUT
    assert execute(executor, attempt("setsid", "return"), tmp_path).status is Status.OK
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize("attack", LEFT)
def test_no_process_survives_a_trial_that_returned_and_its_row_says_how_many_there_were(
    executor, tmp_path, token, attack
):
    record = execute(executor, attempt(attack, "return"), tmp_path)
    assert record.status is Status.OK
    assert record.ending.leaked == LEFT[attack]
    assert left_by_trials(executor, token) == []


@pytest.mark.parametrize(("then", "status"), [("return", Status.OK), ("hang", Status.TIMEOUT)])
def test_a_hydra_is_ended_long_before_it_would_tire(executor, tmp_path, token, then, status):
    """Heads that each fork one successor and end, for a minute: always some are not on the list yet."""
    began = time.monotonic()
    record = execute(executor, attempt("hydra", then, timeout_s=1.0), tmp_path)
    assert record.status is status
    assert left_by_trials(executor, token) == []
    assert time.monotonic() - began < 30.0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_trial_that_ends_or_stops_its_launcher_is_lost_and_the_run_goes_on(
    executor, tmp_path, token, monkeypatch, number
):
    monkeypatch.setattr("mprunner.executors.launcher_client.OVERDUE_S", 0.5)
    attack = {signal.SIGKILL: "kill-launcher", signal.SIGSTOP: "stop-launcher"}[number]
    record = execute(executor, attempt(attack, "hang", timeout_s=1.5), tmp_path)
    assert record.status is Status.LOST
    assert processes_marked(token) == []
    assert execute(executor, attempt("setsid", "return"), tmp_path).status is Status.OK
    assert left_by_trials(executor, token) == []


def test_a_run_goes_on_after_a_trial_that_killed_its_launcher(program, tmp_path, token):
    file = tmp_path / "attacks.yaml"
    file.write_text("scenario: attacks\nsweep: {attack: [kill-launcher, setsid]}\nrepeats: 2\n")
    done = program("run", file, "--plugin", ATTACKS)
    assert done.returncode == 1, done.stderr
    table = pd.read_csv(tmp_path / "results" / "attacks" / "latest" / "trials.csv")
    assert list(table.status) == ["lost", "ok", "lost", "ok"]
    assert processes_marked(token) == []


def test_a_worker_that_dies_while_it_waits_for_its_order_costs_no_trial(executor, tmp_path):
    """It is forked before the order comes; a system short of memory may end it meanwhile."""
    assert execute(executor, attempt("setsid", "return"), tmp_path).status is Status.OK
    (launcher,) = launchers()
    wait_until(launcher.children, "no worker waits")
    (waiting,) = launcher.children()
    waiting.kill()
    wait_until(lambda: is_zombie(waiting.pid), "it does not end")
    assert execute(executor, attempt("setsid", "return"), tmp_path).status is Status.OK
