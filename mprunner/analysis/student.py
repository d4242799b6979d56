"""Student's t distribution, with the standard library alone."""

import math

_STEPS = 10_000
_PRECISION = 1e-15
_TINY = 1e-300


def two_sided_p(t: float, degrees: float) -> float:
    """Return how likely a value at least as far from 0 as ``t`` is.

    It is the regularised incomplete beta function I_x(v/2, 1/2) at x = v / (v + t²), for v degrees of freedom
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1 and 26.5.27).
    """
    if degrees < 1:
        raise ValueError("a t distribution has one degree of freedom or more")
    return _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def two_sided_quantile(p: float, degrees: int) -> float:
    """Return the t that :func:`two_sided_p` gives ``p`` for; ``p`` is between 0 and 1."""
    low, high = 0.0, 1.0
    while two_sided_p(high, degrees) > p:
        low, high = high, 2 * high
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if two_sided_p(middle, degrees) > p else (low, middle)
    return middle


def _incomplete_beta(a: float, b: float, x: float) -> float:
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):  # where the fraction below converges slowly
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - log_beta) / a
    return front / _continued_fraction(a, b, x)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate Abramowitz and Stegun's 26.5.8 by the method of Lentz, as modified by Thompson and Barnett (1986)."""
    value, numerator, denominator = 1.0, 1.0, 0.0
    for step in range(1, _STEPS):
        m = step // 2
        if step % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1 / (1 + term * denominator or _TINY)
        numerator = 1 + term / numerator or _TINY
        change = numerator * denominator
        value *= change
        if abs(change - 1) < _PRECISION:
            break
    return value
