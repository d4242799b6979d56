"""``--set``: what it makes of a file, and the errors about a wrong one."""

import json
from dataclasses import replace

import pytest

from mprunner.errors import ExperimentError
from mprunner.experiment import Experiment, ExperimentFileError

FILE = "scenario: bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock], level: [1, 2]}\n"
LIST = "scenario: bank\nsweep:\n  - {guard: none}\n  - {guard: [lock, rlock], level: [1, 2]}\n"


def meaning(experiment):
    """What an experiment says, wherever it says it."""
    return replace(experiment, overrides=(), source=b"")


@pytest.mark.parametrize(
    ("file", "overrides", "same_as"),
    [
        (FILE, ["repeats=3"], FILE + "repeats: 3\n"),
        (FILE + "repeats: 7\n", ["repeats=3"], FILE + "repeats: 3\n"),
        (FILE, ["params.transactions=1000"], FILE.replace("10", "1000")),
        (FILE, ["params.pause_s=2"], FILE.replace("10}", "10, pause_s: 2}")),
        (FILE, ["sweep.guard=[rlock]"], FILE.replace("[none, lock]", "[rlock]")),
        (FILE, ["sweep.guard=rlock"], FILE.replace("[none, lock]", "[rlock]")),
        (FILE, ["sweep.guard[1]=rlock"], FILE.replace("[none, lock]", "[none, rlock]")),
        (FILE, ["sweep={guard: lock}"], "scenario: bank\nparams: {transactions: 10}\nsweep: {guard: lock}\n"),
        (FILE, ["baseline.guard=none"], FILE + "baseline: {guard: none}\n"),
        (FILE, ["exclude=[{guard: lock, level: 2}]"], FILE + "exclude: [{guard: lock, level: 2}]\n"),
        (LIST, ["sweep[1].guard=lock"], LIST.replace("[lock, rlock]", "lock")),
        (LIST, ["sweep[0]={chunk: null}"], LIST.replace("{guard: none}", "{chunk: null}")),
        ("scenario: bank\nparams:\n", ["params.label=x"], "scenario: bank\nparams: {label: x}\n"),
        ("name: bank\n", ["scenario=bank", " repeats = 2 "], "scenario: bank\nrepeats: 2\n"),
        (FILE, ["timeout=2m", "order=shuffled"], FILE + "timeout: 2m\norder: shuffled\n"),
        (FILE, ["description='a: b=c # d'"], FILE + "description: 'a: b=c # d'\n"),
        (FILE, ["params.label=010x"], FILE.replace("10}", "10, label: 010x}")),
        (FILE, ["sweep={}", "sweep.guard=lock"], FILE.replace("[none, lock], level: [1, 2]", "lock")),
        (
            "scenario: bank\nsweep: {'guard, level': [[none, 1]]}\n",
            ["sweep['guard, level']=[[lock, 2]]"],
            "scenario: bank\nsweep: {'guard, level': [[lock, 2]]}\n",
        ),
        (
            "scenario: bank\nsweep: [&a {guard: [none, lock]}, *a]\n",
            ["sweep[0].guard=rlock"],
            "scenario: bank\nsweep: [{guard: rlock}, {guard: [none, lock]}]\n",
        ),
    ],
)
def test_a_file_with_a_value_set_means_what_a_file_with_that_value_means(read, file, overrides, same_as):
    given = read(file, overrides=overrides)
    assert meaning(given) == meaning(read(same_as))
    assert given.overrides == tuple(overrides)
    assert given.source == file.encode()


def test_what_was_set_survives_json_and_a_run_from_before_there_was_any_is_read(read):
    experiment = read(FILE, overrides=["repeats=3"], only=["guard=lock", "level=[1, 2]"])
    value = json.loads(json.dumps(experiment.to_json()))
    assert Experiment.from_json(value, experiment.source) == experiment
    del value["overrides"], value["only"]
    assert Experiment.from_json(value, experiment.source) == replace(experiment, overrides=(), only=())


def test_a_wrong_value_is_shown_in_the_option_that_gave_it(problems):
    assert problems(FILE, overrides=["params.transactions=lots"]) == (
        "--set params.transactions=lots: params.transactions: must be a whole number, not 'lots'\n"
        "  | params.transactions=lots\n"
        "  |                     ^^^^\n"
        "hint: write digits, such as 10"
    )


def first_lines(text):
    return [part.splitlines()[0] for part in text.split("\n\n")]


def test_problems_of_the_file_and_of_every_option_are_told_at_once_each_where_it_is(problems):
    told = problems(
        FILE + "order: random\n",
        overrides=["repeat=2", "sweep.guard=[none, lokc]", "baseline.gaurd=none"],
        only=["levle=1"],
    )
    assert [line.split(": ")[0] for line in first_lines(told)] == [
        "bank.yaml:4:8",
        "--set repeat=2",
        "--set sweep.guard=[none, lokc]",
        "--set baseline.gaurd=none",
        "--only levle=1",
    ]
    for hint in ("'repeats'", "'lock'", "'guard'", "'level'"):
        assert f"did you mean {hint}?" in told


@pytest.mark.parametrize(
    ("option", "message", "caret"),
    [
        ("repeats", "has no value", "^^^^^^^"),
        ("", "has no value", "^"),
        ("=3", "has no key before the =", "^"),
        (" =3", "has no key before the =", "^"),
        ("params.=1", "'params.' is not the path of a key", "      ^"),
        (".params=1", "'.params' is not the path of a key", "^"),
        ("a..b=1", "'a..b' is not the path of a key", " ^"),
        ("sweep[x]=1", "'sweep[x]' is not the path of a key", "     ^"),
        ("sweep[-1]=1", "'sweep[-1]' is not the path of a key", "     ^"),
        ("sweep[0=1", "'sweep[0' is not the path of a key", "     ^"),
        ("scenario.x=1", "scenario: is 'bank', not a mapping", "         ^"),
        ("scenario[0]=1", "scenario: is 'bank', not a list", "        ^^^"),
        ("sweep[0].guard=1", "sweep: is a mapping, not a list", "     ^^^"),
        ("sweep.guard[2]=lock", "sweep.guard: has no item [2]; the last is [1]", "           ^^^"),
        ("sweep.guard.x=lock", "sweep.guard: is a list, which has no keys", "            ^"),
        ("exclude[0]={guard: lock}", "exclude: is not there, so that it has no items", "       ^^^"),
        ("repeats=010", "'010' is not read alike everywhere", None),
        ("repeats=[1", "a ',' or the closing ']' of the list is missing before this", "          ^"),
        ("repeats=99999999999999999999", None, "        ^^^^^^^^^^^^^^^^^^^^"),
        ("params.label=a\x07", "the character U+0007 has no place in YAML", "              ^"),
        ("params={a: 1, a: 2}", "a: this key is given twice", "              ^"),
    ],
)
def test_an_option_that_can_not_be_set_says_where_and_why(problems, option, message, caret):
    told = problems(FILE, overrides=[option])
    lines = told.splitlines()
    assert lines[0].startswith(f"--set {option}".strip()[:15])
    if message is not None and caret is not None:
        assert lines[0].endswith(f": {message}")
    if caret is not None:
        assert lines[2] == f"  | {caret}".rstrip()


def test_a_path_set_twice_is_refused_however_it_is_written(problems):
    told = problems(FILE, overrides=["repeats=3", "sweep.guard=lock", "['repeats'] = 4"])
    assert first_lines(told) == ["--set ['repeats'] = 4: is set twice"]


def test_an_option_must_not_undo_the_one_before_it(problems):
    told = problems(FILE, overrides=["sweep.guard=lock", "sweep={level: 1}"])
    assert first_lines(told) == [
        "--set sweep={level: 1}: undoes `--set sweep.guard=…`, which is before it",
    ]


def test_fixing_what_is_swept_leads_to_the_sweep(problems):
    told = problems(LIST, overrides=["params.level=2"]).splitlines()
    assert told[0] == "--set params.level=2: params.level: is swept by the file, at sweep[1].level"
    assert told[-1] == (
        "hint: `--set sweep[1].level=2` sets all its values, `--only level=2` executes the cases that have it"
    )


def test_sweeping_what_is_fixed_is_told_at_the_option(problems):
    told = problems(FILE, overrides=["sweep.transactions=[1, 2]"])
    assert first_lines(told) == [
        "--set sweep.transactions=[1, 2]: sweep.transactions: is fixed under params too"
    ]


@pytest.mark.parametrize(
    "option", ["repeats=1000000", "sweep.chunk={from: 1, to: 9000, step: 1}", "warmup=1000000"]
)
def test_too_many_trials_are_blamed_on_the_option_that_makes_them(problems, option):
    file = FILE.replace("[1, 2]", "{from: 1, to: 2, step: 1}") + "repeats: 100\n"
    assert problems(file, overrides=[option]).startswith(f"--set {option}: ")


def test_a_long_option_is_shortened_in_the_place_and_in_the_excerpt(problems):
    told = problems(FILE, overrides=["params.guard=" + "x" * 1_000])
    assert max(map(len, told.splitlines())) < 250
    assert told.startswith("--set params.guard=xxxxxx")


def test_a_value_of_several_lines_is_shown_by_the_line_at_fault(problems):
    told = problems(FILE, overrides=["sweep=\nguard: [none]\nlevle: 1"]).splitlines()
    assert told[1:3] == ["  | levle: 1", "  | ^^^^^"]


def test_a_file_that_is_no_experiment_is_none_whatever_is_set(read):
    for text in ("", "- a\n"):
        with pytest.raises(ExperimentError):
            read(text, overrides=["scenario=bank"])
    with pytest.raises(ExperimentFileError, match=r"^bank\.yaml:1:"):
        read("scenario: [", overrides=["repeats"])


@pytest.mark.parametrize(
    ("file", "option", "told"),
    [
        (FILE, "sweep.guard[0]=lock", "sweep.guard[0]: lock is given twice"),
        (FILE, "sweep.guard[1]=none", "sweep.guard[1]: none is given twice"),
        (FILE, "sweep.guard=[lock, lock]", "sweep.guard[1]: lock is given twice"),
        (
            "scenario: bank\nsweep: {'guard, level': [[none, 1], [none, 2]]}\n",
            "sweep['guard, level'][0][1]=2",
            "sweep['guard, level'][0][1]: [none, 2] is given twice",
        ),
        (FILE + "cpus: [0, 1]\n", "cpus[0]=1", "cpus[0]: CPU 1 is in the list twice"),
        (
            FILE + "expect: [{metric: wall_s, min: 3, max: 4}]\n",
            "expect[0].max=1",
            "expect[0].max: `min` 3 is more than `max` 1",
        ),
        (
            FILE + "expect: [{metric: wall_s, between: [0, 4]}]\n",
            "expect[0].between[0]=5",
            "expect[0].between[0]: 5 is more than 4",
        ),
        (
            FILE + "repeats: {min: 6, max: 9, until: {metric: wall_s, ci_ratio: 0.1}}\n",
            "repeats.min=10",
            "repeats.min: `min` 10 is more than `max` 9",
        ),
    ],
)
def test_what_an_option_does_to_values_of_the_file_is_told_at_the_option(problems, file, option, told):
    assert first_lines(problems(file, overrides=[option])) == [f"--set {option}: {told}"]


@pytest.mark.parametrize(
    ("beside", "meant"),
    [
        ("baseline: {guard: none}\n", "baseline"),
        ("exclude: [{guard: none}]\n", "exclude[0]"),
        ("expect: [{metric: lost_updates, max: 0, where: {guard: [none, lock]}}]\n", "expect[0].where"),
        ("baseline: {guard: none, level: 1}\n", "baseline"),
    ],
)
def test_an_option_that_takes_the_cases_that_the_file_means_is_named_with_the_one_to_use(
    problems, beside, meant
):
    told = problems(FILE + beside, overrides=["sweep.guard=lock"])
    assert told.splitlines()[0] == f"--set sweep.guard=lock: sweep.guard: no case is left that {meant} means"
    assert told.splitlines()[-1] == "hint: `--only guard=lock` takes the cases that have it"


def test_an_option_that_takes_the_cases_by_a_list_or_the_whole_sweep_is_named(problems):
    file = FILE + "baseline: {guard: none}\n"
    told = problems(file, overrides=["sweep.guard=[lock, rlock]"])
    assert told.splitlines()[-1] == "hint: `--only guard=[lock,rlock]` takes the cases that have it"
    told = problems(file.replace("none}", "lock}"), overrides=["sweep={level: 1}"])
    assert first_lines(told) == ["--set sweep={level: 1}: sweep: no case is left that baseline means"]


def test_a_value_that_no_case_has_whatever_is_set_is_told_where_it_is(problems):
    beside = "baseline: {guard: rlock}\n"
    told = problems(FILE + beside, overrides=["sweep.level=1"])
    assert first_lines(told) == ["bank.yaml:4:19: baseline.guard: no case has rlock here"]
    told = problems(FILE, overrides=["sweep.guard=lock", "baseline.guard=none"])
    assert first_lines(told) == ["--set baseline.guard=none: baseline.guard: no case has none here"]
