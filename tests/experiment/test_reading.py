"""From a file to an experiment, and the errors about a wrong one."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mprunner.errors import ExperimentError, PluginError
from mprunner.experiment import Experiment, count, read_experiment
from mprunner.model.records import Limits
from mprunner.model.rules import Rules
from tests.experiment.scenarios import scenario_of
from tests.experiment.test_expecting import RULES


def test_a_scenario_alone_is_an_experiment_with_every_default(read):
    defaults = {"repeats": 5, "warmup": 0, "order": "interleaved", "seed": 0, "timeout_s": 60.0, "retries": 0}
    settings = {**defaults, "on_failure": "stop-if-all", "params": {}, "sweep": (), "baseline": None}
    source = b"scenario: bank\n"
    assert read(source) == Experiment(
        name="bank", scenario="bank", description="", path="bank.yaml", source=source, **settings
    )


FULL = """\
name: my-bank
description: |
  Does it lose updates?
  And what does a lock cost?
scenario: bank
params: {transactions: 1000, pause_s: 1, workers: cpu_count, chunk: null}
sweep:
  - guard: [none, lock]
    level: [1, 2]
  - {guard: rlock, fair: [true, false]}
  - {"label,guard": [[a, none], [b, lock]]}
exclude: [{guard: lock, level: 2}]
repeats: 10
warmup: 1
order: shuffled
seed: 2024
timeout: 2m
on_failure: stop
isolation: fresh
cpus: [3, 1]
limits: {memory_per_process: 1GiB, processes: 256, output: 1.5 MB}
retries: 2
baseline: {guard: none}
"""


def test_every_key_is_read(read):
    experiment = read(FULL)
    assert experiment == Experiment(
        name="my-bank",
        scenario="bank",
        description="Does it lose updates?\nAnd what does a lock cost?\n",
        params={"transactions": 1000, "pause_s": 1.0, "workers": "cpu_count", "chunk": None},
        sweep=(
            {"guard": ("none", "lock"), "level": (1, 2)},
            {"guard": ("rlock",), "fair": (True, False)},
            {"label, guard": (("a", "none"), ("b", "lock"))},
        ),
        exclude=({"guard": "lock", "level": 2},),
        repeats=10,
        warmup=1,
        order="shuffled",
        seed=2024,
        timeout_s=120.0,
        on_failure="stop",
        isolation="fresh",
        cpus=(1, 3),
        limits=Limits(memory_per_process=1 << 30, processes=256, output=1_500_000),
        retries=2,
        baseline={"guard": "none"},
        path="bank.yaml",
        source=FULL.encode(),
    )
    assert isinstance(experiment.params["pause_s"], float)


def test_an_experiment_survives_json_but_for_its_source_and_one_of_an_earlier_version_is_read(read):
    experiment = read(FULL + RULES, overrides=["repeats=3"], only=["guard=lock", "level=[1, 2]"])
    value = json.loads(json.dumps(experiment.to_json()))
    assert "source" not in value
    assert Experiment.from_json(value, experiment.source) == experiment
    for later in ("exclude", "overrides", "only", "outcomes", "expect"):
        del value[later]
    earlier = replace(experiment, exclude=(), overrides=(), only=(), rules=Rules(), source=b"")
    assert Experiment.from_json(value) == earlier


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5", 5.0),
        ("0.5", 0.5),
        ("90s", 90.0),
        ('"2m"', 120.0),
        ("1.5 h", 5400.0),
        ("500ms", 0.5),
        ("7 us", 7e-06),
        ("604800", 604800.0),
    ],
)
def test_a_timeout_is_seconds_or_a_number_with_a_unit(read, written, seconds):
    assert read(f"scenario: bank\ntimeout: {written}\n").timeout_s == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [
        *[("100000", 100_000), ("64KiB", 65_536), ("64 KiB", 65_536), ("100kB", 100_000), ("1GiB", 1 << 30)],
        *[("1.5MiB", 1_572_864), ("10MB", 10_000_000), ("2GB", 2_000_000_000), ('"70000 B"', 70_000)],
    ],
)
def test_a_size_is_bytes_or_a_number_with_a_unit(read, written, size):
    assert read(f"scenario: bank\nlimits: {{output: {written}}}\n").limits.output == size


def test_an_unknown_scenario_is_reported_where_it_is_named_with_the_rest(told):
    """Its params can't be checked, but their shape, and what is fixed, swept or given twice, can."""
    assert told("scenario: bnak\nparams: {a: [1]}\nsweep: {a: [1, 1], b: []}\nrepeats: 0\n") == [
        "1:11: scenario: there is no scenario 'bnak'",
        "2:13: params.a: must be one value, not a list",
        "3:16: sweep.a[1]: 1 is given twice",
        "3:23: sweep.b: is an empty list",
        "4:10: repeats: must be at least 1, not 0",
    ]


def test_a_missing_scenario_is_told_beside_an_unknown_key(told):
    assert told("repeat: 3\n") == ["1:1: required key 'scenario' is missing", "1:1: repeat: unknown key"]


def test_the_name_of_a_file_that_is_no_name_does_no_harm_to_one_that_has_another(read):
    assert read("scenario: bank\nname: mine\n", "My Bank.yaml").name == "mine"


def test_a_sweep_of_too_many_trials_is_told_what_counts(mistakes):
    text = "scenario: bank\nrepeats: 3\nwarmup: 1\nexclude: [{chunk: 1}]\n"
    text += "sweep: {transactions: {from: 1, to: 1000, step: 1}, chunk: {from: 1, to: 251, step: 1}}\n"
    (mistake,) = mistakes(text)
    assert mistake.message == "makes 1,004,000 trials (251,000 combinations × 4); the most is 1,000,000"
    assert mistake.hint == "combinations that `exclude` leaves out count as well"


def test_a_sweep_of_as_many_trials_as_there_may_be_is_read_without_making_one(read):
    ranges = "{transactions: {from: 1, to: 1000, step: 1}, chunk: {from: 1, to: 200, step: 1}}"
    assert count(read(f"scenario: bank\nsweep: {ranges}\n")) == 200_000


def test_too_many_trials_of_one_case_are_refused(told):
    message = "makes 1,000,005 trials (1 combination × 1,000,005); the most is 1,000,000"
    assert told("scenario: bank\nwarmup: 1000000\n") == [f"2:1: warmup: {message}"]


@pytest.fixture
def failure(tmp_path, monkeypatch):
    """Return a function that reads a path and returns the message and hint of what is wrong with it."""
    monkeypatch.chdir(tmp_path)

    def call(path):
        with pytest.raises(ExperimentError) as caught:
            read_experiment(Path(path), scenario_of)
        return caught.value.message, caught.value.hint

    return call


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_says_how_to_begin(failure, text):
    Path("bank.yaml").write_text(text)
    assert failure("bank.yaml") == ("bank.yaml: the file is empty", "begin it with `scenario: NAME`")


def test_a_missing_file_names_the_nearest(failure):
    assert failure("bank.yaml") == ("there is no file bank.yaml", "there is no experiment in .")
    Path("experiments").mkdir()
    Path("experiments/bank.yaml").touch()
    Path("experiments/bank.txt").touch()
    for path, hint in (
        ("experiments/bnak.yaml", "did you mean 'experiments/bank.yaml'?"),
        ("experiments/xyz", "experiments holds bank.yaml"),
        ("nowhere/bank.yaml", "there is no experiment in nowhere"),
    ):
        assert failure(path) == (f"there is no file {path}", hint)


def test_a_folder_asks_for_a_file_in_it(failure):
    Path("experiments").mkdir()
    assert failure("experiments") == ("experiments is a folder", "name a file in it")
    Path("experiments/bank.yaml").touch()
    hint = "name a file in it, such as experiments/bank.yaml"
    assert failure("experiments") == ("experiments is a folder", hint)


@pytest.mark.parametrize("path", ["a/" * 5_000, "b" * 5_000, "bank.yaml/bank.yaml", "a\0b"])
def test_a_path_that_can_be_no_file_is_an_error_with_a_hint(failure, path):
    Path("bank.yaml").touch()
    message, hint = failure(path)
    assert "can't be read: " in message
    assert hint


def test_a_pipe_is_refused_and_nothing_waits_for_what_is_written_into_it(failure):
    os.mkfifo("bank.yaml")
    hint = "save the experiment in a file, and name that"
    assert failure("bank.yaml") == ("bank.yaml is no regular file", hint)


def test_a_link_to_what_is_not_there_says_so(failure):
    Path("bank.yaml").symlink_to("old/bank.yaml")
    message = "bank.yaml is a link to old/bank.yaml, which is not there"
    assert failure("bank.yaml") == (message, "mend the link")


def test_an_error_of_a_plugin_is_passed_on(read, tmp_path):
    def broken(name):
        raise PluginError(f"the plugin of {name} is broken")

    path = tmp_path / "bank.yaml"
    path.write_text("scenario: bank\nrepeats: ten\n")
    with pytest.raises(PluginError, match=r"^the plugin of bank is broken$"):
        read_experiment(path, broken)
