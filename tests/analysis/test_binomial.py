"""Exact intervals of shares: equal to scipy's, and what "never in n observations" says."""

from math import exp, lgamma, log, log1p

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from mprunner.analysis.statistics import _at_least, share_interval, unseen_bound


@st.composite
def counts(draw):
    observations = draw(st.integers(1, 2_000_000))
    return draw(st.integers(1, observations)), observations


@given(counts())
def test_the_interval_is_that_of_clopper_and_pearson(drawn):
    count, observations = drawn
    exact = binomtest(count, observations).proportion_ci(0.95, method="exact")
    interval = share_interval(count, observations)
    assert interval.low == pytest.approx(exact.low, rel=1e-6)
    assert interval.high == pytest.approx(exact.high, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "observations"), [(10**9, 3 * 10**9), (1_000_001, 10**11), (10**12, 10**13), (10**11, 2**63)]
)
def test_ever_larger_counts_take_no_more_time_and_have_the_same_interval(count, observations):
    interval = share_interval(count, observations)
    assert interval.low == pytest.approx(beta.ppf(0.025, count, observations - count + 1), rel=1e-8)
    assert interval.high == pytest.approx(beta.ppf(0.975, count + 1, observations - count), rel=1e-8)


def test_a_published_interval_is_reproduced():
    """Clopper and Pearson's own chart gives 0.03 and 0.44 for 3 of 20, here with the digits of later tables."""
    interval = share_interval(3, 20)
    assert (interval.low, interval.high) == (pytest.approx(0.0321, abs=5e-5), pytest.approx(0.3789, abs=5e-5))


@given(st.integers(1, 10**9))
def test_what_was_never_seen_misses_with_five_percent_at_its_bound(observations):
    bound = unseen_bound(observations)
    assert (1 - bound) ** observations == pytest.approx(0.05, rel=1e-4)
    assert share_interval(0, observations).high == bound
    assert share_interval(0, observations).low == 0


@given(st.integers(30, 10**9))
def test_the_bound_follows_the_rule_of_three(observations):
    assert unseen_bound(observations) == pytest.approx(3 / observations, rel=0.06)


@pytest.mark.parametrize(("count", "observations"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_share_is_refused(count, observations):
    with pytest.raises(ValueError, match=rf"^{count} of {observations} is no share$"):
        share_interval(count, observations)


def at_least_one_by_one(count, observations, share):
    chosen = lgamma(observations + 1) - lgamma(count + 1) - lgamma(observations - count + 1)
    term = exp(chosen + count * log(share) + (observations - count) * log1p(-share))
    total, odds = 0.0, share / (1 - share)
    for k in range(count, observations + 1):
        total += term
        term *= (observations - k) / (k + 1) * odds
        if term <= total * 1e-17:
            break
    return total


@given(counts(), st.floats(0.5, 1, exclude_max=True))
def test_terms_that_are_summed_together_come_to_the_same_bits_as_one_by_one(drawn, part):
    count, observations = drawn
    share = part * count / observations
    probability, _ = _at_least(count, observations, share)
    assert probability == at_least_one_by_one(count, observations, share)


def test_an_interval_takes_few_sums():
    """Newton's steps: halving took 50. Of 10,000,000 observations of 1,005 states, that was seconds."""
    counted = []

    def at_least(*given):
        counted.append(given)
        return _at_least(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mprunner.analysis.statistics._at_least", at_least)
        for count in (1, 2, 50, 9_999, 500_000, 9_999_999):
            share_interval.__wrapped__(count, 10_000_000)
    assert len(counted) <= 6 * 2 * 12
