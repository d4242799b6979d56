"""Welch's t agrees with scipy; ranks of groups."""

import math

import numpy as np
import pytest
from scipy import stats

from mprunner.analysis.significance import independent_p, mann_whitney_p, mean_ranks, welch_p


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5), (5, 20), (40, 7)])
def test_welchs_t_is_scipys(sizes):
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.5, 3.0):
        first, second = rng.normal(0, 1, sizes[0]), rng.normal(shift, 4, sizes[1])
        assert welch_p(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue)


def test_groups_without_spread_differ_as_much_as_ranks_can_say_or_not_at_all():
    ones = np.ones(5)
    assert (welch_p(ones, ones), welch_p(ones, 2 * ones)) == (1.0, pytest.approx(2 / math.comb(10, 5)))


@pytest.mark.parametrize("tests", [1, 6])
def test_ranks_are_tested_where_they_could_tell(tests):
    base, new = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 30.0]
    assert independent_p(base, new, tests) == (mann_whitney_p(base, new), pytest.approx(2 / 252))


def test_where_they_could_not_it_is_welchs_t_of_the_logarithms_or_of_values_that_have_none():
    base, new = [1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 30.0]
    assert independent_p(base, new, 7) == (welch_p(np.log(base), np.log(new)), 0.0)
    base[0] = 0.0
    assert independent_p(base, new, 7) == (welch_p(np.asarray(base), np.asarray(new)), 0.0)


def test_of_fewer_than_five_values_ranks_alone_are_tested():
    assert independent_p([1.0, 2.0, 3.0, 4.0], [5.0] * 20, 10_000)[1] > 0
    assert independent_p([], [5.0], 1) == (None, 1.0)


def test_a_mean_rank_is_that_of_a_groups_values_among_all():
    assert mean_ranks([[1.0, 4.0], [2.0], [4.0, 9.0]]) == [2.25, 2.0, 4.25]
