"""``--set``: what it makes of a file, and the errors about a wrong one."""

from dataclasses import replace

import pytest

from mprunner.errors import ExperimentError
from mprunner.experiment import ExperimentFileError

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


def test_problems_of_the_file_and_of_every_option_are_told_at_once_each_where_it_is(mistakes):
    found = mistakes(
        FILE + "order: random\n",
        overrides=["repeat=2", "sweep.guard=[none, lokc]", "baseline.gaurd=none"],
        only=["levle=1"],
    )
    assert [(each.file, each.hint) for each in found] == [
        ("bank.yaml", None),
        ("--set repeat=2", "did you mean 'repeats'?"),
        ("--set sweep.guard=[none, lokc]", "did you mean 'lock'?"),
        ("--set baseline.gaurd=none", "did you mean 'guard'?"),
        ("--only levle=1", "did you mean 'level'?"),
    ]


@pytest.mark.parametrize(
    ("option", "message", "caret"),
    [
        ("", "has no value", (1, 1)),
        (" =3", "has no key before the =", (1, 1)),
        (".params=1", "'.params' is not the path of a key", (1, 1)),
        ("sweep[-1]=1", "'sweep[-1]' is not the path of a key", (6, 1)),
        ("sweep[0].guard=1", "is a mapping, not a list", (6, 3)),
        ("sweep.guard[2]=lock", "has no item [2]; the last is [1]", (12, 3)),
        ("sweep.guard.x=lock", "is a list, which has no keys", (13, 1)),
        ("repeats=99999999999999999999", "99999999999999999999 does not fit in 64 bits", (9, 20)),
        ("params.label=a\x07", "the character U+0007 has no place in YAML", (15, 1)),
    ],
)
def test_an_option_that_can_not_be_set_says_where_and_why(mistakes, option, message, caret):
    (mistake,) = mistakes(FILE, overrides=[option])
    assert mistake.file == f"--set {option}".rstrip()
    assert (mistake.message, (mistake.column, mistake.width)) == (message, caret)


def test_a_path_set_twice_is_refused_however_it_is_written(told):
    assert told(FILE, overrides=["repeats=3", "['repeats'] = 4"]) == ["--set ['repeats'] = 4: is set twice"]


def test_sweeping_what_is_fixed_is_told_at_the_option(told):
    option = "sweep.transactions=[1, 2]"
    assert told(FILE, overrides=[option]) == [
        f"--set {option}: sweep.transactions: is fixed under params too"
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
    ("beside", "option", "expected"),
    [
        ("", "sweep.guard[0]=lock", "sweep.guard[0]: lock is given twice"),
        ("", "sweep.guard=[lock, lock]", "sweep.guard[1]: lock is given twice"),
        ("cpus: [0, 1]", "cpus[0]=1", "cpus[0]: CPU 1 is in the list twice"),
        (
            "expect: [{metric: wall_s, min: 3, max: 4}]",
            "expect[0].max=1",
            "expect[0].max: `min` 3 is more than `max` 1",
        ),
        (
            "expect: [{metric: wall_s, between: [0, 4]}]",
            "expect[0].between[0]=5",
            "expect[0].between[0]: 5 is more than 4",
        ),
        (
            "repeats: {min: 6, max: 9, until: {metric: wall_s, ci_ratio: 0.1}}",
            "repeats.min=10",
            "repeats.min: `min` 10 is more than `max` 9",
        ),
    ],
)
def test_what_an_option_does_to_values_of_the_file_is_told_at_the_option(told, beside, option, expected):
    assert told(f"{FILE}{beside}\n", overrides=[option]) == [f"--set {option}: {expected}"]


def test_what_an_option_does_to_a_row_of_the_file_is_told_at_the_option(told):
    option = "sweep['guard, level'][0][1]=2"
    (only,) = told("scenario: bank\nsweep: {'guard, level': [[none, 1], [none, 2]]}\n", overrides=[option])
    assert only == f"--set {option}: sweep['guard, level'][0][1]: [none, 2] is given twice"


@pytest.mark.parametrize("option", ["sweep.guard=lock", "sweep.guard=[lock, rlock]", "sweep={guard: rlock}"])
@pytest.mark.parametrize(
    "beside",
    [
        "baseline: {guard: none}\n",
        "exclude: [{guard: none}]\n",
        "expect: [{metric: lost_updates, max: 0, where: {guard: [none, lock]}}]\n",
        "outcomes: {final_balance: [{otherwise: true, verdict: forbidden, where: {guard: none}}]}\n",
        "baseline: {guard: none, level: 1}\n",
    ],
)
def test_what_the_file_says_of_cases_that_an_option_takes_is_no_error(read, beside, option):
    """As for those that `--only` does not take: there are no ratios then, and the expectation is not judged."""
    assert read(FILE + beside, overrides=[option]).is_part


def test_a_value_that_no_case_has_whatever_is_set_is_told_where_it_is(told):
    beside = "baseline: {guard: rlock}\n"
    assert told(FILE + beside, overrides=["sweep.level=1"]) == [
        "4:19: baseline.guard: no case has rlock here"
    ]
    (only,) = told(FILE, overrides=["sweep.guard=lock", "baseline.guard=none"])
    assert only == "--set baseline.guard=none: baseline.guard: no case has none here"


def test_a_param_that_is_set_as_a_key_is_told_with_its_path(mistakes):
    (mistake,) = mistakes(FILE, overrides=["transactions=4"])
    assert mistake.message == "is a param of the scenario, and no key of the file"
    assert mistake.hint == "write `--set params.transactions=…`"
