"""Plans of a scenario some of whose params mean nothing to some cases: one case of several, and what names it."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import pytest

from mprunner.errors import NothingSelectedError
from mprunner.experiment import Asked, make_plan, read_experiment
from mprunner.experiment.plan import case_id
from mprunner.model.declaration import declare, params_of
from mprunner.scenario import CPU_COUNT, ProcessCount, Unless, When
from tests.experiment.scenarios import Known, Toy


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A loop, or a pool."""

    method: Literal["serial", "map"] = "map"
    kind: Annotated[Literal["process", "thread"], Unless(method="serial")] = "process"
    start: Annotated[Literal["fork", "spawn"], When(kind="process")] = "fork"
    processes: Annotated[ProcessCount, Unless(method="serial")] = CPU_COUNT
    size: int = 1

    def __post_init__(self) -> None:
        if (self.start, self.size) == ("spawn", 2):
            raise ValueError("never")


DECLARATION = replace(declare(Toy), params=params_of(Pool, "Pool"), baseline={"method": "serial"})


@pytest.fixture
def both(tmp_path):
    """Plan an experiment, given as YAML, on a machine with two CPUs; return what is executed, and its plan."""

    def call(text, *only):
        file = tmp_path / "pool.yaml"
        file.write_text(f"scenario: toy\n{text}\n")
        experiment = read_experiment(file, lambda name: Known(Pool, DECLARATION), Asked(only=only))
        plan = make_plan(experiment, DECLARATION, Pool, 2)
        return plan.with_baseline(experiment), plan

    return call


@pytest.fixture
def planned(both):
    """Return the plan alone."""
    return lambda *given: both(*given)[1]


def labels(plan):
    return [case.label for case in plan.cases]


SWEEP = "sweep: {method: [serial, map], processes: [1, 2, 4]}\n"
POOLS = [f"method map, processes {count}" for count in (1, 2, 4)]


def test_combinations_that_differ_in_what_means_nothing_to_them_are_the_first_of_them(planned):
    plan = planned(SWEEP)
    assert labels(plan) == ["method serial", *POOLS]
    assert (plan.merged, plan.repeated) == (2, 0)
    assert plan.cases[0].params == {
        "method": "serial",
        "kind": "process",
        "start": "fork",
        "processes": 1,
        "size": 1,
    }


def test_what_is_the_same_in_every_param_is_told_apart_from_what_was_merged(planned):
    plan = planned(
        "sweep: [{method: serial, processes: [1, 2]}, {method: serial, processes: 1, size: [1, 2]}]"
    )
    assert (len(plan.cases), plan.merged, plan.repeated) == (2, 1, 1)


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("params: {method: serial, processes: 4, kind: thread, size: 3}", {"processes", "kind"}),
        (
            "params: {processes: 4, start: spawn}\nsweep: {kind: [process, thread], method: [serial, map]}",
            set(),
        ),
        ("params: {start: spawn}\nsweep: {kind: [thread]}", {"start"}),
        ("params: {kind: thread}", set()),
    ],
)
def test_what_is_fixed_and_means_nothing_to_any_case_is_known(planned, text, unused):
    assert {field.name for field in planned(text).unused} == unused


def test_a_combination_is_refused_only_for_what_means_something_to_it(planned):
    plan = planned("params: {start: spawn}\nsweep: {kind: [process, thread], method: [serial, map]}")
    assert labels(plan) == ["method serial", "kind process, method map", "kind thread, method map"]
    assert plan.refused == ()
    (refusal,) = planned("params: {start: spawn, size: 2}\nsweep: {method: [serial, map]}").refused
    assert refusal.label == "method map"


def test_no_identity_of_a_case_depends_on_what_means_something_to_it(planned):
    (case,) = planned("params: {method: serial, processes: 4}").cases
    assert case.case_id == case_id("toy", case.params)
    assert case.params["processes"] == 4


@pytest.mark.parametrize(
    ("only", "left"),
    [
        ("processes=1", POOLS[:1]),
        ("processes=cpu_count", POOLS[1:2]),
        ("method=serial", ["method serial"]),
    ],
)
def test_a_filter_by_a_param_takes_no_case_to_which_it_means_nothing(planned, only, left):
    assert labels(planned(SWEEP, only)) == left


def test_what_no_case_has_is_told_with_the_values_that_mean_something(planned):
    with pytest.raises(NothingSelectedError) as caught:
        planned("sweep: [{method: serial, processes: 7}, {processes: [1, 2]}]", "processes=5")
    assert caught.value.hint == "the cases have processes 1, 2"


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ("{processes: 1}", ["method serial", *POOLS[1:]]),
        ("{processes: cpu_count}", ["method serial", POOLS[0], POOLS[2]]),
        ("{method: serial, processes: 1}", ["method serial", *POOLS]),
        ("{method: serial}", POOLS),
    ],
)
def test_an_exclusion_by_a_param_means_no_case_to_which_it_means_nothing(planned, exclude, left):
    assert labels(planned(f"{SWEEP}exclude: [{exclude}]")) == left


@pytest.mark.parametrize(
    ("text", "baseline"),
    [
        (SWEEP, {"method": "serial"}),
        (f"{SWEEP}baseline: {{processes: 2}}", {"processes": 2}),
        (f"{SWEEP}baseline: {{}}", {}),
        (f"{SWEEP}exclude: [{{method: serial}}]", None),  # no case has it
        ("sweep: {processes: [1, 2]}", None),
        ("params: {method: serial}\nsweep: {size: [1, 2]}", None),  # all cases are alike in that
    ],
)
def test_a_scenario_s_own_baseline_applies_where_the_file_says_nothing_and_sweeps_over_it(
    both, text, baseline
):
    assert both(text)[0].baseline == baseline


@pytest.mark.parametrize("baseline", ["{method: serial}", "{method: serial, processes: 2}"])
def test_a_baseline_that_says_more_than_means_something_is_found_all_the_same(planned, baseline):
    assert labels(planned(f"{SWEEP}baseline: {baseline}"))[0] == "method serial"
