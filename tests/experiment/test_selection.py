"""Which combinations are planned where a filter selects some: by their values, defaults and cpu_count resolved."""

import pytest

from mprunner.errors import ExperimentError, NothingSelectedError

SWEEP = "sweep: {guard: [none, lock], size: [1, 2, 9000]}\nrepeats: 1"


def labels(plan):
    return [case.label for case in plan.cases]


@pytest.mark.parametrize(
    ("only", "expected", "not_selected"),
    [
        (["guard=lock"], ["guard lock, size 1", "guard lock, size 2"], 3),
        (["guard=[lock, none]", "size=1"], ["guard none, size 1", "guard lock, size 1"], 4),
        (["size=[1, 2]", "size=[2, 7]"], ["guard none, size 2", "guard lock, size 2"], 4),
        (["size={from: 2, to: 8, step: 1}"], ["guard none, size 2", "guard lock, size 2"], 4),
    ],
)
def test_a_case_has_one_of_the_values_of_every_filter(planned, only, expected, not_selected):
    plan = planned(SWEEP, *only)
    assert labels(plan) == expected
    assert plan.not_selected == not_selected


@pytest.mark.parametrize("only", ["workers=cpu_count", "workers=2", "chunk=null", "pause_s=0", "guard=none"])
def test_a_filter_sees_fixed_and_default_values_and_the_number_of_cpus(planned, only):
    plan = planned("params: {workers: cpu_count}\nsweep: {size: [1, 2]}", only)
    assert len(plan.cases) == 2
    assert plan.not_selected == 0


def test_a_filter_selects_by_what_cpu_count_stands_for(planned):
    assert labels(planned("sweep: {workers: [cpu_count, 3]}", "workers=2")) == ["workers 2"]
    assert labels(planned("sweep: {workers: [2, 3]}", "workers=cpu_count")) == ["workers 2"]


def test_a_filter_changes_no_identity(planned):
    whole, part = planned(SWEEP), planned(SWEEP, "guard=lock")
    of_all = {case.case_id: case for case in whole.cases}
    assert [of_all[case.case_id] for case in part.cases] == list(part.cases)


def test_what_is_not_selected_is_not_refused_even_where_it_is_strict(planned):
    with pytest.raises(ExperimentError, match="refuses 1 combination"):
        planned(SWEEP, strict=True)
    plan = planned(SWEEP, "size=[1, 2]", strict=True)
    assert (len(plan.cases), plan.refused) == (4, ())
    with pytest.raises(ExperimentError, match="refuses 1 combination"):
        planned(SWEEP, "guard=lock", strict=True)


def test_what_is_excluded_is_counted_as_that_and_not_as_not_selected(planned):
    plan = planned(SWEEP + "\nexclude: [{size: 1}]", "guard=lock")
    assert (plan.excluded, plan.not_selected, len(plan.refused)) == (2, 2, 1)
    assert labels(plan) == ["guard lock, size 2"]


def test_a_filter_that_selects_nothing_says_what_there_is(planned):
    with pytest.raises(NothingSelectedError) as caught:
        planned(SWEEP + "\nexclude: [{size: 2}]", "size=3", "guard=[none, lock]")
    assert caught.value.message == (
        "no case has what is asked for by --only size=3 --only guard=[none, lock]"
    )
    assert caught.value.hint == "the cases have size 1, 9000; guard none, lock"


def test_a_filter_that_leaves_only_what_the_scenario_refuses_says_that(planned):
    with pytest.raises(NothingSelectedError, match="refuses every combination that is left"):
        planned(SWEEP, "guard=lock", "size=9000")
