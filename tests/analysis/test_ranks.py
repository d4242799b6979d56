"""Rank tests, the correction for many of them, and Student's t: known values, identities, and scipy's numbers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mprunner.analysis.significance import holm, least_p, mann_whitney_p, two_sided_p, two_sided_quantile

groups = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=12)
SIZES = [(1, 1), (1, 7), (3, 3), (5, 5), (5, 12), (8, 8), (8, 40), (9, 9), (20, 20), (20, 7), (100, 30)]


@pytest.mark.parametrize(("first", "second"), SIZES)
@pytest.mark.parametrize("tied", [False, True])
def test_the_rank_test_is_scipys(first, second, tied):
    rng = np.random.default_rng(first * 1_000 + second)
    for shift in (0.0, 0.5, 3.0):
        one, other = rng.normal(shift, size=first), rng.normal(size=second)
        if tied:
            one, other = np.round(one), np.round(other)
        has_ties = len({*one, *other}) < first + second
        method = "asymptotic" if has_ties or min(first, second) > 8 else "exact"
        theirs = stats.mannwhitneyu(one, other, method=method)
        ours = mann_whitney_p(one, other)
        assert ours == pytest.approx(theirs.pvalue, rel=1e-9)


def test_the_exact_p_is_a_count_of_arrangements():
    first, second = [1.0, 2.0, 4.0], [3.0, 5.0, 6.0, 7.0]
    values = [*first, *second]

    def u(chosen):
        return sum(values[i] > values[j] for i in chosen for j in range(7) if j not in chosen)

    middle, own = 6, u((0, 1, 2))
    all_of_them = [u(chosen) for chosen in itertools.combinations(range(7), 3)]
    as_far = [other for other in all_of_them if abs(other - middle) >= abs(own - middle)]
    assert mann_whitney_p(first, second) == pytest.approx(len(as_far) / len(all_of_them))


@given(groups, groups)
def test_the_rank_test_is_symmetric(first, second):
    assert mann_whitney_p(first, second) == mann_whitney_p(second, first)


@given(groups, groups)
def test_the_rank_test_depends_on_the_order_of_values_alone(first, second):
    assert mann_whitney_p(first, second) == mann_whitney_p(np.exp(first), np.exp(second))


@given(groups)
def test_a_group_compared_with_itself_is_not_different(values):
    assert mann_whitney_p(values, values) > 0.5


def test_equal_values_are_not_different_and_nothing_can_not_be_tested():
    assert mann_whitney_p([1.0] * 9, [1.0] * 9) == 1
    assert mann_whitney_p([], [1.0]) is None


@pytest.mark.parametrize(("first", "second"), SIZES)
def test_the_least_p_is_that_of_groups_that_do_not_overlap(first, second):
    apart = mann_whitney_p(np.arange(first), np.arange(second) + 1_000)
    assert least_p(first, second) == pytest.approx(apart)


def test_holms_correction_has_known_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_corrected_p_is_no_smaller_and_keeps_the_order(values):
    corrected = holm(values)
    assert all(value <= after <= 1 for value, after in zip(values, corrected, strict=True))
    assert max(corrected) <= min(1, len(values) * max(values)) or max(corrected) == 1
    pairs = sorted(zip(values, corrected, strict=True))
    assert [after for _, after in pairs] == sorted(corrected)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 9, 30, 1_000])
def test_students_t_is_scipys(degrees):
    for t in (0.0, 0.1, 1.0, 2.5, 10.0, 100.0):
        assert two_sided_p(t, degrees) == pytest.approx(2 * stats.t.sf(t, degrees), rel=1e-9)
    assert two_sided_quantile(0.05, degrees) == pytest.approx(stats.t.ppf(0.975, degrees), rel=1e-9)


def test_a_t_distribution_without_degrees_of_freedom_is_refused():
    with pytest.raises(ValueError, match="one degree of freedom"):
        two_sided_p(1.0, 0)
