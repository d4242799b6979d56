"""What the keys of a sweep may hold, and what is said of anything else."""

import json

import pytest

from mprunner.experiment import Experiment


def message(told):
    assert told.count("bank.yaml:") == 1
    return told.splitlines()[0].split(": ", 1)[1]


def test_a_row_of_another_length_is_shown_where_it_stands(problems):
    text = 'scenario: bank\nsweep:\n  "transactions, chunk": [[1000, 1], [10000]]\n'
    assert (
        problems(text)
        == """\
bank.yaml:3:38: sweep['transactions, chunk'][1]: must be a row of 2 values, for transactions, chunk, not of 1
3 |   "transactions, chunk": [[1000, 1], [10000]]
  |                                      ^^^^^^^"""
    )


@pytest.mark.parametrize(
    ("sweep", "told"),
    [
        ("'level, chunk': 3", "sweep['level, chunk']: must be a list of rows, not 3"),
        ("'level, chunk': []", "sweep['level, chunk']: is an empty list"),
        ("'level, chunk': {a: 1}", "sweep['level, chunk']: must be a list of rows, not a mapping"),
        (
            "'level, chunk': [3]",
            "sweep['level, chunk'][0]: must be a row of 2 values, for level, chunk, not 3",
        ),
        ("'level, chunk': [[1, [2]]]", "sweep['level, chunk'][0][1]: must be one value, not a list"),
        ("'level, chunk': [[3, 2]]", "sweep['level, chunk'][0][0]: 3 is not one of 1, 2"),
        ("'level, chunk': [[1, 2], [2, 1], [1, 2]]", "sweep['level, chunk'][2]: [1, 2] is given twice"),
        ("'level, chnk': [[1, 2]]", "sweep['level, chnk']: scenario 'bank' has no param 'chnk'"),
        ("'level,': [[1, 2]]", "sweep['level,']: a name is missing beside a comma"),
        ("'level, level': [[1, 2]]", "sweep['level, level']: 'level' is given twice in one product"),
        (
            "level: 1, 'level, chunk': [[1, 2]]",
            "sweep['level, chunk']: 'level' is given twice in one product",
        ),
    ],
)
def test_names_that_move_together_are_checked_as_names_alone_are(problems, sweep, told):
    assert message(problems(f"scenario: bank\nsweep: {{{sweep}}}\n")) == told


def test_a_wrong_name_beside_others_says_which_was_meant(problems):
    told = problems("scenario: bank\nsweep: {'level, chnk': [[1, 2]]}\n")
    assert told.splitlines()[-1] == "hint: did you mean 'chunk'?"


def test_a_param_that_is_fixed_can_t_move_with_another(problems):
    told = problems("scenario: bank\nparams: {chunk: 3}\nsweep: {'level, chunk': [[1, 2]]}\n")
    assert message(told) == "sweep['level, chunk']: 'chunk' is fixed under params too"


def test_a_required_param_may_move_with_another(read):
    assert read("scenario: strict\nsweep: {'n, m': [[1, 2]]}\n").sweep == ({"n, m": ((1, 2),)},)


def test_a_baseline_matches_rows_not_the_product_of_their_values(problems, read):
    sweep = "scenario: bank\nsweep: {'level, chunk': [[1, 2], [2, 4]]}\n"
    assert read(f"{sweep}baseline: {{level: 1, chunk: 2}}\n").baseline
    assert message(problems(f"{sweep}baseline: {{level: 1, chunk: 4}}\n")) == (
        "baseline: no case has all these values"
    )
    assert problems(f"{sweep}baseline: {{chunk: 3}}\n").splitlines()[-1] == "hint: the cases have 2, 4"


def test_an_exclusion_that_matches_nothing_is_shown_where_it_stands(problems):
    text = "scenario: bank\nsweep: {'level, chunk': [[1, 2], [2, 4]]}\nexclude:\n  - {level: 1, chunk: 4}\n"
    assert (
        problems(text)
        == """\
bank.yaml:4:5: exclude[0]: no case has all these values
4 |   - {level: 1, chunk: 4}
  |     ^^^^^^^^^^^^^^^^^^^^"""
    )


def test_exclusions_survive_json_and_an_earlier_header_has_none(read):
    experiment = read("scenario: bank\nsweep: {level: [1, 2]}\nexclude: [{level: 2}]\n")
    written = json.loads(json.dumps(experiment.to_json()))
    assert Experiment.from_json(written, experiment.source) == experiment
    del written["exclude"]
    assert Experiment.from_json(written).exclude == ()
