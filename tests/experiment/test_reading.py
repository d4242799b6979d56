"""From a file to an experiment, and the errors about a wrong one."""

import json
import os
from pathlib import Path

import pytest

from mprunner.errors import ExperimentError, PluginError
from mprunner.experiment import Experiment, count, read_experiment
from mprunner.model.declaration import declare, types_of
from mprunner.model.records import Limits
from tests.experiment.scenarios import Known, scenario_of


def test_a_scenario_alone_is_an_experiment_with_every_default(read):
    assert read("scenario: bank\n") == Experiment(
        name="bank",
        scenario="bank",
        description="",
        params={},
        sweep=(),
        repeats=5,
        warmup=0,
        order="interleaved",
        seed=0,
        timeout_s=60.0,
        on_failure="continue",
        retries=0,
        baseline=None,
        path="bank.yaml",
        source=b"scenario: bank\n",
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
        ),
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


def test_an_experiment_survives_json_but_for_its_source(read):
    experiment = read(FULL)
    value = json.loads(json.dumps(experiment.to_json()))
    assert "source" not in value
    assert Experiment.from_json(value, experiment.source) == experiment
    assert Experiment.from_json(value).source == b""


def test_the_bundled_experiment_is_in_order():
    from mprunner_scenarios.race_bank import RaceBank

    path = Path(__file__).parents[2] / "experiments" / "bank.yaml"
    assert (
        read_experiment(path, lambda _: Known(types_of(RaceBank)[0], declare(RaceBank))).scenario
        == "race-bank"
    )


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5", 5.0), ("0.5", 0.5), ("90s", 90.0), ('"2m"', 120.0), ("1.5 h", 5400.0), ("604800", 604800.0)],
)
def test_a_timeout_is_seconds_or_a_number_with_a_unit(read, written, seconds):
    assert read(f"scenario: bank\ntimeout: {written}\n").timeout_s == seconds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0", "must be more than 0, not 0"),
        ("-1", "must be more than 0, not -1"),
        ("604801", "must be at most 604800, not 604801"),
        ("90d", "'90d' is not a time"),
        ("true", "must be a number, not true"),
        ("[1]", "must be a number, not a list"),
        ("", "has no value"),
    ],
)
def test_a_timeout_that_is_none_is_refused(problems, written, message):
    assert problems(f"scenario: bank\ntimeout: {written}\n").splitlines()[0].endswith(f" timeout: {message}")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("-1", "must be at least 0, not -1"),
        ("101", "must be at most 100, not 101"),
        ("1.5", "must be a whole number, not 1.5"),
        ("true", "must be a whole number, not true"),
    ],
)
def test_retries_that_are_no_count_are_refused(problems, written, message):
    assert problems(f"scenario: bank\nretries: {written}\n").splitlines()[0].endswith(f" retries: {message}")


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("100000", 100_000),
        ("64KiB", 65_536),
        ("64 KiB", 65_536),
        ("100kB", 100_000),
        ("1.5MiB", 1_572_864),
        ("10MB", 10_000_000),
        ("1GiB", 1 << 30),
        ("2GB", 2_000_000_000),
        ('"70000 B"', 70_000),
    ],
)
def test_a_size_is_bytes_or_a_number_with_a_unit(read, written, size):
    assert read(f"scenario: bank\nlimits: {{output: {written}}}\n").limits.output == size


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("{output: 10mb}", "the unit is written MB: 10MB"),
        ("{output: 10 x}", "write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB, such as 512MiB"),
        ("{outptu: 1MiB}", "did you mean 'output'?"),
        ("{retries: 1}", "the keys are memory_per_process, processes, output"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_a_hint(problems, line, hint):
    assert problems(f"scenario: bank\nlimits: {line}\n").splitlines()[-1] == f"hint: {hint}"


def test_all_problems_of_the_file_and_of_its_params_are_reported_at_once(problems):
    text = """\
nmae: bank
scenario: bank
params:
  transactions: 1e4
  gaurd: lock
sweep:
  - guard: [none, lokc]
  - label: [3.10]
repeats: ten
warmup: -1
order: shufled
on_failure:
"""
    assert (
        problems(text)
        == """\
bank.yaml:1:1: nmae: unknown key
1 | nmae: bank
  | ^^^^
hint: did you mean 'name'?

bank.yaml:4:17: params.transactions: must be a whole number, not 1e4
4 |   transactions: 1e4
  |                 ^^^
hint: write 10000

bank.yaml:5:3: params.gaurd: scenario 'bank' has no such param
5 |   gaurd: lock
  |   ^^^^^
hint: did you mean 'guard'?

bank.yaml:7:19: sweep[0].guard[1]: 'lokc' is not one of none, lock, rlock
7 |   - guard: [none, lokc]
  |                   ^^^^
hint: did you mean 'lock'?

bank.yaml:8:13: sweep[1].label[0]: must be text, not 3.10
8 |   - label: [3.10]
  |             ^^^^
hint: 3.10 is the number 3.1; write '3.10' in quotes for text

bank.yaml:9:10: repeats: must be a whole number, not 'ten'
9 | repeats: ten
  |          ^^^
hint: write digits, such as 10

bank.yaml:10:9: warmup: must be at least 0, not -1
10 | warmup: -1
   |         ^^

bank.yaml:11:8: order: 'shufled' is not one of interleaved, shuffled, sequential
11 | order: shufled
   |        ^^^^^^^
hint: did you mean 'shuffled'?

bank.yaml:12:12: on_failure: has no value
12 | on_failure:
   |            ^
hint: write one of continue, stop"""
    )


def test_an_unknown_scenario_is_reported_where_it_is_named_with_the_rest(problems):
    """Its params can't be checked, but their shape, and what is fixed, swept or given twice, can."""
    text = "scenario: bnak\nparams: {a: [1]}\nsweep: {a: [1, 1], b: []}\nrepeats: 0\n"
    assert (
        problems(text)
        == """\
bank.yaml:1:11: scenario: there is no scenario 'bnak'
1 | scenario: bnak
  |           ^^^^
hint: installed scenarios: bank, strict

bank.yaml:2:13: params.a: must be one value, not a list
2 | params: {a: [1]}
  |             ^^^
hint: a param with several values belongs under sweep

bank.yaml:3:16: sweep.a[1]: 1 is given twice
3 | sweep: {a: [1, 1], b: []}
  |                ^
hint: remove one; `repeats` says how often a case is measured

bank.yaml:3:23: sweep.b: is an empty list
3 | sweep: {a: [1, 1], b: []}
  |                       ^^
hint: give it values, or remove it

bank.yaml:4:10: repeats: must be at least 1, not 0
4 | repeats: 0
  |          ^"""
    )


def test_a_missing_scenario_and_an_unknown_key_say_what_belongs_there(problems):
    assert (
        problems("repeat: 3\n")
        == """\
bank.yaml:1:1: required key 'scenario' is missing
1 | repeat: 3
  | ^

bank.yaml:1:1: repeat: unknown key
1 | repeat: 3
  | ^^^^^^
hint: did you mean 'repeats'?"""
    )
    assert problems("scenario: bank\nxyz: 3\n").splitlines()[-1] == (
        "hint: the keys are name, description, scenario, params, sweep, exclude, repeats, warmup, order, seed, "
        "timeout, on_failure, isolation, cpus, limits, retries, baseline, outcomes, expect"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("name: My Bank", "name: 'My Bank' can't be a name"),
        ("name: -bank", "name: '-bank' can't be a name"),
        ("name: ''", "name: '' can't be a name"),
        ("name: 3", "name: must be text, not 3"),
        ("name: " + "b" * 101, f"name: '{'b' * 39}…' can't be a name"),
        ('description: "\\e[2J"', "description: has a control character or half a character in it"),
        ("description: [a]", "description: must be text, not a list"),
        ("params: [1]", "params: must be a mapping of names to values, not a list"),
        ("params:", "params: has no value"),
        ("params: {guard: {a: 1}}", "params.guard: must be one value, not a mapping"),
        ("sweep: {}", "sweep: is empty"),
        ("sweep: []", "sweep: is empty"),
        ("sweep: [{}]", "sweep[0]: is empty"),
        ("sweep:", "sweep: has no value"),
        ("sweep: 3", "sweep: must be a mapping of params to values, or a list of such mappings"),
        ("sweep: [3]", "sweep[0]: must be a mapping of names to values, not 3"),
        ("sweep: {guard: []}", "sweep.guard: is an empty list"),
        ("sweep: {level: {from: 1, step: 1}}", "sweep.level: the range has no 'to'"),
        ("sweep: {level: [[1]]}", "sweep.level[0]: must be one value, not a list"),
        ("timeout: {min: 5}", "timeout: must be a number, not a mapping"),
        ("repeats: [5]", "repeats: must be a whole number, not a list"),
        ("repeats: true", "repeats: must be a whole number, not true"),
        ("repeats: '3'", "repeats: must be a whole number, not '3'"),
        ("repeats: 1000001", "repeats: must be at most 1000000, not 1000001"),
        ("seed: -1", "seed: must be at least 0, not -1"),
        ("seed: 1.5", "seed: must be a whole number, not 1.5"),
        ("isolation: sealed", "isolation: 'sealed' is not one of forked, fresh"),
        ("cpus:", "cpus: has no value"),
        ("cpus: []", "cpus: is empty"),
        ("cpus: 0", "cpus: must be a list, not 0"),
        ("cpus: [0, -1]", "cpus[1]: must be at least 0, not -1"),
        ("cpus: [8192]", "cpus[0]: must be at most 8191, not 8192"),
        ("cpus: [true]", "cpus[0]: must be a whole number, not true"),
        ("cpus: ['0']", "cpus[0]: must be a whole number, not '0'"),
        ("cpus: [1, 0, 1]", "cpus[2]: CPU 1 is in the list twice"),
        ("limits:", "limits: has no value"),
        ("limits: 1GiB", "limits: must be a mapping of names to values, not '1GiB'"),
        ("limits: {outptu: 1MiB}", "limits.outptu: unknown key"),
        ("limits: {output: 10 megabytes}", "limits.output: '10 megabytes' is not a size"),
        ("limits: {output: -1MiB}", "limits.output: '-1MiB' is not a size"),
        ("limits: {output: '99'}", "limits.output: '99' is not a size"),
        ("limits: {output: 10 mb}", "limits.output: '10 mb' is not a size"),
        ("limits: {processes: 0}", "limits.processes: must be at least 1, not 0"),
        ("limits: {processes: 32769}", "limits.processes: must be at most 32768, not 32769"),
        ("limits: {output: null}", "limits.output: must be a whole number, not null"),
        ("limits: {output: true}", "limits.output: must be a whole number, not true"),
        ("limits: {output: 65535}", "limits.output: must be at least 64KiB, not 65535 bytes"),
        ("limits: {output: 2097152GiB}", "limits.output: must be at most 1048576GiB, not 2097152GiB"),
        ("limits: {memory_per_process: 1MiB}", "limits.memory_per_process: must be at least 64MiB, not 1MiB"),
        ("on_failure: skip", "on_failure: 'skip' is not one of continue, stop"),
        ("exclude: {guard: lock}", "exclude: must be a list, not a mapping"),
        ("exclude: []", "exclude: is empty"),
        ("exclude: [{}]", "exclude[0]: is empty"),
        ("exclude: [{guard: [lock]}]", "exclude[0].guard: must be one value, not a list"),
        ("exclude: [{guard: lokc}]", "exclude[0].guard: 'lokc' is not one of none, lock, rlock"),
        ("exclude: [{gurd: lock}]", "exclude[0].gurd: scenario 'bank' has no such param"),
        ("exclude: [{guard: lock}]", "exclude[0].guard: no case has lock here"),
        ("baseline: {}", "baseline: is empty"),
        ("baseline:", "baseline: has no value"),
        ("baseline: {guard: [lock]}", "baseline.guard: must be one value, not a list"),
    ],
)
def test_a_key_with_a_wrong_value_is_told_in_words(problems, line, message):
    told = problems(f"scenario: bank\n{line}\n")
    assert told.splitlines()[0].split(": ", 1)[1] == message
    assert told.count("bank.yaml:") == 1


def test_the_name_of_a_file_that_is_no_name_asks_for_one(problems, read):
    assert (
        problems("scenario: bank\n", "My Bank.yaml")
        == """\
My Bank.yaml:1:1: the file's name 'My Bank' can't be the experiment's name
1 | scenario: bank
  | ^
hint: give it one: `name: my-bank`"""
    )
    assert read("scenario: bank\nname: mine\n", "My Bank.yaml").name == "mine"


def test_a_file_that_is_no_mapping_is_refused(problems):
    assert (
        problems("- scenario: bank\n")
        == """\
bank.yaml:1:1: the file must be a mapping of keys to values, not a list
1 | - scenario: bank
  | ^
hint: begin it with `scenario: NAME`"""
    )


def test_a_sweep_of_too_many_trials_is_refused_with_its_size(problems):
    text = "scenario: bank\nrepeats: 3\nwarmup: 1\nsweep:\n"
    text += "  transactions: {from: 1, to: 1000, step: 1}\n  chunk: {from: 1, to: 251, step: 1}\n"
    assert (
        problems(text)
        == """\
bank.yaml:4:1: sweep: makes 1,004,000 trials (251,000 combinations × 4); the most is 1,000,000
4 | sweep:
  | ^^^^^"""
    )
    assert problems(f"{text}exclude: [{{chunk: 1}}]\n").splitlines()[-1] == (
        "hint: combinations that `exclude` leaves out count as well"
    )


def test_a_sweep_of_as_many_trials_as_there_may_be_is_read_without_making_one(read):
    ranges = "{transactions: {from: 1, to: 1000, step: 1}, chunk: {from: 1, to: 200, step: 1}}"
    assert count(read(f"scenario: bank\nsweep: {ranges}\n")) == 200_000


def test_too_many_trials_of_one_case_are_refused(problems):
    assert problems("scenario: bank\nwarmup: 1000000\n").splitlines()[0] == (
        "bank.yaml:2:1: warmup: makes 1,000,005 trials (1 combination × 1,000,005); the most is 1,000,000"
    )


def failure(path):
    with pytest.raises(ExperimentError) as caught:
        read_experiment(Path(path), scenario_of)
    return caught.value.message, caught.value.hint


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_says_how_to_begin(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("bank.yaml").write_text(text)
    assert failure("bank.yaml") == ("bank.yaml: the file is empty", "begin it with `scenario: NAME`")


def test_a_missing_file_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert failure("bank.yaml") == ("there is no file bank.yaml", "there is no experiment in .")
    Path("experiments").mkdir()
    Path("experiments/bank.yaml").touch()
    Path("experiments/bank.txt").touch()
    assert failure("experiments/bnak.yaml") == (
        "there is no file experiments/bnak.yaml",
        "did you mean 'experiments/bank.yaml'?",
    )
    assert failure("experiments/xyz") == ("there is no file experiments/xyz", "experiments holds bank.yaml")
    assert failure("nowhere/bank.yaml") == (
        "there is no file nowhere/bank.yaml",
        "there is no experiment in nowhere",
    )


def test_a_folder_asks_for_a_file_in_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("experiments").mkdir()
    assert failure("experiments") == ("experiments is a folder", "name a file in it")
    Path("experiments/bank.yaml").touch()
    assert failure("experiments") == (
        "experiments is a folder",
        "name a file in it, such as experiments/bank.yaml",
    )


@pytest.mark.parametrize("path", ["a/" * 5_000, "b" * 5_000, "bank.yaml/bank.yaml", "a\0b"])
def test_a_path_that_can_be_no_file_is_an_error_with_a_hint(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    Path("bank.yaml").touch()
    message, hint = failure(path)
    assert "can't be read: " in message
    assert hint


def test_a_pipe_is_refused_and_nothing_waits_for_what_is_written_into_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("bank.yaml")
    assert failure("bank.yaml") == (
        "bank.yaml is no regular file",
        "save the experiment in a file, and name that",
    )


def test_a_link_to_what_is_not_there_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bank.yaml").symlink_to("old/bank.yaml")
    assert failure("bank.yaml") == (
        "bank.yaml is a link to old/bank.yaml, which is not there",
        "mend the link",
    )


def test_an_error_of_a_plugin_is_passed_on(read, tmp_path):
    def broken(name):
        raise PluginError(f"the plugin of {name} is broken")

    path = tmp_path / "bank.yaml"
    path.write_text("scenario: bank\nrepeats: ten\n")
    with pytest.raises(PluginError, match=r"^the plugin of bank is broken$"):
        read_experiment(path, broken)
