"""Fixtures: an experiment file in an empty folder, read, or the rendering of its problems."""

from pathlib import Path

import pytest

from mprunner.experiment import Asked, ExperimentFileError, read_experiment
from tests.experiment.scenarios import scenario_of


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
def problems(read):
    """Return a function that reads a wrong text and returns the error message."""

    def call(text, name="bank.yaml", **asked):
        with pytest.raises(ExperimentFileError) as caught:
            read(text, name, **asked)
        assert caught.value.hint is None
        return caught.value.message

    return call
