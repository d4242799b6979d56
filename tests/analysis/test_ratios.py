"""Ratios of groups that were measured apart: known values, identities, and how often an interval holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mprunner.analysis.between_runs import ratio_of_turns
from mprunner.analysis.effects import independent_interval, ratio_of_medians
from mprunner.analysis.statistics import Interval

enough = st.lists(st.floats(0.001, 1e6), min_size=5, max_size=20)
runs = st.lists(st.floats(0.5, 2.0), min_size=2, max_size=6)


def lognormal(rng, size, spread=0.05, center=1.0):
    return (center * np.exp(rng.normal(0, spread, size))).tolist()


def ratio_of_runs(base, new):
    """Compare runs that are a turn each, by their medians."""
    return ratio_of_turns(np.log(base).tolist(), np.log(new).tolist())


def covered(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def test_the_ratio_is_that_of_the_medians():
    assert ratio_of_medians([1.0, 2.0, 9.0], [3.0, 5.0]) == 2.0


@pytest.mark.parametrize(
    ("base", "new"), [([0.0], [1.0]), ([-1.0, 2.0, 3.0], [1.0]), ([], [1.0]), ([1.0], [])]
)
def test_what_has_no_ratio_is_told_so(base, new):
    assert ratio_of_medians(base, new) is None
    assert independent_interval(base * 5, new * 5) is None


def test_fewer_than_five_values_on_a_side_have_no_interval():
    assert independent_interval([1.0] * 4, [1.0] * 9) is None
    assert independent_interval([1.0] * 9, [1.0] * 4) is None


@given(enough, enough)
def test_an_interval_holds_the_ratio_of_the_medians(base, new):
    interval = independent_interval(base, new)
    assert interval.low <= ratio_of_medians(base, new) * (1 + 1e-12)
    assert interval.high >= ratio_of_medians(base, new) * (1 - 1e-12)


@given(enough, enough, st.sampled_from([0.25, 2.0, 1024.0]))
def test_an_interval_scales_with_the_new_side(base, new, factor):
    interval = independent_interval(base, new)
    scaled = independent_interval(base, [factor * value for value in new])
    assert scaled == Interval(factor * interval.low, factor * interval.high)


def test_two_sides_of_one_size_are_not_resampled_alike():
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert independent_interval(values, values).low < 1 < independent_interval(values, values).high


@pytest.mark.parametrize("sizes", [(5, 5), (10, 10), (20, 7), (30, 30)])
def test_about_95_of_100_intervals_hold_the_ratio_of_independent_groups(sizes):
    rng = np.random.default_rng(sum(sizes))
    intervals = [
        independent_interval(lognormal(rng, sizes[0]), lognormal(rng, sizes[1], center=1.3))
        for _ in range(500)
    ]
    assert 0.92 <= covered(intervals, 1.3) <= 0.99


@pytest.mark.parametrize("sizes", [(2, 2), (3, 3), (5, 1), (1, 2), (10, 10)])
def test_about_95_of_100_intervals_hold_the_ratio_of_runs_that_drift(sizes):
    rng = np.random.default_rng(sum(sizes))
    found = [
        ratio_of_runs(lognormal(rng, sizes[0], 0.08), lognormal(rng, sizes[1], 0.08, 1.3)) for _ in range(500)
    ]
    assert 0.92 <= covered([ratio.interval for ratio in found], 1.3) <= 0.98


def test_the_ratio_of_runs_is_scipys_t_test_of_the_logarithms():
    rng = np.random.default_rng(3)
    base, new = lognormal(rng, 4, 0.1), lognormal(rng, 3, 0.1, 1.2)
    theirs = stats.ttest_ind(np.log(new), np.log(base))
    low, high = np.exp(theirs.confidence_interval(0.95))
    ours = ratio_of_runs(base, new)
    assert (ours.p, ours.interval.low, ours.interval.high) == pytest.approx((theirs.pvalue, low, high))


@given(runs, runs)
def test_swapping_the_sides_inverts_the_ratio_of_runs(base, new):
    one, other = ratio_of_runs(base, new), ratio_of_runs(new, base)
    assert one.ratio * other.ratio == pytest.approx(1)
    assert one.interval.low * other.interval.high == pytest.approx(1)
    assert one.p == pytest.approx(other.p)


def test_runs_that_all_agree_differ_surely_or_not_at_all():
    assert ratio_of_runs([1.0, 1.0], [1.0, 1.0]).p == 1
    assert ratio_of_runs([1.0, 1.0], [2.0, 2.0]).p == 0


def test_two_runs_in_all_have_no_ratio_of_runs():
    assert ratio_of_runs([1.0], [2.0]) is None
    assert ratio_of_runs([1.0, 1.0, 1.0], []) is None
