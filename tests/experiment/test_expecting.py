"""What a file expects: outcomes and expectations, read with their places, and every mistake in them located."""

import pytest

from mprunner.model.rules import Condition, Expectation, OutcomeRule, ParamValue

HEAD = "scenario: bank\nsweep:\n  guard: [none, lock]\n"
OUTCOME = HEAD + "outcomes:\n  final_balance:\n"
EXPECT = HEAD + "expect: [{%s}]\n"
FIRST_AND_SECOND = OUTCOME + "    - {%s, verdict: acceptable}\n    - {%s, verdict: forbidden}\n"

RULES = """\
outcomes:
  final_balance:
    - {equals: {param: transactions}, verdict: acceptable, note: every update arrived}
    - {equals: 1.5, tolerance: 0.25, verdict: acceptable}
    - {between: [0, 9], where: {guard: [none, lock]}, verdict: interesting}
    - {one_of: [97, 98], verdict: interesting}
    - {otherwise: true, verdict: forbidden}
expect:
  - {metric: lost_updates, max: 0, where: {guard: lock}}
  - {metric: lost_updates, stat: max, min: 1, where: {guard: none}}
  - {metric: how, one_of: [well, badly]}
  - {metric: lossy, stat: share, between: [0, 0.5]}
  - {status: timeout, stat: share, max: 0.1}
"""


def test_rules_are_read_as_they_are_written(read):
    rules = read(HEAD + RULES).rules
    assert rules.outcomes["final_balance"][:3] == (
        OutcomeRule(
            condition=Condition(equals=ParamValue("transactions")),
            verdict="acceptable",
            note="every update arrived",
        ),
        OutcomeRule(condition=Condition(equals=1.5, tolerance=0.25), verdict="acceptable"),
        OutcomeRule(
            condition=Condition(min=0, max=9), verdict="interesting", where={"guard": ("none", "lock")}
        ),
    )
    assert rules.outcomes["final_balance"][4] == OutcomeRule(condition=None, verdict="forbidden")
    assert rules.expect[1] == Expectation(
        metric="lost_updates", stat="max", condition=Condition(min=1), where={"guard": ("none",)}
    )
    assert rules.expect[4] == Expectation(status="timeout", stat="share", condition=Condition(max=0.1))


def test_a_ratio_needs_a_baseline_and_has_no_unit(read, mistakes, told):
    ratio = "metric: wall_s, stat: ratio, max: {}"
    file = HEAD + "expect: [{%s}]\n"
    (expected,) = read(file % ratio.format(1.05) + "baseline: {guard: none}\n").rules.expect
    assert expected == Expectation(metric="wall_s", stat="ratio", condition=Condition(max=1.05))
    for none in ("", "baseline: {}\n"):
        (mistake,) = mistakes(file % ratio.format(1.05) + none)
        assert mistake.render().splitlines()[0] == (
            "bank.yaml:4:33: expect[0].stat: is that to the baseline, and there is none"
        )
        assert mistake.hint.endswith("as in `baseline: {guard: none}`")
    with_baseline = file + "baseline: {guard: none}\n"
    assert told(with_baseline % ratio.format("5ms")) == ["4:45: expect[0].max: must be a number"]
    assert told(with_baseline % "metric: how, stat: ratio, max: 1") == [
        "4:30: expect[0].stat: how is text: there is no ratio of it"
    ]
    assert told(with_baseline % "status: ok, stat: ratio, max: 1") == [
        "4:10: expect[0]: the `ratio` of a status means nothing"
    ]


@pytest.mark.parametrize("wrong", ["equal: 3", "equals: [3]", "min: three", "note: nothing"])
def test_a_rule_behind_one_with_a_mistake_is_not(problems, wrong):
    assert "never applies" not in problems(FIRST_AND_SECOND % (wrong, "otherwise: true"))


def test_a_rule_of_an_option_is_on_no_line(problems):
    rules = "[{otherwise: true, verdict: forbidden}, {equals: 3, verdict: forbidden}]"
    told = problems(HEAD, overrides=(f"outcomes.final_balance={rules}",))
    assert "outcomes.final_balance[1]: never applies: the rule before it takes every state" in told


def test_rules_of_an_unknown_scenario_are_checked_as_far_as_they_can_be(told):
    text = "scenario: bnk\noutcomes:\n  x:\n    - {otherwise: true}\nexpect:\n  - {metric: y, max: 0}\n"
    assert len(told(text)) == 2


def test_cpu_count_may_say_which_cases_are_meant(read):
    (expectation,) = read(EXPECT % "metric: lost_updates, max: 0, where: {workers: cpu_count}").rules.expect
    assert expectation.where == {"workers": ("cpu_count",)}


@pytest.mark.parametrize(
    ("key", "item"),
    [
        ("outcomes:\n  final_balance:", "{equals: %d, verdict: forbidden}"),
        ("expect:", "{metric: wall_s, min: %d}"),
        ("exclude:", "{guard: lock}"),
    ],
)
def test_a_list_of_too_many_mappings_is_refused(told, key, item):
    items = "".join(f"  - {item}\n".replace("%d", str(n)) for n in range(101))
    (only,) = told(f"{HEAD}{key}\n{items}")
    assert only.endswith("has 101 items; the most is 100")


@pytest.mark.parametrize(
    "text",
    [
        "metric: wall_s, equals: 5, tolerance: 1, min: 6",
        "metric: wall_s, equals: 5, tolerance: 1, max: 4",
        "metric: wall_s, equals: 5, tolerance: 9, min: 6, max: 7",
        "metric: wall_s, equals: {param: transactions}, tolerance: 1, min: 7",
        "metric: wall_s, one_of: [1, 9], max: 1",
        "metric: wall_s, equals: 5, tolerance: 1, one_of: [6, 8]",
        "status: ok, stat: share, between: [0, 1]",
        "metric: lossy, stat: share, equals: 0.9, tolerance: 2",
    ],
)
def test_a_condition_that_a_value_can_meet_is_read(read, text):
    assert len(read(EXPECT % text).rules.expect) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("equals: 1", "equals: 1"),
        ("equals: 1", "equals: 1, where: {guard: none}"),
        ("min: 1, where: {guard: [none, lock]}", "min: 1, where: {guard: lock}"),
        ("equals: {param: transactions}", "equals: {param: transactions}"),
        ("one_of: [1, 2]", "one_of: [1, 2]"),
    ],
)
def test_a_rule_with_the_condition_of_one_before_it_never_applies(told, first, second):
    (only,) = told(FIRST_AND_SECOND % (first, second))
    assert only == "7:7: outcomes.final_balance[1]: never applies: a rule above has the same condition"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("otherwise: true, where: {guard: none}", "equals: 3"),
        ("equals: 1, where: {guard: none}", "equals: 1"),
        ("equals: 1, where: {guard: none}", "equals: 1, where: {guard: lock}"),
        ("equals: 1", "equals: true"),
        ("equals: 1", "equals: 1, tolerance: 0.5"),
        ("min: 1", "min: 2"),
    ],
)
def test_a_rule_that_takes_what_those_before_it_leave_is_read(read, first, second):
    assert len(read(FIRST_AND_SECOND % (first, second)).rules.outcomes["final_balance"]) == 2


def test_times_are_written_with_their_unit_where_a_metric_is_in_seconds(read):
    text = """scenario: bank
expect:
  - {metric: wall_s, max: 5 s, min: 10ms}
  - {metric: wall_s, between: [7us, 2m], where: {guard: none}}
  - {metric: wall_s, stat: mean, equals: 1 h, tolerance: 500ms}
  - {metric: wall_s, one_of: [1, 2ms]}
"""
    first, second, third, fourth = (each.condition for each in read(text).rules.expect)
    assert (first.min, first.max) == (0.01, 5)
    assert (second.min, second.max) == (7e-06, 120)
    assert (third.equals, third.tolerance) == (3600, 0.5)
    assert fourth.one_of == (1, 0.002)


def test_times_have_no_place_where_a_metric_is_no_time(problems):
    told = problems("scenario: bank\nexpect: [{metric: lost_updates, max: 10ms}]\n")
    assert told.splitlines()[0].endswith("expect[0].max: must be a number")


def test_an_amount_that_is_out_of_bounds_is_told_as_it_is_written(problems):
    told = problems("scenario: bank\nexpect: [{metric: wall_s, between: [1s, 10ms]}]\n")
    assert told.splitlines()[0].endswith("expect[0].between: 1 is more than 0.01")
