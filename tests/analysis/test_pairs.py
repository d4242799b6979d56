"""Tests of paired values: known values, identities, and scipy's numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mprunner.analysis.significance import differences_of, paired_p, signed_rank_p

differences = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=12)


@pytest.mark.parametrize("size", [5, 8, 20, 50, 60, 200])
@pytest.mark.parametrize("tied", [False, True])
def test_the_signed_rank_test_is_scipys(size, tied):
    rng = np.random.default_rng(size)
    for shift in (0.0, 0.3, 2.0):
        own = rng.normal(shift, size=size)
        if size <= 50:
            ours = signed_rank_p(own.tolist())
            assert ours == pytest.approx(stats.wilcoxon(own, method="exact").pvalue, rel=1e-9)
        else:
            own = np.round(own, 1) if tied else own
            theirs = stats.wilcoxon(own, method="approx", correction=True).pvalue
            assert signed_rank_p(own.tolist()) == pytest.approx(theirs, rel=1e-9)


@given(differences)
def test_the_exact_p_is_a_count_of_signs(values):
    own = [value for value in values if value]
    if not own:
        assert signed_rank_p(values) == 1.0
        return
    sizes = sorted(map(abs, own))
    ranks = [sizes.index(abs(v)) + (sizes.count(abs(v)) + 1) / 2 for v in own]
    middle = sum(ranks) / 2
    away = abs(sum(rank for rank, value in zip(ranks, own, strict=True) if value > 0) - middle)
    as_far = sum(
        abs(sum(itertools.compress(ranks, signs)) - middle) >= away
        for signs in itertools.product((0, 1), repeat=len(ranks))
    )
    assert signed_rank_p(values) == pytest.approx(min(1.0, as_far / 2 ** len(ranks)))


@given(differences)
def test_the_opposite_is_as_likely(values):
    assert signed_rank_p(values) == signed_rank_p([-value for value in values])


def test_so_few_differences_that_no_ranks_could_tell_are_tested_by_student():
    own = [0.1, 0.12, 0.09, 0.11, 0.13]
    assert paired_p(own, tests=1) == pytest.approx(stats.ttest_1samp(own, 0).pvalue)
    assert paired_p([*own, 0.14], tests=1) == signed_rank_p([*own, 0.14]) == 2 / 2**6
    assert paired_p([*own, 0.14], tests=2) == pytest.approx(stats.ttest_1samp([*own, 0.14], 0).pvalue)


@pytest.mark.parametrize(("value", "p"), [(0.0, 1.0), (0.5, 2 / 2**5)])
def test_differences_that_are_all_equal_are_as_sure_as_their_signs(value, p):
    assert paired_p([value] * 5, tests=1) == p


def test_fewer_than_five_differences_tell_nothing():
    assert paired_p([1.0] * 4, tests=1) is None


def test_a_difference_is_that_of_logarithms_unless_a_value_is_0_or_below():
    assert differences_of({0: 2.0, 1: 4.0, 3: 9.0}, {0: 1.0, 1: 1.0, 2: 1.0}) == [math.log(2), math.log(4)]
    assert differences_of({0: 2.0, 1: 0.0}, {0: 1.0, 1: 1.0}) == [1.0, -1.0]
