"""The search for the fastest case: who leaves when, and that it depends on the records alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.model.adaptive import Until
from mprunner.model.fastest import FastestSearch, sign_p

UNTIL = Until(least=5, metric="wall_s", ci_ratio=None)
MOST = 20


def search(cases, baseline=None):
    found = FastestSearch(UNTIL, MOST, cases, baseline or {})
    found.know("loop", {"method": "serial"})
    return found


def feed(found, values):
    """Execute as a schedule does, repeat by repeat, each case that still needs it; return how often each was."""
    times = dict.fromkeys(values, 0)
    for repeat in range(MOST):
        for case, each in values.items():
            if not found.is_enough(case):
                found.add(case, each[repeat])
                times[case] += 1
    return times


def test_a_case_that_is_always_slower_leaves_after_the_least_number_of_repeats():
    values = {"fast": [1.0] * MOST, "slow": [1.1] * MOST}
    assert feed(search(2), values) == {"fast": 20, "slow": 5}


def test_cases_that_take_turns_stay_to_the_end():
    values = {"one": [1.0, 1.1] * 10, "other": [1.1, 1.0] * 10}
    assert feed(search(2), values) == {"one": 20, "other": 20}


def test_a_case_that_is_slower_most_often_leaves_at_a_later_doubling():
    mostly = [0.9] + [1.1] * (MOST - 1)
    assert feed(search(2), {"fast": [1.0] * MOST, "mostly": mostly})["mostly"] == 10


def test_the_baseline_stays_whatever_it_comes_to():
    values = {"loop": [9.0] * MOST, "fast": [1.0] * MOST}
    assert feed(search(2, {"method": "serial"}), values) == {"loop": 20, "fast": 20}


def test_a_case_without_values_is_not_the_fastest():
    assert feed(search(2), {"fast": [1.0] * MOST, "fails": [None] * MOST})["fails"] == 5


def test_what_is_spared_is_what_is_not_executed():
    found = search(3)
    times = feed(found, {"fast": [1.0] * MOST, "slow": [2.0] * MOST, "slower": [3.0] * MOST})
    assert found.spared == 3 * MOST - sum(times.values()) == 30
    assert not found.is_done
    assert found.still_wide() == {}


speeds = st.lists(st.sampled_from([1.0, 1.1, 1.2, None]), min_size=MOST, max_size=MOST)


@given(st.dictionaries(st.sampled_from("abcd"), speeds, min_size=2), st.integers(0, 4 * MOST))
def test_a_search_that_goes_on_after_an_interruption_decides_as_if_there_had_been_none(values, cut):
    whole = search(len(values))
    expected = feed(whole, values)
    first, taken = search(len(values)), []
    for repeat in range(MOST):
        for case, each in values.items():
            if len(taken) < cut and not first.is_enough(case):
                first.add(case, each[repeat])
                taken.append((case, each[repeat]))
    second = search(len(values))
    for case, value in taken:
        second.add(case, value)
    second.look_at_all()
    times = {case: sum(case == other for other, _ in taken) for case in values}
    for repeat in range(MOST):
        for case, each in values.items():
            if times[case] == repeat and not second.is_enough(case):
                second.add(case, each[repeat])
                times[case] += 1
    assert times == expected
    assert second.spared == whole.spared


@pytest.mark.parametrize(
    ("larger", "of", "p"), [(5, 5, 1 / 32), (9, 10, 11 / 1024), (0, 3, 1), (3, 3, 1 / 8)]
)
def test_the_sign_test_is_the_binomial_tail(larger, of, p):
    assert sign_p(larger, of) == pytest.approx(p)
