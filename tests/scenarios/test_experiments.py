"""The experiments of the repository, each in a quick variant: executed whole, on all CPUs and on one."""

import dataclasses
import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from mprunner.analysis.verdict import FAILING
from mprunner.executors import Interrupt
from mprunner.model.records import Ending, OutcomeCount, Result, ResultKind
from mprunner.report.findings import told
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from mprunner.workflow.tabulate import tabulate
from mprunner_scenarios import locked_counter, own_race, pool_map, race_bank, spawn_count
from tests.fake_executor import FakeExecutor
from tests.support import ROOT, one_cpu, trials_of

AT_MOST = {
    "n": 2_000,
    "transactions": 200,
    "rounds": 30,
    "numbers": 60,
    "squares": 200,
    "iterations": 5,
    "pause_s": 0.001,
    "payload_bytes": 1_000,
}
"""The largest values of params that decide how long a trial takes."""

PARAMS = {
    "locked-counter": locked_counter.Params,
    "own-race": own_race.Params,
    "pool-map": pool_map.Params,
    "race-bank": race_bank.Params,
    "spawn-count": spawn_count.Params,
}


def quick(experiment: dict) -> dict:
    """Return the experiment with one repeat and little work in each trial."""
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(PARAMS[experiment["scenario"]])
        if field.name in AT_MOST
    }
    params = experiment.get("params", {})
    if "items" in params:  # of the user's own function
        params |= {"numbers": 4}
    variants = experiment.get("variants", {})
    for each in variants.values():
        each.pop("revision", None)  # the copy is in no repository
    sweep = experiment.get("sweep", {})
    parts = [
        {name: value for name, value in defaults.items() if name not in params} | part
        for part in (sweep if isinstance(sweep, list) else [sweep])
    ]
    return experiment | {
        "repeats": 1,
        "params": {name: _clipped(name, value) for name, value in params.items()},
        "sweep": [{name: _clipped(name, value) for name, value in part.items()} for part in parts],
    }


def _clipped(name, value):
    if isinstance(value, list):
        return list(dict.fromkeys(_clipped(name, item) for item in value))
    return min(value, AT_MOST[name]) if name in AT_MOST and value is not None else value


@pytest.mark.parametrize("cpus", ["all CPUs", "one CPU"])
def test_every_experiment_finishes_with_trials_that_end_as_it_expects(program, tmp_path, monkeypatch, cpus):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the functions of own-function.yaml
    files = sorted((ROOT / "experiments").glob("*.yaml"))
    for file in files:
        experiment = quick(yaml.safe_load(file.read_text()))
        (tmp_path / file.name).write_text(yaml.safe_dump(experiment, sort_keys=False))
    for file in (ROOT / "experiments").glob("*.py"):
        shutil.copy(file, tmp_path)
    with one_cpu() if cpus == "one CPU" else nullcontext():
        done = program("run", ".")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    failing = [file.stem for file in files if _has_failed(file, tmp_path / "results" / file.stem / "latest")]
    assert done.returncode == (1 if failing else 0)


def _has_failed(file: Path, folder: Path) -> bool:
    """Look at a run of which no trial has failed; whether its verdict is that it has failed all the same."""
    rules = yaml.safe_load(file.read_text()).get("expect", [])
    statuses = {rule["status"] for rule in rules if "status" in rule}
    assert set(trials_of(folder)["status"]) <= {"ok", *statuses}, folder
    findings = json.loads((folder / "verdict.json").read_text())["findings"]
    failing = [finding for finding in findings if finding["found"] in FAILING]
    # A race of a few rounds need not show, least of all on one CPU; nothing else may be otherwise than expected.
    assert all("at least 1" in finding["about"] for finding in failing), failing
    return bool(failing)


def test_every_experiment_is_called_as_its_file_and_says_what_it_asks_and_expects():
    for file in (ROOT / "experiments").glob("*.yaml"):
        said = yaml.safe_load(file.read_text())
        assert said["name"] == file.stem
        assert said["description"]
        assert {"outcomes", "expect"} & set(said), file.name


@pytest.fixture
def bank(tmp_path):
    """A function that executes experiments/bank.yaml with a made-up bank in place of processes, and judges it."""

    def verdict(lost):
        prepared = prepare(ROOT / "experiments" / "bank.yaml")
        executor = FakeExecutor(lambda attempt: _as_if(attempt, lost(attempt)))
        with Interrupt() as interrupt:
            executed = pipeline.run(prepared, executor, tmp_path, interrupt)
        tabled = tabulate(executed.folder)
        return tabled.judgement

    return verdict


def _as_if(attempt, lost):
    """What a bank sends of a trial in which so many updates were lost."""
    metrics = {
        "final_balance": 100 - lost,
        "lost_updates": lost,
        "lossy_rounds": min(lost, 1),
        "lossy_share": min(lost, 1) / attempt.params["rounds"],
        "wall_s": 0.1,
        "rounds_per_s": 1.0,
        "transactions_per_s": 1.0,
        "lock_wait_s": None,
        "lock_hold_s": None,
    }
    seen = [(100, attempt.params["rounds"] - min(lost, 1)), (100 - lost, min(lost, 1))]
    outcomes = [OutcomeCount(variable="final_balance", value=v, count=n) for v, n in seen if n]
    result = Result(kind=ResultKind.OK, metrics=metrics, outcomes=outcomes)
    return Ending(exit_code=0, wall_s=0.2, result=result)


def _as_expected(attempt):
    params = attempt.params
    return 3 if params["guard"] == "none" and params["mode"] == "concurrent" else 0


def test_the_bank_passes_where_the_race_shows_and_the_lock_helps(bank):
    assert bank(_as_expected).verdict == "passed"


def test_the_bank_fails_if_the_lock_loses_a_single_update(bank):
    def lost(attempt):
        once = attempt.params["guard"] == "lock" and attempt.repeat == 7
        return 1 if once and attempt.params["sync"] == "spin" else _as_expected(attempt)

    judgement = bank(lost)
    assert judgement.verdict == "failed"
    failing = [(finding.found, told(finding)) for finding in judgement.findings if finding.fails]
    assert failing == [
        ("forbidden", "99 in 1 of 10,000 observations (0.01%)"),
        ("missed", "1 in 1 of 10 trials"),
    ]


def test_the_bank_fails_if_the_gated_race_never_shows(bank):
    def lost(attempt):
        return 0 if attempt.params["sync"] == "spin" else _as_expected(attempt)

    judgement = bank(lost)
    assert judgement.verdict == "failed"
    failing = [(finding.found, told(finding)) for finding in judgement.findings if finding.fails]
    assert failing == [("missed", "0 in 10 of 10 trials")]
