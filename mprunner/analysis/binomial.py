"""How sure a share is that was observed: exact intervals for "k of n", with nothing but arithmetic."""

from functools import lru_cache
from math import exp, expm1, lgamma, log, log1p

from mprunner.analysis.statistics import CONFIDENCE, Interval

_STEPS = 100  # halvings of [0, 1]: more than a float has bits


@lru_cache(maxsize=100_000)  # cases of an experiment share most of their counts
def share_interval(count: int, observations: int) -> Interval:
    """Return the exact 95 % interval of a share (Clopper and Pearson, Biometrika 26, 1934).

    Of a state that was never seen the upper end is :func:`unseen_bound`, as only that side is asked for.

    Raises:
        ValueError: ``count`` is not between 0 and ``observations``, or there is no observation.
    """
    if not 0 <= count <= observations or observations == 0:
        raise ValueError(f"{count} of {observations} is no share")
    if count == 0:
        return Interval(0.0, unseen_bound(observations))
    tail = (1 - CONFIDENCE) / 2
    low = _share_with_tail(count, observations, tail)
    high = 1.0 if count == observations else 1 - _share_with_tail(observations - count, observations, tail)
    return Interval(low, high)


def unseen_bound(observations: int) -> float:
    """Return the upper 95 % bound of the share of what was never seen: about 3 over the number of observations.

    It is the share at which n observations all miss with a probability of 5 %: 1 - 0.05 ** (1 / n). "Rule of three":
    Hanley and Lippman-Hand, JAMA 249, 1983.
    """
    return -expm1(log(1 - CONFIDENCE) / observations)


def _share_with_tail(count: int, observations: int, tail: float) -> float:
    """Return the share at which ``count`` or more of the observations have the probability ``tail``."""
    low, high = 0.0, count / observations
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _at_least(count, observations, middle) < tail:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(count: int, observations: int, share: float) -> float:
    """Return the probability of ``count`` or more of n, below their expected number; largest term first.

    Where ``count`` is above n times the share, the terms fall from it on, so that few of them matter.
    """
    if share <= 0:
        return 0.0
    term = exp(_log_probability(count, observations, share))
    total, odds = 0.0, share / (1 - share)
    for k in range(count, observations + 1):
        total += term
        term *= (observations - k) / (k + 1) * odds
        if term <= total * 1e-17:
            break
    return total


def _log_probability(count: int, observations: int, share: float) -> float:
    chosen = lgamma(observations + 1) - lgamma(count + 1) - lgamma(observations - count + 1)
    return chosen + count * log(share) + (observations - count) * log1p(-share)
