"""Fixtures: an experiment file in an empty folder, read, or what is said of it."""

from pathlib import Path

import pytest

from mprunner.experiment import Asked, ExperimentFileError, make_plan, read_experiment
from mprunner.model.declaration import declare
from tests.experiment.scenarios import Known, Toy, ToyParams, scenario_of


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a text as ``bank.yaml``, with what is said beside it (``overrides``, ``only``)."""
    monkeypatch.chdir(tmp_path)

    def call(text, name="bank.yaml", **asked):
        path = Path(name)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_experiment(
            path, scenario_of, Asked(**{key: tuple(value) for key, value in asked.items()})
        )

    return call


@pytest.fixture
def mistakes(read):
    """Return a function that reads a wrong text and returns its problems, in the order in which they are told."""

    def call(text, **asked):
        with pytest.raises(ExperimentFileError) as caught:
            read(text, **asked)
        assert caught.value.hint is None
        return caught.value.problems

    return call


@pytest.fixture
def problems(mistakes):
    """Return a function that reads a wrong text and returns the error message."""
    return lambda text, **asked: ExperimentFileError(mistakes(text, **asked)).message


@pytest.fixture
def told(mistakes):
    """Return a function that reads a wrong text and returns the first line of what is told of each problem.

    Its place in the file stands before it as ``2:10``, that in an option as ``--set KEY=VALUE``.
    """

    def call(text, **asked):
        lines = (problem.render().splitlines()[0] for problem in mistakes(text, **asked))
        return [line.removeprefix("bank.yaml:") for line in lines]

    return call


@pytest.fixture
def planned(tmp_path):
    """Return a function that plans an experiment of the toy, given as YAML, on a machine with two CPUs."""

    def call(text, *only, cpus=2, strict=False, overrides=()):
        file = tmp_path / "toy.yaml"
        file.write_text(f"scenario: toy\n{text}\n")
        asked = Asked(overrides=overrides, only=only)
        experiment = read_experiment(file, lambda name: Known(ToyParams, declare(Toy)), asked)
        return make_plan(experiment, declare(Toy), ToyParams, cpus, strict=strict)

    return call
