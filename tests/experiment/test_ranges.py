"""Ranges: which values they stand for, and the errors about those that lead nowhere."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def message(told):
    assert told.count("bank.yaml:") == 1
    return told.splitlines()[0].split(": ", 1)[1]


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("transactions: {from: 1, to: 1024, times: 2}", [2**k for k in range(11)]),
        ("transactions: {from: 1, to: 1000, times: 10}", [1, 10, 100, 1000]),
        ("transactions: {from: 1, to: 999, times: 10}", [1, 10, 100]),
        ("transactions: {from: 0, to: 10, step: 2}", [0, 2, 4, 6, 8, 10]),
        ("transactions: {from: 10, to: 5, step: -2}", [10, 8, 6]),
        ("transactions: {from: 3, to: 3, step: 1}", [3]),
        ("pause_s: {from: 0.1, to: 0.5, step: 0.1}", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("pause_s: {from: 1, to: 3, step: 1}", [1.0, 2.0, 3.0]),
        ("pause_s: {from: 0.001, to: 1, times: 10}", [0.001, 0.01, 0.1, 1.0]),
        ("pause_s: {from: 1, to: 4, times: 1.5}", [1.0, 1.5, 2.25, 3.375]),
        ("level: {from: 1, to: 2, step: 1}", [1, 2]),
    ],
)
def test_a_range_stands_for_its_values(read, written, values):
    ((swept,),) = (block.values() for block in read(f"scenario: bank\nsweep: {{{written}}}\n").sweep)
    assert list(swept) == values
    assert {type(value) for value in swept} == {type(values[0])}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(1, 999), step=st.integers(1, 999), steps=st.integers(0, 30))
def test_a_range_of_decimals_has_the_values_that_one_would_write(read, first, step, steps):
    """No value is one that rounding has moved: each is the nearest to its decimal."""
    last = first + steps * step
    text = f"pause_s: {{from: {first / 1000}, to: {last / 1000}, step: {step / 1000}}}"
    (block,) = read(f"scenario: bank\nsweep: {{{text}}}\n").sweep
    assert block["pause_s"] == tuple(float(Fraction(first + k * step, 1000)) for k in range(steps + 1))


def test_a_value_that_the_param_refuses_is_shown_at_the_range(problems):
    text = "scenario: bank\nsweep:\n  transactions: {from: 1, to: 9000000, times: 1001}\n"
    assert (
        problems(text)
        == """\
bank.yaml:3:17: sweep.transactions: must be at most 1000000, not 1002001
3 |   transactions: {from: 1, to: 9000000, times: 1001}
  |                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"""
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("level: {}", None),
        ("level: {from: 1, to: 2}", "sweep.level: the range has neither 'step' nor 'times'"),
        ("level: {to: 2, step: 1}", "sweep.level: the range has no 'from'"),
        (
            "level: {from: 1, to: 2, step: 1, times: 2}",
            "sweep.level: the range has both 'step' and 'times'",
        ),
        ("level: {from: 1, to: 2, step: 1, stp: 1}", "sweep.level.stp: a range has no such key"),
        ("level: {from: a, to: 2, step: 1}", "sweep.level.from: must be a number, not 'a'"),
        ("level: {from: 1, to: [2], step: 1}", "sweep.level.to: must be a number, not a list"),
        ("level: {from: 1, to: true, step: 1}", "sweep.level.to: must be a number, not true"),
        ("level: {from: 1, to: 2, step: 0}", "sweep.level.step: must not be 0"),
        ("level: {from: 1, to: 2, step: -1}", "sweep.level.step: leads away from 2"),
        ("level: {from: 2, to: 1, step: 1}", "sweep.level.step: leads away from 1"),
        ("level: {from: 1, to: 2, times: 1}", "sweep.level.times: must be more than 1, not 1"),
        (
            "level: {from: 0, to: 2, times: 2}",
            "sweep.level.from: must be more than 0 where `times` is given, not 0",
        ),
        (
            "level: {from: 2, to: 1, times: 2}",
            "sweep.level.to: must be at least 2, where the range begins, not 1",
        ),
        ("level: {from: 1, to: 3, step: 1}", "sweep.level: 3 is not one of 1, 2"),
        ("chunk: {from: 1, to: 3, step: 0.5}", "sweep.chunk.step: must be a whole number, not 0.5"),
        ("chunk: {from: 1, to: 3.5, step: 1}", "sweep.chunk.to: must be a whole number, not 3.5"),
        (
            "label: {from: 1, to: 3, step: 1}",
            "sweep.label: only a param that is a number takes a range, and label is none",
        ),
        ("chunk: {from: 1, to: 10001, step: 1}", "sweep.chunk: the range has more than 10,000 values"),
        (
            "pause_s: {from: 1, to: 2, step: 1e-20}",
            "sweep.pause_s: two of its values are both 1.0: numbers are no finer",
        ),
        ("'level, chunk': {from: 1, to: 2, step: 1}", None),
        ("chunk: [{from: 1, to: 2, step: 1}]", "sweep.chunk[0]: must be one value, not a mapping"),
    ],
)
def test_a_range_that_is_none_is_told_in_words(problems, written, told):
    said = problems(f"scenario: bank\nsweep: {{{written}}}\n")
    assert told is None or message(said) == told


def test_many_ranges_have_no_more_values_together_than_a_file_may_list(problems):
    blocks = "".join(f"  - chunk: {{from: {k}, to: {k + 9_999}, step: 1}}\n" for k in range(11))
    assert message(problems(f"scenario: bank\nsweep:\n{blocks}")) == (
        "sweep[10].chunk: the ranges of the file have more than 100,000 values together"
    )


def test_a_misspelt_key_of_a_range_says_which_was_meant(problems):
    told = problems("scenario: bank\nsweep: {level: {from: 1, to: 2, stp: 1, times: 2}}\n")
    assert told.splitlines()[-1] == "hint: did you mean 'step'?"
