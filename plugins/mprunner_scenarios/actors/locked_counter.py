"""The actors of locked-counter: the tutorial's loops, word for word."""

from __future__ import annotations

import time

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Lock


def change(total: Synchronized[int], step: int, iterations: int, pause_s: float) -> None:
    """Pause and change the total, again and again: a read and a write, with nothing to keep others out."""
    for _ in range(iterations):
        time.sleep(pause_s)
        total.value += step


def change_locked(total: Synchronized[int], step: int, iterations: int, pause_s: float, lock: Lock) -> None:
    """Pause and change the total, again and again, each change holding the lock."""
    for _ in range(iterations):
        time.sleep(pause_s)
        lock.acquire()
        total.value += step
        lock.release()
