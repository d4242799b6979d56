"""The experiments of the repository, each in a quick variant: executed whole, on all CPUs and on one."""

import dataclasses
import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mprunner_scenarios import locked_counter, pool_map, race_bank, spawn_count
from tests.support import ROOT

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
    sweep = experiment["sweep"]
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
@pytest.mark.parametrize("file", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_experiment_finishes_with_all_trials_ok(program, tmp_path, monkeypatch, file: Path, cpus):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for the functions of own-function.yaml
    if cpus == "one CPU" and not hasattr(os, "sched_setaffinity"):
        pytest.skip("no way to bind a process to one CPU here")
    (tmp_path / file.name).write_text(
        yaml.safe_dump(quick(yaml.safe_load(file.read_text())), sort_keys=False)
    )
    options = {"preexec_fn": _use_one_cpu} if cpus == "one CPU" else {}
    done = program("run", file.name, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = pd.read_csv(tmp_path / "results" / file.stem / "latest" / "trials.csv")
    assert len(trials) > 1
    assert set(trials["status"]) == {"ok"}


def _use_one_cpu():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
