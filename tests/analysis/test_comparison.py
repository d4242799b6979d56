"""Comparing two sides: which cases are paired, what a difference is called, and how often rightly."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mprunner.analysis.comparison import Comparison, compare_cases, compare_runs
from mprunner.analysis.drift import EarlierRun, Median
from mprunner.analysis.effects import Change, Estimate, Method, change_of
from mprunner.analysis.limits import Limit, parse_limit, parse_percent
from mprunner.analysis.samples import (
    MeasuredCase,
    MeasuredRun,
    chosen_metrics,
    keyed,
    measured,
    paired_cases,
    parse_where,
)
from mprunner.analysis.significance import two_sided_quantile
from mprunner.analysis.statistics import Interval
from mprunner.errors import ExperimentError, NothingSelectedError
from mprunner.model.declaration import Field
from mprunner.model.records import Status
from mprunner.model.relevance import Relevance
from mprunner.report.comparison import limits_in_words, notes, render_comparison
from mprunner.runs import RunInfo, setting_differences
from mprunner.tables.frames import build_frames
from tests.made import record, run

GUARDS = ("none", "lock", "rlock")


def case(values: Iterable[float], guard="none", label=None, failed=0, **params):
    return MeasuredCase(
        label=f"guard {guard}" if label is None else label,
        params={"guard": guard, **params},
        values={"wall_s": dict(enumerate(values))},
        failed=failed,
    )


def made(*cases, scenario="race-bank", units=None):
    return MeasuredRun(scenario=scenario, units=units or {"wall_s": "s"}, cases=cases)


def compared(base, new, **options):
    """Compare runs of one case, each given by its values."""
    sides = [[made(case(values)) for values in side] for side in (base, new)]
    (row,) = compare_runs(*sides, ["wall_s"], **options).rows
    return row


def test_a_case_has_no_value_of_a_param_that_means_nothing_to_it_where_cases_are_chosen():
    rest = {"kind": "process", "size": 1}
    serial = MeasuredCase(label="method serial", params={"method": "serial", "size": 1}, values={})
    pools = [
        MeasuredCase(label=f"processes {n}", params={"method": "map", "processes": n, **rest}, values={})
        for n in (1, 2)
    ]
    run_of_all = made(serial, *pools)
    chosen = paired_cases(run_of_all, parse_where("method=serial"), parse_where("processes=2"))
    assert chosen == [(serial, pools[1])]
    (row,) = compare_cases(chosen, run_of_all, ["wall_s"]).rows
    assert row.label == "method serial → processes 2"
    with pytest.raises(ExperimentError, match="can't be paired one to one"):
        paired_cases(run_of_all, parse_where("method=serial"), parse_where("method=map"))
    with pytest.raises(NothingSelectedError, match="the run has no case with processes=3"):
        paired_cases(run_of_all, parse_where("method=serial"), parse_where("processes=3"))


def test_a_run_of_an_earlier_version_has_the_case_to_which_a_param_means_nothing_now():
    """Two machines with other numbers of CPUs, too: a serial loop is the same on both."""
    fields = (Field(name="method", type="str"), Field(name="processes", type="int"))
    relevance = Relevance((fields[0], replace(fields[1], unless=({"method": ("serial",)},))))
    pool = {"method": "map", "processes": 2}
    old = made(case([1.0], method="serial", processes=8), case([1.0], **pool))
    new = replace(made(case([1.0], method="serial"), case([1.0], **pool)), relevance=relevance)
    assert [set(by_key) for by_key in keyed([old])] != [set(by_key) for by_key in keyed([new])]
    for runs in ([old, new], [new, old]):
        one, other = keyed(runs)
        assert len(one) == 2
        assert one.keys() == other.keys()


GUARDED = parse_where("guard=none"), parse_where("guard=lock")


def compared_in(run):
    """Compare the cases of a run that are guarded with those that are not."""
    return compare_cases(paired_cases(run, *GUARDED), run, ["wall_s"])


def noisy(rng, center=1.0, size=20, spread=0.05):
    return center * np.exp(rng.normal(0, spread, size))


def earlier(medians, code="one", metric="wall_s"):
    """Earlier runs of a case without an id, a minute apart."""
    return [
        EarlierRun(
            run_id=f"{code}-{n}",
            began=f"2025-01-01T{n // 60:02}:{n % 60:02}:00Z",
            code=code,
            medians={("", metric): Median(float(median), 5)},
        )
        for n, median in enumerate(medians)
    ]


STEADY = earlier(1 + 1e-4 * np.random.default_rng(99).normal(0, 1, 20))
"""Earlier runs of a machine that hardly drifts."""


def changes(rng, factor, comparisons, *, runs=1, drift=0.0, cases=3, size=20, earlier=STEADY):
    """Simulate comparisons of some cases and return the changes of each; the new side takes ``factor`` as long."""

    def side(center):
        return [
            made(
                *(
                    case(noisy(rng, center * np.exp(rng.normal(0, drift)), size), guard)
                    for guard in GUARDS[:cases]
                )
            )
            for _ in range(runs)
        ]

    return [
        {row.change for row in compare_runs(side(1.0), side(factor), ["wall_s"], earlier=earlier).rows}
        for _ in range(comparisons)
    ]


def alarms(found):
    """Count the comparisons in which cases are told apart."""
    return sum(bool(changes & {Change.MORE, Change.LESS}) for changes in found)


def told_more(found):
    """Count the comparisons in which all cases have grown."""
    return sum(changes == {Change.MORE} for changes in found)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("mode=a,b", {"mode": "a,b"}),
        ("mode=a,b,,start = fork", {"mode": "a,b,", "start": "fork"}),
        ("scale=1,000,000,mode=x", {"scale": "1,000,000", "mode": "x"}),
    ],
)
def test_a_comma_that_no_param_follows_is_part_of_a_value(text, where):
    assert parse_where(text) == where


def test_200_comparisons_of_what_is_the_same_raise_a_false_alarm_in_at_most_5_percent():
    assert alarms(changes(np.random.default_rng(1), 1.0, 200)) <= 10


def test_a_slowdown_of_10_percent_at_a_spread_of_5_percent_is_found_in_90_percent():
    found = changes(np.random.default_rng(2), 1.1, 200)
    assert told_more(found) >= 180


def test_several_runs_on_a_side_raise_no_more_false_alarms_where_the_machine_drifts():
    found = changes(np.random.default_rng(3), 1.0, 200, runs=3, drift=0.05, cases=1)
    assert alarms(found) <= 14  # 5 % of 200, and what chance adds to that in 9 of 10 seeds


def test_one_run_on_each_side_can_not_tell_a_change_from_drift():
    found = changes(np.random.default_rng(4), 1.5, 100, drift=0.05, cases=1, earlier=())
    assert {Change.CHANGE_OR_DRIFT} in found
    assert all(each <= {Change.CHANGE_OR_DRIFT, Change.NOT_TOLD_APART} for each in found)


def test_several_runs_find_a_difference_that_is_larger_than_the_drift():
    found = changes(np.random.default_rng(5), 1.3, 100, runs=3, drift=0.03, cases=1)
    assert told_more(found) >= 90


def test_a_comparison_has_the_medians_the_ratio_and_its_interval():
    row = compared([[1.0, 2.0, 3.0, 4.0, 5.0]], [[2.0, 4.0, 6.0, 8.0, 10.0]])
    assert (row.base.median, row.new.median, row.ratio) == (3.0, 6.0, 2.0)
    assert row.interval.low <= 2 <= row.interval.high
    assert (row.base.trials, row.base.runs) == (5, 1)


def test_less_of_a_metric_is_told_as_such():
    rng = np.random.default_rng(0)
    assert compared([noisy(rng)], [noisy(rng, 0.5)], earlier=STEADY).change is Change.LESS


def test_a_difference_below_the_minimum_effect_is_negligible_however_sure():
    rng = np.random.default_rng(0)
    base, new = noisy(rng, spread=0.001), noisy(rng, 1.005, spread=0.001)
    assert compared([base], [new], earlier=STEADY).change is Change.NEGLIGIBLE
    assert compared([base], [new], earlier=STEADY, min_effect=0.001).change is Change.MORE


@pytest.mark.parametrize(
    ("ratio", "interval", "p", "called"),
    [
        (1.2, (1.1, 1.3), 0.01, Change.MORE),
        (0.8, (0.7, 0.9), 0.01, Change.LESS),
        (1.2, (1.1, 1.3), None, Change.MORE),
        (1.2, (1.1, 1.3), 0.05, Change.NOT_TOLD_APART),
        (1.2, (0.9, 1.3), 0.01, Change.NOT_TOLD_APART),
        (1.005, (1.001, 1.05), 0.01, Change.UNSURE),
        (1.005, (1.001, 1.01), 0.01, Change.NEGLIGIBLE),
        (1.005, (0.995, 1.009), 0.9, Change.NEGLIGIBLE),
        (1.005, (0.98, 1.009), 0.9, Change.NOT_TOLD_APART),
        (1.2, None, 0.01, Change.TOO_FEW),
        (None, None, 0.01, Change.MORE),
        (None, None, 0.2, Change.NOT_TOLD_APART),
        (None, None, None, Change.TOO_FEW),
    ],
)
def test_a_difference_is_told_where_test_interval_and_minimum_effect_agree(ratio, interval, p, called):
    estimate = Estimate(
        method=Method.RUNS, ratio=ratio, interval=interval and Interval(*interval), p=p, shift=3.0
    )
    assert change_of(estimate, 0.01) is called
    for blind in (Method.TRIALS, Method.ONE_TURN):
        untold = called if called in (Change.NOT_TOLD_APART, Change.TOO_FEW) else Change.CHANGE_OR_DRIFT
        assert change_of(replace(estimate, method=blind), 0.01) is untold


@pytest.mark.parametrize("sizes", [(4, 20), (20, 4), (3, 3), (1, 1)])
def test_fewer_than_five_trials_are_too_few(sizes):
    assert compared([[1.0] * sizes[0]], [[2.0] * sizes[1]]).change is Change.TOO_FEW


@pytest.mark.parametrize("factor", [1.001, 0.5])
def test_beside_too_few_to_tell_stands_no_p(factor):
    row = compared([np.arange(1.0, 5)], [factor * np.arange(100.0, 120)])
    assert (row.change, row.p) == (Change.TOO_FEW, None)


def test_a_case_of_too_few_trials_does_not_count_in_the_correction_of_the_others():
    rng = np.random.default_rng(0)
    few = [case([1.0, 2.0], "lock", n=n) for n in range(9)]
    one, other = made(case(noisy(rng), n=0), *few), made(case(noisy(rng, 1.05), n=0), *few)
    alone = compare_runs([made(one.cases[0])], [made(other.cases[0])], ["wall_s"]).rows[0]
    assert compare_runs([one], [other], ["wall_s"]).rows[0].p == alone.p


def many_cases(rng, factor, cases):
    """A run of so many cases and the usual five repeats."""
    return [made(*(case(noisy(rng, factor, 5), "none", f"{n}", n=n) for n in range(cases)))]


def changes_of_many(rng, factor, comparisons):
    sides = [(many_cases(rng, 1, 8), many_cases(rng, factor, 8)) for _ in range(comparisons)]
    return [{row.change for row in compare_runs(*both, ["wall_s"], earlier=STEADY).rows} for both in sides]


def test_of_many_cases_of_five_trials_no_ranks_could_tell_and_welchs_t_finds_a_slowdown():
    assert told_more(changes_of_many(np.random.default_rng(6), 1.5, 50)) >= 48


def test_of_many_cases_of_five_trials_what_is_the_same_raises_few_false_alarms():
    assert alarms(changes_of_many(np.random.default_rng(7), 1, 200)) <= 10


def test_many_cases_of_four_trials_are_too_few():
    base, new = (
        [made(*(case(factor * np.arange(1.0, 5), "none", f"{n}", n=n) for n in range(7)))]
        for factor in (1, 100)
    )
    assert {row.change for row in compare_runs(base, new, ["wall_s"]).rows} == {Change.TOO_FEW}


def test_a_case_without_an_ok_trial_is_too_few_and_does_not_count_in_the_correction():
    rng = np.random.default_rng(0)
    base = made(case(noisy(rng, size=5)), *(case([], "lock", f"{n}", n=n) for n in range(9)))
    base = replace(
        base, cases=tuple(replace(one, params={**one.params, "n": k}) for k, one in enumerate(base.cases))
    )
    new = replace(
        base,
        cases=(replace(base.cases[0], values={"wall_s": {n: 9.0 + n for n in range(5)}}), *base.cases[1:]),
    )
    rows = compare_runs([base], [new], ["wall_s"], earlier=STEADY).rows
    assert [row.change for row in rows] == [Change.MORE, *[Change.TOO_FEW] * 9]


def test_a_base_of_0_has_no_ratio_but_ranks_tell():
    assert compared([[0.0] * 9], [[5.0 + n for n in range(9)]]).change is Change.MORE
    row = compared([[0.0] * 9], [[0.0] * 9])
    assert (row.change, row.ratio) == (Change.NOT_TOLD_APART, None)


RARE = [0.0] * 19 + [1.0, 2.0, 5.0, 1.0, 3.0, 1.0, 1.0, 2.0, 7.0, 1.0, 1.0]
"""A race that shows in 11 of 30 trials: the median is 0."""


@pytest.mark.parametrize(
    ("base", "new"),
    [([[0.0] * 30], [RARE]), ([[0.0] * 30] * 3, [RARE, RARE[::-1], [*RARE[15:], *RARE[:15]]])],
    ids=["a run each", "three runs each"],
)
def test_growth_from_0_is_told_and_beyond_any_limit_even_if_the_median_stays_0(base, new):
    row = compared(base, new)
    assert (row.base.median, row.new.median, row.ratio, row.change) == (0, 0, None, Change.MORE)
    assert parse_limit("wall_s: +900%").is_exceeded(row)
    assert compared(new, base).change is Change.LESS


def test_growth_from_0_between_two_cases_of_a_run_is_told_though_the_median_stays_0():
    both = made(case([0.0] * 30), case(RARE, "lock"))
    (row,) = compared_in(both).rows
    assert (row.ratio, row.change) == (None, Change.MORE)
    assert parse_limit("wall_s: +0%").is_exceeded(row)


def test_what_stays_0_is_judged_and_within_every_limit():
    row = compared([[0.0] * 30], [[0.0] * 30])
    limit = parse_limit("wall_s: +0%")
    assert (limit.is_judged(row), limit.is_exceeded(row)) == (True, False)


def test_a_base_that_is_often_0_is_held_against_a_limit_by_its_median():
    row = compared([[0.0] * 12 + [4.0] * 18], [[4.1] * 15 + [4.3] * 15], earlier=STEADY)
    assert (row.ratio, row.change) == (None, Change.MORE)
    assert parse_limit("wall_s: +1%").is_exceeded(row)
    assert not parse_limit("wall_s: +9%").is_exceeded(row)


def test_of_a_base_below_0_no_limit_is_judged():
    row = compared([[-2.0] * 9], [[-1.0] * 9])
    assert (row.ratio, row.change) == (None, Change.MORE)
    assert not parse_limit("wall_s: +5%").is_judged(row)


def test_one_run_stands_against_several():
    row = compared([[1.0] * 5, [1.02] * 5, [0.98] * 5, [1.01] * 5], [[2.0] * 5])
    assert (row.change, row.base.runs, row.new.runs) == (Change.MORE, 4, 1)


@pytest.mark.parametrize(("base", "new", "change"), [(5, 0, Change.LESS), (0, 5, Change.MORE)])
def test_several_runs_of_which_one_side_is_0_are_told_apart(base, new, change):
    row = compared([[base] * 20] * 2, [[new] * 20] * 2)
    assert (row.ratio, row.change) == (None, change)
    assert parse_limit("wall_s: +5%").is_exceeded(row) is (change is Change.MORE)


def test_several_runs_of_counts_that_are_often_0_raise_a_false_alarm_in_few_comparisons():
    rng = np.random.default_rng(0)
    told = [
        compared(*rng.poisson(0.7, (2, 2, 20)).astype(float).tolist()).change in (Change.MORE, Change.LESS)
        for _ in range(200)
    ]
    assert sum(told) / len(told) <= 0.06


def test_repeats_within_a_run_do_not_make_up_for_runs():
    drifting = compared([[1.0] * 50, [1.3] * 50], [[1.25] * 50, [1.6] * 50])
    assert drifting.change is Change.NOT_TOLD_APART


def test_cases_are_matched_by_their_params_and_the_others_are_named():
    base = made(case([1.0], "none"), case([1.0], "lock"))
    new = made(case([1.0], "rlock"), case([1.0], "lock"))
    found = compare_runs([base], [new], ["wall_s"])
    assert [row.label for row in found.rows] == ["guard lock"]
    assert (found.only_base, found.only_new) == (("guard none",), ("guard rlock",))


def test_a_param_that_one_version_of_the_scenario_does_not_have_is_no_obstacle():
    base, new = made(case([1.0], "none"), case([1.0], "lock")), made(case([1.0], "none", pause=0.5))
    found = compare_runs([base], [new], ["wall_s"])
    assert [row.label for row in found.rows] == ["guard none"]


def test_a_new_param_that_is_swept_leaves_no_case_to_match():
    base, new = made(case([1.0])), made(case([1.0], pause=0.5), case([1.0], pause=1.0))
    assert compare_runs([base], [new], ["wall_s"]).rows == ()


def test_labels_that_do_not_tell_cases_apart_are_replaced_by_what_does():
    side = made(case([1.0], "none", ""), case([1.0], "lock", ""))
    assert [row.label for row in compare_runs([side], [side], ["wall_s"]).rows] == [
        "guard none",
        "guard lock",
    ]


def test_cases_of_one_run_are_compared_repeat_by_repeat():
    drift = [1.0, 2.0, 4.0, 8.0, 16.0]
    both = made(case(drift), case([1.1 * value for value in drift], "lock"))
    (row,) = compared_in(both).rows
    assert row.ratio == pytest.approx(1.1)
    assert (row.change, row.label) == (Change.MORE, "guard none → guard lock")
    assert row.p < 0.05


def test_it_is_told_of_how_many_repeats_a_ratio_is_where_a_side_has_more():
    both = made(case([1.0] * 7), case([2.0] * 29, "lock"))
    comparison = compared_in(both)
    assert comparison.rows[0].pairs == 7
    told = "Repeats that both have: guard none → guard lock: 7 of 7 and 29 (wall_s)"
    assert told in render_comparison(comparison)


def test_no_repeats_are_told_of_a_metric_that_a_side_does_not_have():
    (row,) = compared_in(made(case([1.0] * 7), case([2.0] * 7, "lock"))).rows
    nothing = replace(row, metric="wait_s", pairs=0, base=replace(row.base, trials=0, median=None))
    comparison = Comparison(method=Method.REPEATS, min_effect=0.01, rows=(row, nothing))
    assert not any("Repeats" in note for note in notes(comparison))


def paired_changes(rng, factor, comparisons, *, cases, size):
    """Simulate comparisons of two cases of a run at so many points; return the changes of each."""
    sizes = range(cases)

    def run():
        return made(
            *(case(noisy(rng, 1.0, size), "none", n=n) for n in sizes),
            *(case(noisy(rng, factor, size), "lock", n=n) for n in sizes),
        )

    return [{row.change for row in compared_in(run()).rows} for _ in range(comparisons)]


@pytest.mark.parametrize(("cases", "size"), [(1, 5), (1, 20), (10, 10), (20, 20)])
def test_many_pairs_of_what_is_the_same_raise_a_false_alarm_in_no_more_comparisons_than_one(cases, size):
    found = paired_changes(np.random.default_rng(6), 1.0, 100, cases=cases, size=size)
    assert alarms(found) <= 9  # 5 % of 100, and what chance adds in 19 of 20 seeds


def test_a_slower_case_of_a_run_is_found_in_90_percent():
    found = paired_changes(np.random.default_rng(7), 1.1, 100, cases=3, size=20)
    assert told_more(found) >= 90


def test_a_count_that_is_often_0_is_not_less_because_its_ratios_are_of_the_others_alone():
    rng = np.random.default_rng(8)
    for _ in range(50):
        base, new = rng.poisson(0.5, (2, 40)).astype(float)
        both = made(case(base), case(new, "lock"))
        (row,) = compared_in(both).rows
        assert row.ratio is None or base.min() > 0


def test_each_case_is_paired_with_the_one_that_agrees_on_all_else():
    both = made(*(case([1.0] * 5, guard, start=start) for guard in GUARDS for start in ("fork", "spawn")))
    pairs = paired_cases(both, parse_where("guard=none"), parse_where("guard=lock"))
    rows = compare_cases(pairs, both, ["wall_s"]).rows
    assert [row.label for row in rows] == ["start fork", "start spawn"]
    assert all(new.params["guard"] == "lock" for _, new in pairs)


@pytest.mark.parametrize(
    ("base", "new", "error", "reason"),
    [
        ("guard=none", "guard=none", ExperimentError, "can't be paired one to one"),
        ("guard=none", "guard=lock,n=1", ExperimentError, "can't be paired one to one"),
        ("guard=none", "colour=red", ExperimentError, "the run has no param 'colour'"),
        ("guard=none", "guard=semaphore", NothingSelectedError, "no case with guard=semaphore"),
        ("guard=none,n=1", "guard=none,n=9", NothingSelectedError, "no case with guard=none,n=9"),
    ],
)
def test_cases_that_can_not_be_paired_are_refused(base, new, error, reason):
    both = made(*(case([1.0], guard, n=n) for guard in GUARDS for n in (1, 2)))
    with pytest.raises(error, match=reason):
        paired_cases(both, parse_where(base), parse_where(new))


@pytest.mark.parametrize("text", ["", "guard", "=none", "guard=", "guard=none,"])
def test_what_names_no_case_is_refused(text):
    with pytest.raises(ExperimentError, match="names no case"):
        parse_where(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1_000, "1000"), (1_000, "1,000"), (0.5, "0.50"), (True, "true"), (None, "null"), ("1", "1")],
)
def test_a_value_is_named_as_the_experiment_or_the_summary_writes_it(value, text):
    both = made(case([1.0], "none", n=value), case([1.0], "lock", n=value))
    where = {"guard": "none", "n": text}
    assert len(paired_cases(both, where, {"guard": "lock"})) == 1


def test_the_durations_are_compared_unless_metrics_are_named():
    units = {"wall_s": "s", "wait_s": "s", "rate": "per_s"}
    one = made(case([1.0]), units=units)
    assert chosen_metrics([one], []) == ("wall_s",)  # wait_s has no value
    assert chosen_metrics([one], [], ["rate"]) == ("wall_s", "rate")
    assert chosen_metrics([one], ["rate"], ["wall_s"]) == ("rate", "wall_s")


@pytest.mark.parametrize(
    ("other", "wanted", "reason"),
    [
        (made(case([1.0]), scenario="pool-map"), [], "different scenarios: pool-map, race-bank"),
        (made(case([1.0])), ["speed"], "no numeric metric 'speed'"),
        (made(case([1.0]), units={"wall_s": "ms"}), ["wall_s"], r"other units on one side: ms, s$"),
        (made(case([1.0]), units={"rate": "per_s"}), [], "no duration was measured"),
    ],
)
def test_what_can_not_be_compared_is_refused(other, wanted, reason):
    with pytest.raises(ExperimentError, match=reason):
        chosen_metrics([made(case([1.0])), other], wanted)


def test_only_counted_trials_are_compared_and_those_that_failed_are_told():
    records = [
        record(repeat=-1, metrics={"wall_s": 9.0}),
        record(repeat=0, metrics={"wall_s": 1.0}),
        record(repeat=1, status=Status.TIMEOUT),
    ]
    found = run(*records)
    one = measured(build_frames(found), found.header)
    (row,) = compare_runs([one], [one], ["wall_s"]).rows
    assert (row.base.trials, row.base.median, row.base.failed) == (1, 1.0, 1)


def differing(base, new):
    """Compare run.jsons, with the planned experiment of each under ``planned``."""
    sides = ([(RunInfo(run), run.get("planned", {})) for run in side] for side in (base, new))
    return [(each.what, each.then, each.now) for each in setting_differences(*sides)]


def test_a_setting_differs_where_any_two_runs_do():
    run_json = {
        "python": "3.12.1",
        "host": "a",
        "cpus_usable": [0, 1],
        "git": {"revision": "1" * 40, "dirty": False},
    }
    other = run_json | {"python": "3.13.0", "git": {"revision": "1" * 40, "dirty": True}}
    assert differing([run_json], [other]) == [
        ("Python", "3.12.1", "3.13.0"),
        ("git revision", "1" * 12, "1" * 12 + ", changed"),
    ]
    mixed = [run_json, run_json | {"host": "b"}]
    assert [each[1:] for each in differing(mixed, mixed)] == [("a or b", "a or b")]
    assert differing([run_json], [run_json]) == []


def test_the_setting_of_a_variant_is_its_interpreter_and_its_commit():
    told = {"python": "CPython 3.13.1", "gil_enabled": True}
    run_json = {"variants": {"here": told, "old": told | {"revision": "HEAD", "commit": "1" * 40}}}
    other = {
        "variants": {
            "here": told | {"gil_enabled": False},
            "old": told | {"revision": "HEAD", "commit": "2" * 40},
        }
    }
    assert differing([run_json], [other]) == [
        ("variant here", "CPython 3.13.1, with a GIL", "CPython 3.13.1, without a GIL"),
        (
            "variant old",
            f"CPython 3.13.1, with a GIL, revision HEAD ({'1' * 12})",
            f"CPython 3.13.1, with a GIL, revision HEAD ({'2' * 12})",
        ),
    ]


def test_what_bounds_a_trial_and_in_what_order_trials_are_executed_belong_to_the_setting():
    limits = {"memory_per_process": None, "processes": 512}
    planned = {"order": "interleaved", "warmup": 0, "timeout_s": 60.0, "limits": limits}
    run_json = {"cpus": [0, 1], "seed": 0, "planned": planned}
    changed = {"order": "sequential", "warmup": 2, "timeout_s": 7.5, "limits": limits | {"processes": 9}}
    other = {"cpus": [0], "seed": 99, "planned": changed}
    assert differing([run_json], [other]) == [
        ("CPUs of a trial", "0, 1", "0"),
        ("seed", "0", "99"),
        ("order", "interleaved", "sequential"),
        ("warmup", "0", "2"),
        ("timeout", "60 s", "7.5 s"),
        ("limit of processes", "512", "9"),
    ]


def test_a_run_that_was_resumed_with_another_python_differs_in_it():
    mixed = {"python": "3.12.1", "host": "a", "resumed": [{"python": "3.13.0"}]}
    now = {"python": "3.12.1", "host": "a"}
    assert differing([mixed], [now]) == [("Python", "3.12.1 or 3.13.0", "3.12.1")]


def test_what_a_run_does_not_say_is_not_known_to_differ():
    assert differing([{}], [{"host": "a"}]) == []
    assert differing([{}, {"host": "a"}], [{"host": "a"}]) == []


def test_a_setting_of_another_shape_is_no_crash():
    odd = {"cpus_usable": 3}
    assert differing([{"git": 5, "plugin": None, "packages": []}], [odd]) == []


@given(*[st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=7)] * 2)
@example([-1.7e308, *[1.7e308] * 5], [1.7e308, *[-1.7e308] * 5])
@example([1e-300] * 6, [1e300] * 6)
@example([0.0, 0.0, 2.2e307, 0.0, 0.0], [0.0, 0.0, -1.6e308, 0.0, 0.0])
def test_whatever_the_values_no_number_of_a_comparison_is_infinite(base, new):
    ours, theirs = case(base, "none"), case(new, "lock")
    sides = [made(replace(ours, params={})), made(replace(theirs, params={}))]
    several = [[side, made(replace(side.cases[0], values={"wall_s": {0: 1.0}}))] for side in sides]
    compared = (
        compare_runs(sides[:1], sides[1:], ["wall_s"]),
        compare_runs(*several, ["wall_s"]),
        compare_cases([(ours, theirs)], sides[0], ["wall_s"]),
    )
    for each in compared:
        json.dumps(asdict(each), allow_nan=False)
        render_comparison(each)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("wall_s: +5%", Limit(metric="wall_s", sign="+", allowed=0.05)),
        (" rate_per_s:-2.5 % ", Limit(metric="rate_per_s", sign="-", allowed=0.025)),
        ("wall_s:+150%", Limit(metric="wall_s", sign="+", allowed=1.5)),
        ("wall_s:-0%", Limit(metric="wall_s", sign="-", allowed=0.0)),
    ],
)
def test_a_limit_is_read(text, limit):
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text", ["", "wall_s", "wall_s: 5%", "wall_s: +5", "wall_s: +x%", ": +5%", "wall_s: -100%"]
)
def test_what_is_no_limit_is_refused(text):
    with pytest.raises(ValueError, match=r"no limit|no percentage|nothing shrinks"):
        parse_limit(text)


@pytest.mark.parametrize("text", ["1", "-1%", "1e3%", "nan%", "٣%"])
def test_what_is_no_percentage_is_refused(text):
    with pytest.raises(ValueError, match="no percentage"):
        parse_percent(text)


@pytest.mark.parametrize(
    ("factor", "limit", "exceeded"),
    [
        (1.2, "+5%", True),
        (1.2, "+0%", True),
        (1.2, "-0%", False),
        (1.2, "+30%", False),
        (0.8, "+5%", False),
        (0.8, "+0%", False),
        (0.8, "-5%", True),
        (0.8, "-0%", True),
        (0.8, "-30%", False),
    ],
)
def test_a_limit_is_exceeded_by_a_difference_that_is_told(factor, limit, exceeded):
    rng = np.random.default_rng(0)
    row = compared([noisy(rng)], [noisy(rng, factor)], earlier=STEADY)
    assert parse_limit(f"wall_s: {limit}").is_exceeded(row) is exceeded
    assert not parse_limit(f"other_s: {limit}").is_exceeded(row)
    assert not parse_limit(f"wall_s: {limit}").is_exceeded(replace(row, p=0.05))
    assert not parse_limit(f"wall_s: {limit}").is_exceeded(replace(row, interval=Interval(0.9, 1.1)))


def test_the_minimum_effect_disarms_no_limit():
    rng = np.random.default_rng(0)
    row = compared([noisy(rng)], [noisy(rng, 1.2)], min_effect=0.5, earlier=STEADY)
    assert row.change is Change.NEGLIGIBLE
    assert parse_limit("wall_s: +5%").is_exceeded(row)


@pytest.mark.parametrize(
    ("ratio", "limit", "shown"), [(1.05004, "+5%", "1.05004×"), (0.89996, "-10%", "0.89996×")]
)
def test_what_is_beyond_a_limit_is_shown_with_so_many_digits_that_it_reads_so(ratio, limit, shown):
    row = compared([[1.0] * 5], [[1.5] * 5])
    row = replace(row, ratio=ratio, interval=Interval(ratio, ratio), p=0.01, method=Method.RUNS)
    comparison = Comparison(method=Method.TRIALS, min_effect=0.01, rows=(row,))
    (said,) = limits_in_words(comparison, [parse_limit(f"wall_s: {limit}")])
    assert said == f"beyond wall_s: {limit}: guard none, {shown}"


def test_a_difference_below_the_minimum_effect_whose_interval_reaches_beyond_it_is_told_as_small():
    row = replace(compared([[1.0] * 5], [[1.0] * 5]), change=Change.UNSURE, ratio=1.005)
    comparison = Comparison(method=Method.REPEATS, min_effect=0.01, rows=(row, replace(row, ratio=0.995)))
    lines = render_comparison(comparison).splitlines()
    assert lines[0] == "wall_s: 2 cases, 1 slightly slower, 1 slightly faster"
    assert "Slightly: a difference is shown, of under 1%; its interval reaches beyond 1%." in lines


def test_growth_from_0_is_beyond_any_limit():
    row = compared([[0.0] * 10], [[5.0] * 10])
    assert (row.ratio, row.change) == (None, Change.MORE)
    assert parse_limit("wall_s: +500%").is_exceeded(row)
    assert not parse_limit("wall_s: -5%").is_exceeded(row)
    assert parse_limit("wall_s: -5%").is_judged(row)


def test_a_new_side_of_which_no_trial_is_ok_is_beyond_any_limit():
    (row,) = compare_runs([made(case([1.0] * 5))], [made(case([], failed=5))], ["wall_s"]).rows
    assert parse_limit("wall_s: +500%").is_exceeded(row)
    assert parse_limit("wall_s: -5%").is_exceeded(row)


def test_runs_whose_medians_agree_by_chance_are_told_apart_by_their_trials_alone():
    base = [made(case([1.0, 1, 2, 3, 4])), made(case([0.0, 2, 2, 4, 5]))]
    new = [made(case([1.0, 3, 3, 2, 5])), made(case([0.0, 3, 4, 3, 1]))]
    (row,) = compare_runs(base, new, ["wall_s"]).rows
    assert row.change is Change.NOT_TOLD_APART
    sure = [made(case([3.0] * 5)), made(case([3.0] * 5))]
    (row,) = compare_runs([made(case([2.0] * 5))] * 2, sure, ["wall_s"]).rows
    assert row.change is Change.MORE


def test_a_comparison_is_told_case_by_case_with_what_it_leaves_out():
    rng = np.random.default_rng(0)
    base = made(case(noisy(rng)), case(noisy(rng), "lock", failed=2), case([1.0], "rlock"))
    new = made(case(noisy(rng, 1.5)), case(noisy(rng), "lock"))
    lines = render_comparison(compare_runs([base], [new], ["wall_s"])).splitlines()
    assert lines[0] == "wall_s: 2 cases, 1 change or drift, 1 no clear difference"
    assert lines[1].startswith("guard none   ")
    assert lines[1].endswith("   change or drift")
    assert "only in base: guard rlock" in lines
    assert "trials that were not ok, and so are not compared: guard lock: 2 → 0" in lines
    assert lines[-1].startswith("One run each can't tell a change from the machine's drift: ")


def test_the_method_follows_from_what_stands_on_the_sides():
    one = made(case([1.0] * 5))
    assert compare_runs([one], [one], ["wall_s"]).method is Method.TRIALS
    assert compare_runs([one, one], [one], ["wall_s"]).method is Method.RUNS


def test_a_ratio_that_no_float_holds_is_not_told_and_the_side_that_has_more_is():
    sides = [[made(case([value * factor])) for factor in (1, 1.1)] for value in (1e-300, 1e300)]
    comparison = compare_runs(*sides, ["wall_s"])
    (row,) = comparison.rows
    assert (row.ratio, row.interval, row.change) == (None, None, Change.MORE)
    assert "1e+308" not in render_comparison(comparison)


def test_an_interval_that_says_nothing_is_told_in_one_word():
    sides = [[made(case([value])) for value in values] for values in ([1e-6, 1.0], [1.0])]
    found = compare_runs(*sides, ["wall_s"])
    assert found.rows[0].interval.high > 1e20
    assert "1,000× (anything), p 0.67 " in render_comparison(found)


def ratio_row(low, ratio, high, **facts):
    row = compared([[1.0] * 8], [[1.0] * 8])
    return replace(row, ratio=ratio, interval=Interval(low, high), **facts)


def test_about_so_many_trials_tell_as_make_the_interval_reach_the_limit():
    """The interval of no change, in logarithms, narrows by the square root of the number of values."""
    row = ratio_row(0.8, 1.0, 1.21)
    assert Limit(metric="wall_s", sign="+", allowed=0.1).needed(row) == (32, "trials")  # 1.21 is 1.1 squared
    assert Limit(metric="wall_s", sign="-", allowed=0.2).needed(row) == (8, "trials")
    assert Limit(metric="wall_s", sign="+", allowed=0.0).needed(row) is None


@pytest.mark.parametrize(
    ("turns", "degrees", "earlier"),
    [(3, 4.0, 0), (1, 4.0, 0), (1, 19.0, 20)],
    ids=["3 and 3", "1 and 5", "earlier"],
)
def test_so_many_runs_tell_as_student_says(turns, degrees, earlier):
    """With a deviation of 3 % between runs, four runs a side are the first whose interval ends below 6 %."""
    others = 1 if earlier else degrees + 2 - turns
    half = two_sided_quantile(0.05, degrees) * 0.03 * math.sqrt(1 / turns + 1 / others)
    row = ratio_row(math.exp(-half), 1.0, math.exp(half), turns=turns, degrees=degrees, earlier=earlier)
    row = replace(row, method=Method.EARLIER if earlier else Method.RUNS)
    halves = [two_sided_quantile(0.05, 2 * n - 2) * 0.03 * math.sqrt(2 / n) for n in (3, 4)]
    assert halves[1] < math.log(1.06) < halves[0]
    assert parse_limit("wall_s: +6%").needed(row) == (4, "runs")


def test_more_runs_than_anyone_executes_are_not_told():
    row = ratio_row(0.01, 1.0, 100.0, turns=2, degrees=2.0, method=Method.RUNS)
    assert parse_limit("wall_s: +0.1%").needed(row) is None


def test_the_smallest_change_that_could_have_been_shown_is_that_whose_interval_just_excludes_1():
    row = ratio_row(1.0, 1.25, 1.5)
    assert parse_limit("wall_s: +5%").smallest_shown(row) == pytest.approx(0.25)
    assert parse_limit("wall_s: -5%").smallest_shown(row) == pytest.approx(1 - 1.25 / 1.5)


def test_what_is_unclear_is_told_with_what_could_have_been_shown_and_what_would_tell():
    row = ratio_row(0.8, 1.0, 1.1004, turns=3, degrees=4.0, method=Method.RUNS)
    comparison = Comparison(method=Method.RUNS, min_effect=0.01, rows=(row,))
    (said,) = limits_in_words(comparison, [parse_limit("wall_s: +10%")])
    assert said == (
        "wall_s: +10% is unclear: guard none may be up to 1.1004×; a change of +25% could have been shown; "
        "about 4 runs a side, in turn, would tell"
    )
