"""What a trial that times out was doing: the Python stacks of all its processes, in its log."""

import subprocess
import sys

import pandas as pd
import pytest

from tests.support import (
    GENEROUS_S,
    PLUGINS,
    command,
    has_interpreters,
    latest,
    needs_interpreters,
    trials_of,
)

EXPERIMENT = "scenario: deadlock\nsweep: {start_method: [%s]}\nrepeats: 1\ntimeout: 6\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the worker is asked")
def test_a_deadlock_is_a_timeout_with_the_stacks_that_show_it(tmp_path, token):
    running = {}
    for method in ("fork", "spawn", "forkserver"):  # at the same time: each waits for its timeout
        (tmp_path / f"{method}.yaml").write_text(EXPERIMENT % method)
        arguments = command("run", f"{method}.yaml", "--plugin", PLUGINS / "deadlock.py")
        running[method] = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.DEVNULL)
    for method, process in running.items():
        assert process.wait(GENEROUS_S) == 1
        check_stacks(latest(tmp_path, method))


def check_stacks(folder):
    row = trials_of(folder).iloc[0]
    assert row.status == "timeout"
    log = (folder / "logs" / f"{row.trial_id}.1.log").read_text()
    assert log.count("in wait_for_the_other_one") == 2
    assert "in run_actors" in log
    assert log.count("mprunner: timeout: process ") >= 3


WAITED_FOR = """\
import os, queue, signal
from dataclasses import dataclass
from functools import partial
from typing import Literal
from mprunner.scenario import Scenario, Trial

@dataclass(frozen=True, kw_only=True)
class Params:
    kind: Literal["process", "thread"] = "process"

@dataclass(frozen=True, kw_only=True)
class Metrics:
    done: int

def wait(q):
    q.get()

def end(q, by_signal):
    if by_signal:
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("no value")

class WaitedFor(Scenario[Params, Metrics]):
    name = "waited-for"

    def run(self, params: Params, trial: Trial) -> Metrics:
        process = params.kind == "process"
        q = trial.context("fork").Queue() if process else queue.Queue()
        actors = [partial(wait, q), partial(end, q, process and trial.repeat == 0)]
        trial.run_actors(actors, kind=params.kind, sync="barrier")
        return Metrics(done=1)

def mprunner_register_scenarios():
    return [WaitedFor]
"""


def test_an_actor_that_others_wait_for_in_vain_is_named_in_log_summary_and_tables(ran):
    text = "scenario: waited-for\nsweep: {kind: [process, thread]}\nrepeats: 2\ntimeout: 1\n"
    done = ran(text, plugin=WAITED_FOR, code=1)
    killed, raised = "actor 1 was killed by signal 9", "actor 1 raised ValueError: no value"
    assert sorted(done.trials.status + ": " + done.trials.error_message) == sorted(
        [f"timeout: {killed}", *[f"timeout: {raised}"] * 3]
    )
    assert f"timeout: {killed}; over 1.00 s (1 of 4 trials" in done.stdout
    assert f"timeout: {raised}; over 1.00 s (3 of 4 trials" in done.stdout
    actors = pd.read_csv(done.folder / "actors.csv")
    assert sorted(
        zip(actors.actor, actors.exit_code.fillna(0), actors.error_type.fillna(""), strict=True)
    ) == [(1, -9, ""), (1, 0, "ValueError"), (1, 0, "ValueError"), (1, 1, "ValueError")]
    logs = [log.read_text() for log in (done.folder / "logs").iterdir()]
    assert sum(f"mprunner: {killed}\n" in log for log in logs) == 1
    assert sum("ValueError: no value" in log for log in logs) == 3


IN_INTERPRETERS = """\
import time
from dataclasses import dataclass
from mprunner.scenario import Scenario, Trial

@dataclass(frozen=True, kw_only=True)
class Params:
    pass

@dataclass(frozen=True, kw_only=True)
class Metrics:
    done: int

class InInterpreters(Scenario[Params, Metrics]):
    name = "in-interpreters"

    def run(self, params: Params, trial: Trial) -> Metrics:
        trial.run_actors([int, wait_for_ever], kind="interpreter", sync="spin", rounds=2).raise_failures()
        return Metrics(done=1)

def wait_for_ever():
    time.sleep(1000)

def mprunner_register_scenarios():
    return [InInterpreters]
"""


@needs_interpreters
def test_an_interpreter_that_hangs_is_a_timeout_and_the_stacks_say_that_one_is_waited_for(ran):
    done = ran("scenario: in-interpreters\nrepeats: 1\ntimeout: 2\n", plugin=IN_INTERPRETERS, code=1)
    assert list(done.trials.status) == ["timeout"]
    (log,) = (done.folder / "logs").iterdir()
    told = log.read_text()
    assert told.count("actors/interpreters.py") >= 2
    assert "in run_actors" in told


@pytest.mark.skipif(has_interpreters(), reason="this Python has interpreters")
def test_a_python_without_interpreters_is_an_error_of_the_trial_that_names_its_version(ran):
    done = ran("scenario: in-interpreters\nrepeats: 1\n", plugin=IN_INTERPRETERS, code=1)
    version = ".".join(map(str, sys.version_info[:3]))
    (message,) = done.trials.error_message
    assert message.startswith("kind interpreter needs Python 3.13 or later, and this is ")
    assert message.endswith(f" {version}")
