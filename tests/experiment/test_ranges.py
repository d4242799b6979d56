"""Ranges: which values they stand for, and the errors about those that lead nowhere."""

from dataclasses import make_dataclass
from fractions import Fraction
from typing import Annotated

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mprunner.experiment import read_experiment
from mprunner.scenario import Unit
from tests.experiment.scenarios import Known


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(1, 999), step=st.integers(1, 999), steps=st.integers(0, 30))
def test_a_range_of_decimals_has_the_values_that_one_would_write(read, first, step, steps):
    """No value is one that rounding has moved: each is the nearest to its decimal."""
    last = first + steps * step
    text = f"pause_s: {{from: {first / 1000}, to: {last / 1000}, step: {step / 1000}}}"
    (block,) = read(f"scenario: bank\nsweep: {{{text}}}\n").sweep
    assert block["pause_s"] == tuple(float(Fraction(first + k * step, 1000)) for k in range(steps + 1))


def test_many_ranges_have_no_more_values_together_than_a_file_may_list(mistakes):
    blocks = "".join(f"  - chunk: {{from: {k}, to: {k + 9_999}, step: 1}}\n" for k in range(11))
    (mistake,) = mistakes(f"scenario: bank\nsweep:\n{blocks}")
    assert mistake.where == "sweep[10].chunk"
    assert mistake.message == "the ranges of the file have more than 100,000 values together"


def test_a_key_of_a_range_that_has_another_name_elsewhere_is_told(problems):
    told = problems("scenario: bank\nsweep: {transactions: {from: 1, End: 9, step: 1}}\n")
    assert "hint: did you mean 'to'?" in told


def test_an_empty_range_is_told_all_that_it_lacks(told):
    lines = told("scenario: bank\nsweep: {level: {}}\n")
    lacks = ["no 'from'", "no 'to'", "neither 'step' nor 'times'"]
    assert lines == [f"2:16: sweep.level: the range has {each}" for each in lacks]


def test_a_range_of_a_param_in_seconds_has_times(tmp_path):
    params = make_dataclass("Params", [("pause_s", Annotated[float, Unit("s")])], frozen=True, kw_only=True)
    file = tmp_path / "x.yaml"
    file.write_text("scenario: any\nsweep: {pause_s: {from: 1ms, to: 1 s, times: 10}}\n")
    (block,) = read_experiment(file, lambda _: Known.of(params)).sweep
    assert block["pause_s"] == (0.001, 0.01, 0.1, 1.0)
