"""The verdict: what an experiment expects, held against records; each rule with the numbers that break it."""

from dataclasses import replace
from typing import get_args

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mprunner.analysis.verdict import judge, statistic
from mprunner.analysis.verdict import outcomes_table as table_of
from mprunner.model.records import Status
from mprunner.model.rules import OF_EACH, Condition, Rules, Stat
from mprunner.report.findings import SHOWN, about, numbers_json, unexecuted, verdict_digest, verdict_json
from mprunner.report.findings import told as told_of
from mprunner.tables.frames import build_frames, state_text
from tests.made import DECLARATION, outcome, record, run, tables


def judged(records, outcomes=None, expect=()):
    rules = Rules.from_json(
        {
            "outcomes": {"final_balance": outcomes} if outcomes else {},
            "expect": [{"stat": "every", **each} for each in expect],
        }
    )
    return judge(build_frames(run(*records)), rules)


def found(judgement):
    return [(each.found, each.label, told_of(each)) for each in judgement.findings]


def outcomes_table(records, outcomes):
    made = run(*records)
    frames = build_frames(made)
    judgement = judge(frames, Rules.from_json({"outcomes": {"final_balance": outcomes}}))
    return table_of(frames, made.header, judgement.states)


HUNDRED = {"equals": 100, "verdict": "acceptable"}
OTHERWISE = {"otherwise": True, "verdict": "forbidden", "note": "an update was lost"}


def balances(guard="none", repeat=0, **counts):
    """A record that observed each balance so often, given as ``b99=3``."""
    return record(guard, repeat, outcomes=[outcome(int(name[1:]), count) for name, count in counts.items()])


def test_without_rules_a_run_is_judged_by_the_statuses_of_its_trials():
    assert judged([record()]).verdict == "passed"
    judgement = judged(
        [record(), record(repeat=1, status=Status.TIMEOUT), record("lock", status=Status.ERROR)]
    )
    assert judgement.verdict == "failed"
    assert found(judgement) == [
        ("failed", "guard none", "1 timeout of 2 trials"),
        ("failed", "guard lock", "1 error of 1 trial"),
    ]


def test_a_forbidden_state_fails_with_its_numbers():
    judgement = judged([balances(b100=9_997, b99=3)], [HUNDRED, OTHERWISE])
    assert judgement.verdict == "failed"
    assert found(judgement) == [
        ("forbidden", "guard none", "99 in 3 of 10,000 observations (0.03%)"),
        ("acceptable", "guard none", "100 in 9,997 of 10,000 observations (99.97%)"),
    ]
    assert judgement.findings[0].note == "an update was lost"


def test_a_warmup_trial_counts_in_outcomes_and_statuses_and_not_in_metrics():
    warmup = balances(repeat=-1, b99=1)
    judgement = judged([warmup, balances(b100=1)], [HUNDRED, OTHERWISE])
    assert judgement.verdict == "failed"
    lossy = record(repeat=-1, metrics={"lost_updates": 7})
    assert judged([lossy, record()], expect=[{"metric": "lost_updates", "max": 0}]).verdict == "passed"
    assert judged([record(repeat=-1, status=Status.ERROR), record()]).verdict == "failed"


def test_a_cancelled_trial_fails_nothing():
    cancelled = record(repeat=1, status=Status.CANCELLED)
    assert judged([record(), cancelled], expect=[{"status": "ok"}]).verdict == "passed"
    assert judged([record("lock", status=Status.CANCELLED)]).findings == ()


def test_an_interesting_state_fails_nothing():
    rules = [HUNDRED, {"otherwise": True, "verdict": "interesting"}]
    assert judged([balances(b100=1, b99=1)], rules).verdict == "passed"


def test_what_no_rule_speaks_of_is_unknown_and_fails():
    judgement = judged([balances(b100=1, b99=1)], [HUNDRED])
    assert judgement.verdict == "failed"
    assert ("unknown", "guard none", "99 in 1 of 2 observations (50%)") in found(judgement)


def test_the_first_rule_that_applies_decides():
    first, second = {"equals": 99, "verdict": "interesting"}, {"equals": 99, "verdict": "forbidden"}
    assert judged([balances(b99=1)], [first, second]).verdict == "passed"
    assert judged([balances(b99=1)], [second, first]).verdict == "failed"


def test_a_rule_speaks_only_of_the_cases_that_are_meant():
    lossy = {"otherwise": True, "where": {"guard": ["none"]}, "verdict": "interesting"}
    rules = [HUNDRED, lossy, OTHERWISE]
    assert judged([balances("none", b99=1), balances("lock", b100=1)], rules).verdict == "passed"
    assert judged([balances("none", b99=1), balances("lock", b99=1)], rules).verdict == "failed"


def test_a_rule_by_a_param_speaks_of_no_case_to_which_it_means_nothing():
    fields = (
        DECLARATION.params[0],
        replace(DECLARATION.params[1], unless=({"guard": ("none",)},)),
    )
    made = run(record("none"), record("lock"), declaration=replace(DECLARATION, params=fields))
    expected = {"metric": "wall_s", "stat": "every", "max": 0, "where": {"transactions": [1_000]}}
    rules = Rules.from_json({"expect": [expected]})
    (finding,) = judge(build_frames(made), rules).findings
    assert finding.label == "guard lock"
    named = {**expected, "where": {"guard": ["none"], "transactions": [1_000]}}
    rules = Rules.from_json({"expect": [named]}).resolved(fields, 1)
    (finding,) = judge(build_frames(made), rules).findings
    assert finding.label == "guard none"


def test_a_state_may_be_what_a_param_says():
    rules = [{"equals": {"param": "transactions"}, "verdict": "acceptable"}, OTHERWISE]
    assert judged([balances(b1000=1)], rules).verdict == "passed"
    assert judged([balances(b999=1)], rules).verdict == "failed"


def test_a_float_may_differ_by_the_tolerance():
    rules = [{"equals": 0.3, "tolerance": 0.05, "verdict": "acceptable"}, OTHERWISE]
    assert judged([record(outcomes=[outcome(0.1 + 0.2), outcome(0.35)])], rules).verdict == "passed"
    assert judged([record(outcomes=[outcome(0.36)])], rules).verdict == "failed"


@pytest.mark.parametrize(("state", "rule"), [(True, 1), (1, True), ("low", 1), (1, "low")])
def test_true_is_not_1_and_text_is_no_number(state, rule):
    rules = [{"equals": rule, "verdict": "acceptable"}]
    assert judged([record(outcomes=[outcome(state)])], rules).verdict == "failed"


@pytest.mark.parametrize("state", ["100", "007", "True", "1e3", "9" * 5_000])
def test_text_that_reads_as_another_value_is_the_text_that_was_observed(state):
    rules = [{"equals": state, "verdict": "acceptable"}, OTHERWISE]
    assert judged([record(outcomes=[outcome(state)])], rules).verdict == "passed"
    rows = outcomes_table([record(outcomes=[outcome(state)])], rules)
    assert rows[["value", "verdict"]].to_numpy().tolist() == [[repr(state), "acceptable"]]


any_state = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
looks = ["1", "1.0", "1,000", "TRUE", "None", "null", "nan", "'1'", '"1"', "'", "'a'", "a", "'\"'"]


@given(st.lists(any_state | st.sampled_from(looks), max_size=8))
def test_the_cell_of_a_state_says_by_itself_which_it_is(states):
    different = {(type(each), str(each)) for each in states}
    assert len({state_text(each) for each in states}) == len(different)
    for state in states:
        text = state_text(state)
        assert text == str(state) or (isinstance(state, str) and text == repr(state))


def test_a_number_and_the_text_of_it_are_two_states():
    rules = [{"equals": 1, "verdict": "acceptable"}, OTHERWISE]
    rows = outcomes_table([record(outcomes=[outcome(1, 2), outcome("1", 3), outcome(True)])], rules)
    assert rows[["value", "count", "verdict"]].to_numpy().tolist() == [
        ["1", 2, "acceptable"],
        ["True", 1, "forbidden"],
        ["'1'", 3, "forbidden"],
    ]


def test_a_named_state_that_was_never_seen_has_a_row_with_its_upper_bound():
    rules = [HUNDRED, {"one_of": [99, 101], "verdict": "forbidden"}]
    rows = outcomes_table([balances(b100=600), balances(repeat=1, b100=399, b101=1)], rules)
    assert rows["value"].tolist() == ["99", "100", "101"]
    assert rows["count"].tolist() == [0, 999, 1]
    assert rows["verdict"].tolist() == ["forbidden", "acceptable", "forbidden"]
    assert rows["share"].tolist() == [0, 0.999, 0.001]
    assert rows["share_ci_high"][0] == pytest.approx(3 / 1_000, rel=0.01)
    assert rows["share_ci_low"][0] == 0


def test_a_state_that_two_rules_name_has_one_row():
    rules = [{"equals": 7, "verdict": "interesting"}, {"one_of": [7, 8], "verdict": "forbidden"}]
    rows = outcomes_table([balances(b100=1)], rules)
    assert list(zip(rows["value"], rows["verdict"], strict=True)) == [
        ("7", "interesting"),
        ("8", "forbidden"),
        ("100", "unknown"),
    ]


def test_a_case_without_observations_has_no_rows_and_fails_nothing():
    assert outcomes_table([record()], [HUNDRED]).empty
    assert judged([record()], [HUNDRED]).verdict == "passed"


def test_a_variable_without_rules_is_counted_and_not_judged():
    rows = tables(run(balances(b100=1, b99=3)))["outcomes"]
    assert rows[["verdict", "note"]].isna().all(axis=None)
    assert rows["share"].tolist() == [0.75, 0.25]


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.one_of(st.integers(-(10**6), 10**6), st.text("ab ", min_size=1)), st.integers(1, 10**6)
    )
)
def test_judging_changes_no_count(counts):
    records = [record(outcomes=[outcome(value, count) for value, count in counts.items()])]
    before = tables(run(*records))["outcomes"]
    after = outcomes_table(records, [HUNDRED])
    seen = after[after["count"] > 0].reset_index(drop=True)
    names = [
        "run_id",
        "case_id",
        "guard",
        "transactions",
        "variable",
        "value",
        "count",
        "observations",
        "share",
    ]
    pd.testing.assert_frame_equal(before[names], seen[names])
    assert list(after.columns) == list(before.columns)


def lost(*values):
    return [record(repeat=i, metrics={"lost_updates": value}) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("expected", "values", "told"),
    [
        ({"max": 0}, (0, 0), ""),
        ({"max": 0}, (0, 3, 4), "3, 4 in 2 of 3 trials"),
        ({"max": 0}, (1, 2, 3, 4, 9_999), "1 … 9,999 in 5 of 5 trials"),
        ({"stat": "any", "min": 1}, (0, 1), ""),
        ({"stat": "any", "min": 1}, (0, 0), "0 in 2 of 2 trials"),
        ({"stat": "max", "min": 1}, (0, 1), ""),
        ({"stat": "max", "min": 1}, (0, 0), "0 over 2 trials"),
        ({"stat": "share", "min": 0.5}, (0, 7), ""),
        ({"stat": "share", "min": 0.5}, (0, 0, 7), "0.333 over 3 trials"),
        ({"stat": "mean", "equals": 2}, (1, 3), ""),
        ({"stat": "median", "equals": 2, "tolerance": 0.5}, (1, 2.0, 9), ""),
        ({"stat": "p95", "max": 10}, (0, *range(20)), "18 over 21 trials"),
        ({"one_of": [1, 3]}, (1, 3, 3), ""),
        ({"one_of": [1, 3]}, (1, 2), "2 in 1 of 2 trials"),
        ({"equals": {"param": "transactions"}}, (1_000,), ""),
    ],
)
def test_an_expectation_of_a_metric_is_held_against_each_case(expected, values, told):
    judgement = judged(lost(*values), expect=[{"metric": "lost_updates", **expected}])
    assert found(judgement) == [("missed" if told else "met", "guard none", told)]


@pytest.mark.parametrize(
    ("expected", "values", "told"),
    [
        ({"max": 0.1}, (0.10004,), "wall_s at most 0.1 in every trial: 0.10004 in 1 of 1 trial"),
        ({"max": 0.10004}, (0.1000401,), "wall_s at most 0.10004 in every trial: 0.1000401 in 1 of 1 trial"),
        (
            {"min": 1234.5},
            (1234.4999, 2000.0),
            "wall_s at least 1,234.5 in every trial: 1,234 in 1 of 2 trials",
        ),
        ({"max": 0.1}, (0.123456,), "wall_s at most 0.1 in every trial: 0.123 in 1 of 1 trial"),
        (
            {"stat": "mean", "equals": 2, "tolerance": 0.001},
            (2.00101, 2.00101),
            "mean of wall_s 2 ± 0.001: 2.00101 over 2 trials",
        ),
        (
            {"max": 0.1},
            (0.10001, 0.10002, 0.10003, 0.9),
            "wall_s at most 0.1 in every trial: 0.10001 … 0.9 in 4 of 4 trials",
        ),
    ],
)
def test_what_missed_a_limit_has_so_many_digits_that_it_reads_as_missed(expected, values, told):
    records = [record(repeat=i, metrics={"wall_s": value}) for i, value in enumerate(values)]
    judgement = judged(records, expect=[{"metric": "wall_s", **expected}])
    assert lines(judgement)[1] == f"missed: guard none: {told}"


RATIOS = {
    "none": (1.0, 2.0, 4.0, 1.0, 2.0),
    "lock": (1.5, 3.2, 6.0, 1.5, 2.8),
    "rlock": (1.0, 2.0, 4.0, 1.0, 2.0),
}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"max": 1.5}, []),
        ({"min": 1, "max": 2}, []),
        ({"max": 1.2}, [("guard lock", "1.5 (1.40–1.60) over 5 repeats")]),
        ({"min": 1.05}, [("guard rlock", "1 (1.00–1.00) over 5 repeats")]),
        ({"equals": 1, "tolerance": 0.2}, [("guard lock", "1.5 (1.40–1.60) over 5 repeats")]),
    ],
)
def test_a_ratio_to_the_baseline_is_judged_by_itself_and_told_with_its_interval(condition, told):
    records = [
        record(guard, repeat, metrics={"wall_s": wall_s}, order=repeat + 10 * len(guard))
        for guard, walls in RATIOS.items()
        for repeat, wall_s in enumerate(walls)
    ]
    rules = Rules.from_json({"expect": [{"metric": "wall_s", "stat": "ratio", **condition}]})
    judgement = judge(build_frames(run(*records)), rules, {"guard": "none"})
    assert len(judgement.findings) == 2  # the baseline's own case has no ratio
    missed = [(each.label, told_of(each)) for each in judgement.findings if each.found == "missed"]
    assert missed == told
    numbers = numbers_json(judgement.findings[0])  # met or missed
    assert (numbers["values"], numbers["of"]) == ([1.5], 5)
    assert (numbers["ratio_ci_low"], numbers["ratio_ci_high"]) == pytest.approx((1.4, 1.6))
    assert about(judgement.findings[0]).startswith("ratio of wall_s to the baseline ")


def test_a_ratio_that_there_is_not_has_missed_and_without_a_baseline_s_case_it_is_not_judged():
    rules = Rules.from_json({"expect": [{"metric": "wall_s", "stat": "ratio", "max": 9}]})
    frames = build_frames(run(record("none"), record("lock", status=Status.ERROR)))
    *_, finding = judge(frames, rules, {"guard": "none"}).findings
    assert (finding.found, told_of(finding)) == ("missed", "no trial has a value")
    for baseline in ({}, {"guard": "rlock"}):
        (*_, finding) = judge(frames, rules, baseline).findings
        assert (finding.found, told_of(finding)) == ("not judged", "no case was compared")


def test_a_finding_has_its_numbers_beside_its_words():
    nothing = dict.fromkeys(
        ("statuses", "values", "distinct", "count", "of", "share", "ratio_ci_low", "ratio_ci_high")
    )
    failed = record(repeat=2, status=Status.ERROR)
    expect = [{"metric": "lost_updates", "max": 0}, {"metric": "lost_updates", "max": 9}]
    judgement = judged([failed, *lost(3, 4)], expect=expect)
    status, missed, met = map(numbers_json, judgement.findings)
    assert status == {**nothing, "statuses": {"error": 1}, "count": 1, "of": 3, "share": 1 / 3}
    assert met == {**nothing, "values": [], "distinct": 0, "count": 0, "of": 2, "share": 0.0}
    (mean,) = judged(lost(3, 5), expect=[{"metric": "lost_updates", "stat": "mean", "max": 4}]).findings
    assert (mean.found, told_of(mean)) == ("met", "")
    assert numbers_json(mean) == {
        **nothing,
        "values": [4.0],
        "distinct": 1,
        "count": 2,
        "of": 2,
        "share": 1.0,
    }
    assert missed == {**nothing, "values": [3, 4], "distinct": 2, "count": 2, "of": 2, "share": 1.0}
    written = verdict_json(
        judged([balances(b100=9, b99=1), balances(repeat=1, b100=10)], [HUNDRED, OTHERWISE])
    )
    forbidden, _ = written["findings"]
    assert {name: forbidden[name] for name in nothing} == {
        **nothing,
        "values": [99],
        "distinct": 1,
        "count": 1,
        "of": 20,
        "share": 0.05,
    }
    assert (forbidden["variable"], forbidden["expectation"]) == ("final_balance", None)
    assert verdict_json(judgement)["findings"][1]["expectation"] == {
        "metric": "lost_updates",
        "stat": "every",
        "max": 0,
    }


def test_what_was_never_forbidden_has_its_bound():
    written = verdict_json(judged([balances(b100=100)], [HUNDRED, OTHERWISE]))
    (spared,) = written["never_forbidden"]
    assert spared.pop("share_ci_high") == pytest.approx(0.0295, abs=1e-4)
    assert spared == {"variable": "final_balance", "label": "guard none", "observations": 100}


def test_many_states_of_a_finding_are_counted_and_not_all_listed():
    counts = {f"b{n}": 1 for n in range(50)}
    judgement = judged([balances(**counts)], [{"otherwise": True, "verdict": "interesting"}])
    numbers = numbers_json(judgement.findings[0])
    assert (numbers["values"], numbers["distinct"], numbers["count"]) == (list(range(20)), 50, 50)


def test_an_expectation_says_what_it_is_about():
    judgement = judged(
        lost(1), expect=[{"metric": "lost_updates", "max": 0}, {"metric": "wall_s", "stat": "p95", "min": 2}]
    )
    assert [about(each) for each in judgement.findings] == [
        "lost_updates at most 0 in every trial",
        "p95 of wall_s at least 2",
    ]


def test_a_case_without_a_value_misses_what_is_expected_of_it():
    judgement = judged([record(status=Status.ERROR)], expect=[{"metric": "lost_updates", "max": 0}])
    assert found(judgement)[1] == ("missed", "guard none", "no trial has a value")


def test_bools_are_judged_by_themselves_or_as_a_share():
    trials = [record(repeat=i, metrics={"lossy": i == 0}) for i in range(4)]
    assert judged(trials, expect=[{"metric": "lossy", "equals": False}]).verdict == "failed"
    assert judged(trials, expect=[{"metric": "lossy", "stat": "share", "equals": 0.25}]).verdict == "passed"


def test_a_status_can_be_what_is_expected():
    trials = [record(repeat=i, status=Status.TIMEOUT) for i in range(2)]
    assert judged(trials, expect=[{"status": "timeout"}]).verdict == "passed"
    assert judged([*trials, record("lock")], expect=[{"status": "timeout"}]).verdict == "failed"
    only = {"status": "timeout", "where": {"guard": ["none"]}}
    assert judged([*trials, record("lock")], expect=[only]).verdict == "passed"
    assert judged([*trials, record("lock", status=Status.TIMEOUT)], expect=[only]).verdict == "failed"


def test_a_status_may_be_expected_of_any_trial_or_of_a_share():
    trials = [record(status=Status.TIMEOUT), *(record(repeat=i) for i in range(1, 4))]
    assert judged(trials, expect=[{"status": "timeout", "stat": "any"}]).verdict == "passed"
    assert judged(trials, expect=[{"status": "timeout", "stat": "share", "max": 0.25}]).verdict == "passed"
    told = found(judged(trials, expect=[{"status": "timeout", "stat": "share", "max": 0.2}]))
    assert told == [("missed", "guard none", "25%, 1 of 4 trials")]
    told = found(judged(trials[1:], expect=[{"status": "timeout", "stat": "any"}]))
    assert told == [("missed", "guard none", "3 ok of 3 trials")]


def test_an_expectation_whose_cases_are_not_in_the_run_is_not_judged():
    judgement = judged([record()], expect=[{"metric": "wall_s", "max": 1, "where": {"guard": ["lock"]}}])
    assert found(judgement) == [("not judged", "", "no case with guard lock was executed")]
    assert judgement.verdict == "passed"


def test_an_expectation_of_which_every_trial_was_cancelled_is_not_judged():
    cancelled = record(status=Status.CANCELLED)
    judgement = judged([cancelled], expect=[{"status": "ok"}])
    assert found(judgement) == [("not judged", "", "no case was executed")]


@given(
    st.sampled_from(sorted(set(get_args(Stat)) - {*OF_EACH, "ratio"})),
    st.lists(st.floats(-1e9, 1e9), min_size=1),
)
def test_a_statistic_lies_between_the_least_and_the_greatest(stat, values):
    low, high = (0, 1) if stat == "share" else (min(values), max(values))
    slack = 1e-6 * max(abs(low), abs(high), 1e-300)
    assert low - slack <= statistic(stat, values) <= high + slack


@settings(max_examples=40)
@given(st.lists(st.integers(-3, 3), min_size=1), st.integers(-3, 3))
def test_every_is_as_strict_as_the_extreme_and_any_as_the_other(values, bound):
    records = lost(*values)
    for each, extreme in (("every", "max"), ("any", "min")):
        verdicts = {
            judged(records, expect=[{"metric": "lost_updates", "stat": stat, "max": bound}]).verdict
            for stat in (each, extreme)
        }
        assert len(verdicts) == 1


def test_rules_say_the_same_after_a_trip_through_json():
    rules = Rules.from_json(
        {
            "outcomes": {
                "x": [{**HUNDRED, "where": {"guard": ["none"]}}, {"one_of": [1, 2], "verdict": "forbidden"}]
            },
            "expect": [{"metric": "y", "stat": "p95", "min": 0, "max": 0.5}],
        }
    )
    assert Rules.from_json(rules.to_json()) == rules


def test_a_condition_of_nothing_is_none():
    assert Condition.from_json({"verdict": "forbidden"}) is None


def lines(judgement, *, complete=True):
    digest = verdict_digest(judgement, complete=complete)
    return [digest.verdict, *(line.text for line in digest.lines)]


def test_the_verdict_is_told_with_what_failed_first():
    records = [balances("none", b99=3, b100=9_997), balances("lock", b100=500)]
    judgement = judged(
        records,
        [HUNDRED, {"equals": 99, "where": {"guard": ["none"]}, "verdict": "interesting"}, OTHERWISE],
        [{"metric": "lost_updates", "min": 1, "where": {"guard": ["none"]}}, {"metric": "wall_s", "max": 1}],
    )
    *told, spared = lines(judgement)
    assert told == [
        "failed",
        "missed: guard none: lost_updates at least 1 in every trial: 0 in 1 of 1 trial",
        "interesting: guard none: final_balance 99 in 3 of 10,000 observations (0.03%)",
        "expectations: 2 of 3 met, each counted in each case",
    ]
    assert spared == (
        "no forbidden final_balance in 2 cases, of 500 to 10,000 observations each: "
        "less often than 0.03% to 0.597%, at 95% confidence"
    )


def test_where_nothing_was_forbidden_is_told_apart_from_where_it_was():
    """With the numbers of one case alone, it would read as a contradiction."""
    records = [balances("none", b99=1), balances("lock", b100=500, repeat=0)]
    told = lines(judged(records, [HUNDRED, OTHERWISE]))
    assert told[-1].startswith("no forbidden final_balance in guard lock, of 500 observations: less often")
    told = lines(judged([*records, balances("rlock", b100=500)], [HUNDRED, OTHERWISE]))
    assert "final_balance in 2 other cases, of 500 observations each:" in told[-1]


@pytest.mark.parametrize(
    ("value", "said"), [(None, "null"), (True, "true"), ("none", "none"), (1000, "1,000")]
)
def test_values_are_told_as_an_experiment_writes_them(value, said):
    assert unexecuted({"x": (value,)}) == f"no case with x {said} was executed"


def test_many_findings_of_a_kind_are_shortened():
    records = [record(f"g{i}", status=Status.ERROR) for i in range(SHOWN + 3)]
    told = lines(judged(records))
    assert len(told) == 1 + SHOWN + 1
    assert told[-1] == "failed: … and 3 more in verdict.json"


def test_the_verdict_of_a_part_of_a_run_is_one_so_far():
    assert lines(judged([record()]), complete=False)[0] == "passed so far"
