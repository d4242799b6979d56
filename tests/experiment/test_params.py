"""Params against the scenario's types: each value on its own, and what a file as a whole says of them."""

from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Gt, Interval, MinLen, MultipleOf, Predicate
from pydantic import AfterValidator

from mprunner.errors import PluginError
from mprunner.experiment import ExperimentFileError, read_experiment
from mprunner.experiment.checking import param_types
from mprunner.scenario import Doc, ProcessCount, Unit
from tests.experiment.scenarios import Known


@pytest.fixture
def fix(tmp_path):
    """Return a function that reads a file which fixes one param of a type, and returns its value."""

    def call(type_, written):
        path = tmp_path / "x.yaml"
        path.write_text(f"scenario: any\nparams:\n  value: {written}\n")
        params = make_dataclass("Params", [("value", type_)], frozen=True, kw_only=True)
        return read_experiment(Path(path), lambda _: Known.of(params)).params["value"]

    return call


def positive(value):
    if value < 0:
        raise ValueError("it is negative")
    return value


def broken(value):
    return value / 0


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        (int, "3", 3),
        (float, "3", 3.0),
        (float, "1e3", 1000.0),
        (bool, "true", True),
        (str, "lock", "lock"),
        (str, "'3'", "3"),
        (int | None, "null", None),
        (int | None, "3", 3),
        (int | None, "", None),
        (str | None, "'None'", "None"),
        (str | None, '"None"', "None"),
        (str | None, "none", "none"),
        (str, "None", "None"),
        (Literal["none", "lock"], "none", "none"),
        (Literal["a"] | None, "~", None),
        (Literal[1, 2], "2", 2),
        (Literal[True], "true", True),
        (ProcessCount, "4", 4),
        (ProcessCount, "cpu_count", "cpu_count"),
        (ProcessCount | None, "null", None),
        (Annotated[ProcessCount, Doc("how many")], "cpu_count", "cpu_count"),
        (Annotated[float, Ge(0), Unit("s"), Doc("how long")], "0", 0.0),
        (Annotated[float | None, Ge(0)], "null", None),
        (Annotated[int, AfterValidator(positive)], "3", 3),
        (Annotated[float, Unit("s")], "10ms", 0.01),
        (Annotated[float, Unit("s")], "7us", 7e-06),
        (Annotated[float, Unit("s")], "1.5 h", 5400.0),
        (Annotated[int, Unit("s")], "2m", 120),
        (Annotated[float, Unit("ms")], "1 s", 1000.0),
        (Annotated[int, Unit("bytes")], "64KiB", 65_536),
        (Annotated[int | None, Unit("bytes")], "1.5 MB", 1_500_000),
    ],
)
def test_a_value_of_the_type_is_taken_as_that_type(fix, type_, written, value):
    read = fix(type_, written)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("type_", "written", "message", "hint"),
    [
        (int, "true", "must be a whole number, not true", "write digits, such as 10"),
        (int, "|\n    lock", "has a line break", "write it on one line, beside its key"),
        (str, "|\n    lock", "has a line break", "write it on one line, beside its key"),
        (float, "false", "must be a number, not false", "write digits, such as 10 or 0.5"),
        (str, "3", "must be text, not 3", "write '3' in quotes for text"),
        (str, "null", "must be text, not null", "write 'null' in quotes for text"),
        (Literal[True], "1", "1 is not one of true", None),
        (Literal["1", "2"], "1", "1 is not one of '1', '2'", "write '1' in quotes for text"),
        (Literal["none", "lock"] | None, "lok", "'lok' is not one of none, lock", "did you mean 'lock'?"),
        (int | None, "None", "must be a whole number or null, not 'None'", "write null"),
        (float | None, "auto", "must be a number or null, not 'auto'", "write null"),
        (int | None, "0.5", "must be a whole number or null, not 0.5", "write digits, such as 10"),
        (str | None, "None", "None is Python's word for null", "write null, or 'None' in quotes for text"),
        (Literal["a", "b"] | None, "None", "'None' is not one of a, b", "write null"),
        (Literal["none", "lock"] | None, "None", "'None' is not one of none, lock", "did you mean 'none'?"),
        (
            Annotated[float, Unit("s")],
            "10 minutes",
            "must be a number, not '10 minutes'",
            "write digits, such as 10, or digits with a unit (us, ms, s, m, h), as in 10ms",
        ),
        (Annotated[int, Unit("s")], "10ms", "must be a whole number, not 10ms", "write digits, such as 10"),
        (
            Annotated[int, Unit("bytes")],
            "10mib",
            "must be a whole number, not '10mib'",
            "write digits, such as 10, or digits with a unit (B, kB, MB, GB, KiB, MiB, GiB), as in 64KiB",
        ),
        (float, "10ms", "must be a number, not '10ms'", "write digits, such as 10 or 0.5"),
        (ProcessCount | None, "-1", "must be at least 1, not -1", None),
        (Annotated[int, Interval(ge=1, lt=5)], "5", "must be less than 5, not 5", None),
        (Annotated[str, MinLen(3)], "ab", "must be at least 3 characters long, not 'ab'", None),
        (Annotated[int, AfterValidator(positive)], "-1", "-1 is refused: it is negative", None),
    ],
)
def test_a_value_of_another_type_is_refused_in_words(fix, type_, written, message, hint):
    with pytest.raises(ExperimentFileError) as caught:
        fix(type_, written)
    (problem,) = caught.value.problems
    assert (problem.where, problem.message, problem.hint) == ("params.value", message, hint)


@pytest.mark.parametrize("written", ['""', '"a\\tb"', '"\\x7f"', '"\\u2028"', '"\\e[0m"'])
def test_text_that_a_csv_reader_could_not_see_is_refused(fix, written):
    with pytest.raises(ExperimentFileError) as caught:
        fix(str, written)
    assert caught.value.problems[0].hint == "write text that can be printed, or remove it"


def test_a_constraint_that_breaks_is_the_plugins_fault(fix):
    with pytest.raises(
        PluginError, match=r"^scenario 'any' can't check its param value: ZeroDivisionError: "
    ):
        fix(Annotated[int, Predicate(broken)], "3")


def test_a_constraint_that_does_not_fit_its_type_is_the_plugins_fault(fix):
    with pytest.raises(PluginError, match=r"^scenario 'any'.* param value"):
        fix(Annotated[str, Ge(1)], "x")


def test_a_required_param_may_be_fixed_or_swept_by_every_block(read):
    assert read("scenario: strict\nparams: {n: 1}\n").params == {"n": 1}
    assert read("scenario: strict\nsweep: [{n: 1}, {n: [2, 3], m: 1}]\n").sweep[1]["n"] == (2, 3)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("", "1:11: scenario"),
        ("params: {m: 1}\nsweep: {m: 1}", "2:1: params"),
        ("sweep: [{n: 1}, {m: [1, 2]}]", "2:17: sweep[1]"),
    ],
)
def test_a_required_param_is_missing_where_it_could_be_given(mistakes, file, place):
    found = mistakes(f"scenario: strict\n{file}\n")[0]
    assert f"{found.line}:{found.column}: {found.where}" == place
    assert found.message == "required param 'n' is missing"
    assert found.hint == "scenario 'strict' has no default for it: fix it under params, or sweep it"


def test_a_required_param_with_a_wrong_value_is_wrong_not_missing(told):
    assert told("scenario: strict\nparams: {n: [1]}\n") == ["2:13: params.n: must be one value, not a list"]


@pytest.mark.parametrize(
    "baseline",
    ["guard: none", "guard: none, level: 2", "label: bank", "workers: 3", "workers: cpu_count", "pause_s: 2"],
)
def test_a_baseline_may_have_swept_fixed_and_default_values(read, baseline):
    """How many CPUs there are is not known yet, so `cpu_count` may be any number."""
    read(
        "scenario: bank\nparams: {pause_s: 2}\n"
        f"sweep: {{guard: [none, lock], level: [1, 2]}}\nbaseline: {{{baseline}}}\n"
    )


def test_a_baseline_whose_values_never_meet_is_refused(told):
    text = "scenario: bank\nsweep: [{guard: lock}, {level: 2}]\nbaseline: {guard: lock, level: 2}\n"
    assert told(text) == ["3:1: baseline: no case has all these values"]


@pytest.mark.parametrize(
    ("annotation", "default", "why"),
    [
        (Annotated[int, MultipleOf(2)], 3, "must be a multiple of 2, not 3"),
        (Annotated[int, AfterValidator(positive)], -1, "-1 is refused: it is negative"),
        (Annotated[float, Gt(0)], 0, "has the default 0.0, which is not more than 0"),
    ],
)
def test_a_default_goes_through_every_check_of_a_value_in_a_file(annotation, default, why):
    made = make_dataclass("Params", [("x", annotation, default)], frozen=True, kw_only=True)
    with pytest.raises(PluginError, match=rf"^toy: Params\.x .*{why}$"):
        param_types(made, "toy")
