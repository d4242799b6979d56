"""The actors of spawn-count: they count, and hand their count over in one way or another."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized
    from typing import Protocol

    class Counts(Protocol):
        """A queue, between processes or between threads."""

        def put(self, count: int) -> None:
            """Put a count in."""


def count_to(n: int) -> int:
    """Count to n, one by one."""
    counter = 0
    while counter < n:
        counter += 1
    return counter


def exit_with_count(n: int) -> None:
    """Count, and leave with the count as exit code, of which the system keeps eight bits."""
    sys.exit(count_to(n))


def put_count(n: int, counts: Counts) -> None:
    """Count, and put the count into a queue."""
    counts.put(count_to(n))


def send_count(n: int, pipe: Connection) -> None:
    """Count, and send the count through a pipe of its own."""
    pipe.send(count_to(n))


def store_count(n: int, value: Synchronized[int]) -> None:
    """Count, and store the count in a shared value of its own."""
    value.value = count_to(n)
