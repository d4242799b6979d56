"""Fixtures: an experiment file in an empty folder, read, or the rendering of its problems."""

from pathlib import Path

import pytest

from mprunner.spec import ExperimentFileError, read_experiment
from tests.spec.scenarios import scenario_of


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a function that reads a text as ``bank.yaml``."""
    monkeypatch.chdir(tmp_path)

    def call(text, name="bank.yaml"):
        path = Path(name)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_experiment(path, scenario_of)

    return call


@pytest.fixture
def problems(read):
    """Return a function that reads a wrong text and returns what a person is told."""

    def call(text, name="bank.yaml"):
        with pytest.raises(ExperimentFileError) as caught:
            read(text, name)
        assert caught.value.hint is None
        return caught.value.message

    return call
