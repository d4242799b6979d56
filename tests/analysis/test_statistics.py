"""Statistics: known values, identities, and the same intervals as scipy's."""

import math
import statistics
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from mprunner.analysis.statistics import (
    RESAMPLES,
    Interval,
    describe,
    describe_each,
    median_interval,
    median_of,
    paired_ratio,
    paired_ratios,
    precision,
)

numbers = st.floats(-1e9, 1e9, allow_subnormal=False)
samples = st.lists(numbers, min_size=1, max_size=30)
enough = st.lists(numbers, min_size=5, max_size=30)


def test_known_values_are_described():
    described = describe([4.0, 1.0, 3.0, 2.0])
    assert described.pop("sd") == pytest.approx(math.sqrt(5 / 3))
    assert described == {"median": 2.5, "mean": 2.5, "min": 1.0, "max": 4.0, "ci_low": None, "ci_high": None}


def exactly(found):
    """A value, two of which are equal if each float has the same bits."""
    return repr([np.float64(each).hex() if isinstance(each, float) else each for each in found])


@given(
    st.lists(
        st.lists(st.floats(-1e9, 1e9) | st.sampled_from([0.0, -0.0, 0.1, 1e308]), max_size=9), max_size=9
    )
)
@example(
    [[x / 7 for x in range(start, start + size)] for size in (1, 3, 8, 9, 130, 300) for start in range(3)]
)
def test_groups_are_described_together_to_the_last_bit_as_each_alone(groups):
    found = describe_each(groups)
    for place, values in enumerate(groups):
        own = {name: column[place] for name, column in found.items()}
        if not values:
            assert set(own.values()) == {None}
            continue
        with np.errstate(all="ignore"):
            mean = float(np.mean(values))
            sd = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        interval = median_interval(values) or Interval(None, None)
        alone = {
            "median": median_of(values),
            "mean": min(max(mean, float(np.min(values))), float(np.max(values)))
            if math.isfinite(mean)
            else None,
            "sd": sd if math.isfinite(sd) else None,
            "min": float(np.min(values)),
            "max": float(np.max(values)),
            "ci_low": interval.low,
            "ci_high": interval.high,
        }
        assert list(own) == list(alone)
        assert exactly(own.values()) == exactly(alone.values())


@given(
    st.lists(st.tuples(*[st.dictionaries(st.integers(0, 8), st.floats(-1, 1e9), max_size=9)] * 2), max_size=6)
)
def test_ratios_are_made_together_as_each_alone(pairs):
    assert paired_ratios(pairs) == [paired_ratio(*pair) for pair in pairs]


def test_nothing_has_no_description():
    assert describe([]) == {}


def test_a_single_value_has_no_deviation():
    assert describe([7.0])["sd"] is None


@given(samples)
def test_median_and_mean_lie_between_minimum_and_maximum(values):
    described = describe(values)
    assert described["min"] <= described["median"] <= described["max"]
    assert described["min"] <= described["mean"] <= described["max"]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
@example([0.9 * sys.float_info.max, *[sys.float_info.max] * 5])
@example([-sys.float_info.max, *[sys.float_info.max] * 5])
@example([5e-324, 1e308, 1.0, 1.0, 1.0, 1.0])
def test_a_statistic_that_no_float_holds_is_missing(values):
    described, ratio = describe(values), paired_ratio(dict(enumerate(values)), dict(enumerate(values[::-1])))
    found = [*described.values(), ratio and ratio.median]
    found += [ratio.interval.low, ratio.interval.high] if ratio and ratio.interval else []
    assert all(number is None or math.isfinite(number) for number in found)
    assert precision(values) is None or precision(values) >= 0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_the_median_is_that_of_the_standard_library_and_never_too_large(values):
    usual = statistics.median(values)
    assert median_of(values) == usual or math.isinf(usual)
    assert min(values) <= median_of(values) <= max(values)


@pytest.mark.parametrize("count", range(5))
def test_fewer_than_five_values_have_no_interval(count):
    assert median_interval([1.0] * count) is None


@given(enough)
@example([0.0, 0.0, *[4.410196818143951e-308] * 3])
def test_an_interval_lies_within_the_values_and_around_the_median(values):
    interval = median_interval(values)
    assert min(values) <= interval.low <= np.median(values) <= interval.high <= max(values)


@given(enough, st.randoms())
def test_an_interval_depends_on_the_values_alone_not_on_their_order(values, random):
    shuffled = random.sample(values, len(values))
    assert median_interval(shuffled) == median_interval(values)


@given(enough, st.sampled_from([0.25, 2.0, 1024.0]))
def test_an_interval_scales_with_its_values(values, factor):
    interval = median_interval(values)
    scaled = median_interval([value * factor for value in values])
    assert scaled == Interval(interval.low * factor, interval.high * factor)


@given(numbers, st.integers(5, 20))
def test_equal_values_have_an_interval_of_one_point(value, count):
    assert median_interval([value] * count) == Interval(value, value)


def test_about_95_of_100_intervals_hold_the_median():
    rng = np.random.default_rng(1)
    intervals = [median_interval(rng.normal(size=15)) for _ in range(500)]
    assert 0.91 <= np.mean([interval.low <= 0 <= interval.high for interval in intervals]) <= 0.98


@pytest.mark.parametrize("size", [5, 6, 11, 50])
def test_an_interval_is_equal_to_scipys(size):
    values = np.sort(np.random.default_rng(size).exponential(size=size))
    theirs = stats.bootstrap(
        (values,),
        np.median,
        n_resamples=RESAMPLES,
        method="percentile",
        random_state=np.random.default_rng(0),
    ).confidence_interval
    assert median_interval(values) == Interval(theirs.low, theirs.high)


def test_many_values_are_resampled_in_blocks():
    values = np.arange(10_001.0)
    interval = median_interval(values)
    assert interval.low < 5_000 < interval.high
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.5 * math.sqrt(10_001), rel=0.1)


def test_a_ratio_is_the_median_of_the_ratios_of_each_repeat():
    drifting = {0: 1.0, 1: 10.0, 2: 100.0}
    ratio = paired_ratio({repeat: 2 * value for repeat, value in drifting.items()}, drifting)
    assert (ratio.median, ratio.interval) == (2.0, None)


def test_only_repeats_that_both_have_are_compared():
    ratio = paired_ratio({0: 2.0, 1: 9.0, 3: 6.0}, {0: 1.0, 2: 9.0, 3: 2.0})
    assert ratio.median == 2.5


@pytest.mark.parametrize(("value", "base"), [(-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])
def test_values_that_may_be_negative_leave_no_ratio(value, base):
    assert paired_ratio({0: 3.0, 1: value}, {0: 1.0, 1: base}) is None


def test_a_baseline_that_is_0_in_any_repeat_leaves_no_ratio():
    """Of the repeats where it is large alone, a case that is no different would look smaller."""
    assert paired_ratio({0: 2.0, 1: 3.0}, {0: 0.0, 1: 1.0}) is None
    assert paired_ratio({1: 3.0}, {0: 0.0, 1: 1.0}).median == 3.0


def test_nothing_in_common_has_no_ratio():
    assert paired_ratio({0: 1.0}, {1: 1.0}) is None


@given(st.lists(st.floats(0.001, 1e6), min_size=5, max_size=20))
def test_a_case_compared_with_itself_is_exactly_once_as_long(values):
    own = dict(enumerate(values))
    ratio = paired_ratio(own, own)
    assert (ratio.median, ratio.interval) == (1.0, Interval(1.0, 1.0))
