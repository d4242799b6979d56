"""What a file expects: outcomes and expectations, read with their places, and every mistake in them located."""

import json

import pytest

from mprunner.experiment import Experiment
from mprunner.model.rules import Condition, Expectation, OutcomeRule, ParamValue

HEAD = "scenario: bank\nsweep:\n  guard: [none, lock]\n"

WHOLE = (
    HEAD
    + """\
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
)


def first_lines(rendered):
    return [block.splitlines()[0] for block in rendered.split("\n\n")]


def test_rules_are_read_as_they_are_written(read):
    rules = read(WHOLE).rules
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


def test_rules_survive_json(read):
    experiment = read(WHOLE)
    value = json.loads(json.dumps(experiment.to_json()))
    assert Experiment.from_json(value, experiment.source) == experiment


def test_an_experiment_of_an_earlier_version_expects_nothing(read):
    value = read(HEAD).to_json()
    del value["outcomes"], value["expect"]
    assert not Experiment.from_json(value).rules


def test_a_mistyped_outcome_is_located(problems):
    assert problems(HEAD + "outcomes:\n  final_balanse:\n    - {otherwise: true, verdict: forbidden}\n") == (
        "bank.yaml:5:3: outcomes.final_balanse: scenario 'bank' has no such outcome\n"
        "5 |   final_balanse:\n"
        "  |   ^^^^^^^^^^^^^\n"
        "hint: did you mean 'final_balance'?"
    )


RULE = HEAD + "outcomes:\n  final_balance:\n    - {RULE}\n"
EXPECT = HEAD + "expect:\n  - {RULE}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("verdict: bad, otherwise: true", "verdict: 'bad' is not one of acceptable, interesting, forbidden"),
        ("otherwise: true", "required key 'verdict' is missing"),
        ("equals: 1, verdict: forbidden, when: 3", "when: unknown key"),
        ("verdict: forbidden", "does not say which states"),
        ("otherwise: true, equals: 3, verdict: forbidden", "has `otherwise` and `equals`"),
        ("otherwise: false, verdict: forbidden", "otherwise: must be true"),
        ("equals: [1, 2], verdict: forbidden", "equals: must be one value, or {param: NAME}"),
        ("equals: {parm: guard}, verdict: forbidden", "equals: must be one value, or {param: NAME}"),
        ("equals: {param: gard}, verdict: forbidden", "equals.param: scenario 'bank' has no such param"),
        (
            "equals: {param: guard}, tolerance: 1, verdict: forbidden",
            "tolerance: says how near a number must be, and guard is text",
        ),
        ("equals: , verdict: forbidden", "equals: has no value"),
        ("min: 1, tolerance: 2, verdict: forbidden", "`tolerance` says how near `equals` must be met"),
        ("equals: 1, tolerance: -2, verdict: forbidden", "tolerance: must be at least 0, not -2"),
        ("min: lots, verdict: forbidden", "min: must be a number"),
        ("min: 3, max: 2, verdict: forbidden", "`min` 3 is more than `max` 2"),
        ("between: [3, 2], verdict: forbidden", "between: 3 is more than 2"),
        ("between: [3], verdict: forbidden", "between: must be two numbers"),
        ("between: [1, 2], max: 3, verdict: forbidden", "`between` has both ends"),
        ("one_of: [], verdict: forbidden", "one_of: must be a list of values"),
        ('equals: "a\\tb", verdict: forbidden', "equals: has a control character"),
        ('otherwise: true, verdict: forbidden, note: "a\\tb"', "note: has a control character"),
        ('otherwise: true, verdict: forbidden, note: "a\\nb"', "note: has a line break"),
        ("otherwise: true, verdict: forbidden, where: {}", "where: is empty"),
        (
            "otherwise: true, verdict: forbidden, where: {gard: none}",
            "where.gard: scenario 'bank' has no such param",
        ),
        (
            "otherwise: true, verdict: forbidden, where: {guard: nine}",
            "where.guard: 'nine' is not one of none, lock",
        ),
        ("otherwise: true, verdict: forbidden, where: {guard: rlock}", "where.guard: no case has rlock here"),
        (
            "otherwise: true, verdict: forbidden, where: {guard: [none, rlock]}",
            "where.guard[1]: no case has rlock here",
        ),
        (
            "otherwise: true, verdict: forbidden, where: {guard: {a: 1}}",
            "where.guard: must be one value or a list",
        ),
    ],
)
def test_a_mistake_in_a_rule_of_an_outcome_is_located(problems, text, told):
    (line,) = first_lines(problems(RULE.replace("RULE", text)))
    assert line.startswith("bank.yaml:6:")
    assert "outcomes.final_balance[0]" in line
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metric: lost_update, max: 0", "expect[0].metric: scenario 'bank' has no such metric"),
        ("status: timout", "expect[0].status: 'timout' is not one of ok, error"),
        ("max: 0", "expect[0]: must be about a metric or a status"),
        ("metric: lossy, status: ok, equals: true", "expect[0]: must be about a metric or a status"),
        ("metric: lossy", "expect[0]: does not say what the metric must be"),
        ("metric: lost_updates, max: 0, stat: avg", "expect[0].stat: 'avg' is not one of every, any"),
        ("metric: how, stat: mean, equals: 3", "expect[0].stat: how is text: there is no mean of it"),
        ("metric: how, equals: bad", "expect[0].equals: 'bad' is not one of well, badly"),
        ("metric: lossy, equals: 1", "expect[0].equals: must be true or false, not 1"),
        ("metric: lossy, max: 1", "expect[0].max: lossy is true or false, no number"),
        ("metric: lost_updates, equals: some", "expect[0].equals: must be a number, not 'some'"),
        ("metric: lossy, stat: share, equals: true", "expect[0].equals: must be a number, not true"),
        ("status: timeout, stat: mean, min: 1", "expect[0]: the `mean` of a status means nothing"),
        ("status: timeout, stat: share", "expect[0]: does not say what the share must be"),
        ("status: timeout, min: 1", "expect[0]: every or any trial has the status or has not"),
        ("status: timeout, where: {guard: rlock}", "expect[0].where.guard: no case has rlock here"),
        ("status: ok, stat: share, min: 2", "expect[0].min: 2 is no share: a share is between 0 and 1"),
        ("status: ok, stat: share, max: -0.1", "expect[0].max: -0.1 is no share: a share is between 0 and 1"),
        (
            "status: ok, stat: share, between: [0, 50]",
            "expect[0].between: 50 is no share: a share is between",
        ),
        ("metric: lossy, stat: share, equals: 1.5", "expect[0].equals: 1.5 is no share: a share is between"),
        ("metric: lossy, stat: share, one_of: [0, 9]", "expect[0].one_of: 9 is no share: a share is between"),
        ("metric: wall_s, min: 3, max: 1", "expect[0]: `min` 3 is more than `max` 1"),
        ("metric: wall_s, equals: 5, min: 7", "expect[0].equals: `equals` and `min` can't hold together"),
        ("metric: wall_s, equals: 5, max: 4.9", "expect[0].equals: `equals` and `max` can't hold together"),
        (
            "metric: wall_s, equals: 5, tolerance: 1, between: [6.1, 9]",
            "expect[0].equals: `equals` and `between` can't hold together",
        ),
        (
            "metric: wall_s, equals: 5, min: 6, max: 7",
            "expect[0].equals: `equals`, `min` and `max` can't hold together",
        ),
        (
            "metric: wall_s, one_of: [1, 9], min: 2, max: 8",
            "expect[0].one_of: `one_of`, `min` and `max` can't hold together",
        ),
        (
            "metric: wall_s, equals: 3, one_of: [1, 2]",
            "expect[0].one_of: `equals` and `one_of` can't hold together",
        ),
        (
            "metric: how, equals: well, tolerance: 1",
            "expect[0].tolerance: says how near a number must be, and `equals` is text",
        ),
        (
            "metric: lossy, equals: true, tolerance: 0.5",
            "expect[0].tolerance: says how near a number must be, and `equals` is true or false",
        ),
        (
            "metric: how, equals: {param: guard}, tolerance: 1",
            "expect[0].tolerance: says how near a number must be, and guard is text",
        ),
        (
            "metric: wall_s, equals: {param: guard}",
            "expect[0].equals.param: guard is text, and wall_s is a number",
        ),
        (
            "metric: how, equals: {param: transactions}",
            "expect[0].equals.param: transactions is a number, and how is text",
        ),
        (
            "metric: lossy, stat: share, equals: {param: guard}",
            "expect[0].equals.param: guard is text, and the share of lossy is a number",
        ),
    ],
)
def test_a_mistake_in_an_expectation_is_located(problems, text, told):
    (line,) = first_lines(problems(EXPECT.replace("RULE", text)))
    assert line.startswith("bank.yaml:5:")
    assert told in line


def test_near_names_are_offered(problems):
    told = problems(HEAD + "expect:\n  - {metric: lost_update, max: 0}\n  - {status: timout}\n")
    assert "hint: did you mean 'lost_updates'?" in told
    assert "hint: did you mean 'timeout'?" in told


@pytest.mark.parametrize("wrong", ["equal: 3", "equals: [3]", "min: three", "note: nothing"])
def test_a_rule_behind_one_with_a_mistake_is_not(problems, wrong):
    rules = f"    - {{{wrong}, verdict: acceptable}}\n    - {{otherwise: true, verdict: forbidden}}\n"
    assert "never applies" not in problems(HEAD + "outcomes:\n  final_balance:\n" + rules)


def test_a_rule_behind_one_that_takes_every_state_is_refused(problems):
    rules = "    - {otherwise: true, verdict: interesting}\n    - {equals: 3, verdict: forbidden}\n"
    told = problems(HEAD + "outcomes:\n  final_balance:\n" + rules)
    assert first_lines(told) == [
        "bank.yaml:7:7: outcomes.final_balance[1]: never applies: the rule on line 6 before it takes every state"
    ]


def test_a_rule_of_an_option_is_on_no_line(problems):
    rules = "[{otherwise: true, verdict: forbidden}, {equals: 3, verdict: forbidden}]"
    told = problems(HEAD, overrides=(f"outcomes.final_balance={rules}",))
    assert "outcomes.final_balance[1]: never applies: the rule before it takes every state" in told


def test_a_rule_behind_one_that_takes_every_state_of_some_cases_is_not_refused(read):
    rules = (
        "    - {otherwise: true, where: {guard: none}, verdict: interesting}\n"
        "    - {equals: 3, verdict: forbidden}\n"
    )
    assert len(read(HEAD + "outcomes:\n  final_balance:\n" + rules).rules.outcomes["final_balance"]) == 2


def test_all_mistakes_are_told_at_once(problems):
    text = HEAD + (
        "outcomes:\n  nothing:\n    - {otherwise: true, verdict: forbidden, where: {gard: none}}\n"
        "expect:\n  - {metric: nothing, max: 0}\n  - {status: timeout, min: 3}\nrepeats: 0\n"
    )
    assert len(first_lines(problems(text))) == 5


def test_rules_of_an_unknown_scenario_are_checked_as_far_as_they_can_be(problems):
    text = "scenario: bnk\noutcomes:\n  x:\n    - {otherwise: true}\nexpect:\n  - {metric: y, max: 0}\n"
    assert len(first_lines(problems(text))) == 2


@pytest.mark.parametrize("key", ["outcomes:\n  final_balance: []", "expect: []"])
def test_an_empty_list_of_rules_is_refused(problems, key):
    assert "is empty" in first_lines(problems(f"{HEAD}{key}\n"))[0]


def test_cpu_count_may_say_which_cases_are_meant(read):
    text = "scenario: bank\nexpect:\n  - {metric: lost_updates, max: 0, where: {workers: cpu_count}}\n"
    (expectation,) = read(text).rules.expect
    assert expectation.where == {"workers": ("cpu_count",)}


@pytest.mark.parametrize(
    ("key", "item"),
    [
        ("outcomes:\n  final_balance:", "{equals: %d, verdict: forbidden}"),
        ("expect:", "{metric: wall_s, min: %d}"),
        ("exclude:", "{guard: lock}"),
    ],
)
def test_a_list_of_too_many_mappings_is_refused(problems, key, item):
    (only,) = first_lines(
        problems(f"{HEAD}{key}\n" + "".join(f"  - {item}\n".replace("%d", str(n)) for n in range(101)))
    )
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
    assert len(read(EXPECT.replace("RULE", text)).rules.expect) == 1


def test_a_share_that_looks_like_percent_is_told_as_a_share(problems):
    told = problems(EXPECT.replace("RULE", "status: ok, stat: share, min: 95"))
    assert told.splitlines()[-1] == "hint: write 0.95 for 95 %"


REPEATED = HEAD + "outcomes:\n  final_balance:\n"


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
def test_a_rule_with_the_condition_of_one_before_it_never_applies(problems, first, second):
    rules = f"    - {{{first}, verdict: acceptable}}\n    - {{{second}, verdict: forbidden}}\n"
    assert first_lines(problems(REPEATED + rules)) == [
        "bank.yaml:7:7: outcomes.final_balance[1]: never applies: a rule above has the same condition"
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("equals: 1, where: {guard: none}", "equals: 1"),
        ("equals: 1, where: {guard: none}", "equals: 1, where: {guard: lock}"),
        ("equals: 1", "equals: true"),
        ("equals: 1", "equals: 1, tolerance: 0.5"),
        ("min: 1", "min: 2"),
    ],
)
def test_a_rule_that_takes_what_those_before_it_leave_is_read(read, first, second):
    rules = f"    - {{{first}, verdict: acceptable}}\n    - {{{second}, verdict: forbidden}}\n"
    assert len(read(REPEATED + rules).rules.outcomes["final_balance"]) == 2
