"""What makes numbers doubtful, and which case is the fastest: told with numbers, and only where it is so."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mprunner.analysis.diagnostics import (
    fastest,
    groups_of,
    modified_z,
    noise_of_cases,
)
from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge
from mprunner.report import wording
from mprunner.report.layout import plain
from mprunner.report.run_summary import digest, summary_lines
from mprunner.report.wording import noise_in_words, too_few_repeats
from mprunner.runs import RunInfo
from mprunner.tables.frames import build_frames
from tests.made import record, run

QUIET = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]


def told(**cases):
    return noise_in_words("wall_s", noise_of_cases(cases))


def test_quiet_cases_have_no_noise():
    assert told(a=QUIET, b=QUIET) == ""


def test_a_large_spread_is_told_with_the_case_where_it_is_largest():
    assert told(a=[1.0, 1.5, 1.0, 1.5, 1.2], b=[1.0, 2.0, 1.0, 2.0, 1.5], c=QUIET) == (
        "wall time varies by 10% or more in 2 of 3 cases (most in b: 33%)"
    )
    assert told(a=[1.0, 2.0, 1.0, 2.0, 1.5]) == "wall time varies by 10% or more: 33%"


@pytest.mark.parametrize(
    ("values", "spreads"), [([0.9, 1.0, 1.1], True), ([0.901, 1.0, 1.099], False), ([1.0, 9.0], False)]
)
def test_a_spread_is_large_from_10_percent_of_the_mean_on_and_of_three_values(values, spreads):
    assert bool(told(a=values)) is spreads


def test_outliers_are_counted():
    line = told(a=[*QUIET, 1.12], b=QUIET)
    assert line == "outliers of wall time in 1 of 2 cases (in a: 1 of 7 trials)"


@pytest.mark.parametrize(
    "values", [[1.0, 1.0, 1.0, 1.001, 1.09], [1.09, *QUIET * 3], [1.0, 1.0, 1.0, 1.001, 0.91]]
)
def test_what_is_near_the_median_is_no_outlier_however_near_the_others_are(values):
    assert told(a=values) == ""


def test_a_slow_first_trial_is_told_as_that_and_not_as_an_outlier():
    assert told(a=[1.2, *QUIET * 3]) == "a slow first trial (`warmup: 1` leaves it out): 1.20× the median"


def test_a_first_trial_that_is_slow_beside_a_slower_one_is_an_outlier_like_that():
    assert told(a=[1.2, 1.21, *QUIET * 4]) == "outliers of wall time: 2 of 26 trials"


def test_several_kinds_of_noise_are_one_line_that_names_the_worst_case_of_the_first():
    line = told(a=[1.0, 2.0, 1.0, 2.0, 1.5], b=[1.2, *QUIET * 3])
    assert line == (
        "wall time varies by 10% or more in 1 of 2 cases (in a: 33%); "
        "a slow first trial (`warmup: 1` leaves it out) in 1"
    )


def test_the_modified_z_is_iglewicz_and_hoaglins():
    assert modified_z([1.0, 2.0, 3.0, 4.0, 100.0]) == pytest.approx([-1.349, -0.6745, 0.0, 0.6745, 65.4265])


def test_where_most_values_are_equal_the_mean_absolute_deviation_is_the_unit():
    assert modified_z([1.0, 1.0, 1.0, 5.0]) == pytest.approx([0.0, 0.0, 0.0, 4 / 1.253314])
    assert modified_z([1.0] * 4) == [0.0] * 4


def test_a_slow_first_trial_is_told_where_all_others_are_equal():
    assert told(a=[50.0, *[1.0] * 30]) == (
        "wall time varies by 10% or more: 341%; a slow first trial (`warmup: 1` leaves it out): 50× the median"
    )


@given(st.lists(st.floats(0.1, 100.0), min_size=1, max_size=20), st.sampled_from([0.5, 4.0]))
def test_the_modified_z_does_not_depend_on_the_unit(values, factor):
    assert modified_z([factor * value for value in values]) == pytest.approx(modified_z(values))


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 6, [-1.0, 1.0, -1.0, 1.0, 0.0]])
def test_values_that_can_not_be_judged_are_not(values):
    assert told(a=values) == ""


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
@example([5e307, *[1e307] * 6])
@example([-1.7e308, *[1.7e308] * 6])
def test_no_values_are_too_large_to_be_judged(values):
    assert "inf" not in str(told(a=values))
    assert "nan" not in str(told(a=values))


def test_too_few_repeats_are_counted():
    assert too_few_repeats({"a": [1.0] * 4, "b": [1.0] * 5}) == (
        "fewer than 5 ok trials in 1 of 2 cases: no interval says how far chance reaches",
    )
    assert too_few_repeats({"": [1.0]}) == (
        "fewer than 5 ok trials in the only case: no interval says how far chance reaches",
    )
    assert too_few_repeats({"a": [1.0] * 5}) == ()


def noise_of_machine(content):
    return tuple(wording.noise_of_machine(RunInfo(content)))


def test_a_busy_machine_is_told_by_its_load_at_the_start():
    busy = {"cpu_count": 2, "load_at_start": [2.5, 1.0, 1.0], "load_at_end": [9.0, 9.0, 9.0]}
    assert noise_of_machine(busy) == ("the machine was busy when the run began: a load of 2.5 on 2 CPUs",)
    assert noise_of_machine(busy | {"cpu_count": 4}) == ()
    assert noise_of_machine(busy | {"load_at_start": [2.0, 9.0, 9.0]}) == ()


def test_swapping_and_heat_are_told_by_what_the_machine_counted_meanwhile():
    run_json = {
        "counters_at_start": {"swapped_pages": 10, "throttled": 5},
        "counters_at_end": {"swapped_pages": 1_510, "throttled": 7},
    }
    assert noise_of_machine(run_json) == (
        "the machine swapped while it measured: 1,500 pages",
        "a CPU was slowed down for its heat while it measured, 2 times",
    )


def test_a_frequency_that_drifts_is_told():
    drifted = {"cpu_mhz": {"lowest": 2_000.0, "highest": 2_200.0}}
    (line,) = noise_of_machine(drifted)
    assert line == "the CPUs' frequency drifted while it measured: 2,000 … 2,200 MHz"
    assert noise_of_machine({"cpu_mhz": {"lowest": 2_000.0, "highest": 2_199.0}}) == ()


@pytest.mark.parametrize(
    "run_json",
    [
        {},
        {"cpu_mhz": None},
        {"counters_at_start": {"swapped_pages": None}, "counters_at_end": {"swapped_pages": 3}},
        {"counters_at_start": {"swapped_pages": 10}, "counters_at_end": None},
        {"counters_at_start": {"swapped_pages": 10}, "counters_at_end": {"swapped_pages": 1}},
        {"load_at_start": [99.0]},
    ],
)
def test_what_the_machine_does_not_count_is_not_told(run_json):
    assert noise_of_machine(run_json) == ()


def test_of_a_run_that_was_resumed_the_last_part_is_judged():
    run_json = {
        "counters_at_start": {"swapped_pages": 0},
        "resumed": [{"counters_at_start": {"swapped_pages": 10}}],
        "counters_at_end": {"swapped_pages": 10},
    }
    assert noise_of_machine(run_json) == ()


def test_every_session_of_a_run_that_was_resumed_may_have_begun_on_a_busy_machine():
    quiet, busy = {"cpu_count": 2, "load_at_start": [0.1]}, {"cpu_count": 2, "load_at_start": [50.0]}
    assert noise_of_machine(busy | {"resumed": [{"missing": 3, **quiet}]}) == (
        "the machine was busy when the run began: a load of 50 on 2 CPUs",
    )
    assert noise_of_machine(quiet | {"resumed": [{"missing": 3, **busy}, {"missing": 1, **quiet}]}) == (
        "the machine was busy when the run was resumed: a load of 50 on 2 CPUs",
    )


def by_repeat(*factors):
    """Return the values of cases a, b, …: each takes so many times as long as the machine needs in that repeat."""
    drift = [1.0, 1.3, 0.8, 1.1, 1.6, 0.9]
    wobble = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]
    return {
        name: {repeat: factor * drift[repeat] * wobble[(repeat + shift) % 6] for repeat in range(6)}
        for shift, (name, factor) in enumerate(zip("abcdefgh", factors, strict=False))
    }


def test_the_fastest_case_is_found_with_those_that_are_not_clearly_slower():
    found = fastest(by_repeat(1.5, 1.0, 1.004, 2.0), "abcd")
    assert (found.case, found.ties) == ("b", ("c",))


def test_a_case_is_slower_than_the_fastest_if_that_holds_for_all_cases_at_once():
    cases = by_repeat(1.0, *[1.04] * 7)
    assert fastest(cases, "abc").ties == ()
    assert len(fastest(cases, "abcdefgh").ties) > 1


def test_a_case_that_took_no_time_in_one_repeat_is_the_fastest_without_ties():
    values = by_repeat(1.0, 9.0, 10.0)
    values["a"][0] = 0.0
    found = fastest(values, "abc")
    assert (found.case, found.ties) == ("a", ())


def test_of_two_cases_or_of_few_repeats_none_is_the_fastest():
    values = by_repeat(1.0, 2.0, 3.0)
    assert fastest(values, "ab") is None
    assert fastest(values | {"c": {0: 0.1}}, "abc") is None


def test_cases_are_grouped_by_what_they_are_compared_with():
    assert groups_of({"b": "a", "d": "c", "e": "a"}) == [("a", "b", "e"), ("c", "d")]


def summary_of(cases, facts=None, **experiment):
    records = [
        record(case, repeat, metrics={"wall_s": wall_s}, order=10 * order + repeat)
        for order, (case, values) in enumerate(cases.items())
        for repeat, wall_s in enumerate(values)
    ]
    made = run(*records, planned=len(records), **experiment)
    frames = build_frames(made)
    summary, judgement = summarise(frames, made.header), judge(frames, made.header.rules)
    told = digest(made.header, frames, summary, judgement, facts and RunInfo(facts))
    return plain(summary_lines(told, 200)).splitlines()


def test_the_summary_names_the_fastest_case_and_ends_with_the_noise():
    cases = {"none": QUIET, "lock": [2.0, 2.1, 1.9, 2.03, 2.0, 1.99], "rlock": [3.0, 6.0, 3.0, 6.0, 5.0, 4.0]}
    lines = summary_of(cases, {"cpu_count": 1, "load_at_start": [3.0]}, baseline={"guard": "none"})
    assert "guard none, the baseline, is the fastest." in lines
    assert lines[-1] == (
        "noise: wall time varies by 10% or more in 1 of 3 cases (in guard rlock: 31%); "
        "the machine was busy when the run began: a load of 3 on 1 CPU"
    )


def test_without_a_baseline_no_case_is_called_the_fastest():
    lines = summary_of({"none": QUIET, "lock": QUIET, "rlock": QUIET})
    assert not any("fastest" in line for line in lines)
    assert "no case is compared with another: name one with `baseline:` in the file" in lines


def test_too_few_repeats_are_told_where_cases_are_compared_with_a_baseline():
    few = {"none": [1.0], "lock": [1.0]}
    assert summary_of(few, baseline={"guard": "none"})[-1].startswith(
        "noise: fewer than 5 ok trials in 2 of 2 cases"
    )
    assert not any("noise" in line for line in summary_of(few))
