"""What the processes of pool-map's pools do."""

from __future__ import annotations


def sum_of_squares(n: int) -> int:
    """Add the squares of all numbers below n, one by one."""
    total = 0
    for i in range(n):
        total += i * i
    return total
