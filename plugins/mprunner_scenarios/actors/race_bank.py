"""The actors of race-bank: the tutorial's loops, word for word, and what happens between two rounds."""

from __future__ import annotations

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized
    from multiprocessing.synchronize import Lock

    Balance = Synchronized[int]


def withdraw(balance: Balance, transactions: int) -> None:
    """Take 1 from the balance, again and again: read, subtract, write, with nothing to keep others out."""
    for _ in range(transactions):
        balance.value = balance.value - 1


def deposit(balance: Balance, transactions: int) -> None:
    """Add 1 to the balance, again and again: read, add, write, with nothing to keep others out."""
    for _ in range(transactions):
        balance.value = balance.value + 1


def withdraw_locked(balance: Balance, transactions: int, lock: Lock) -> None:
    """Take 1 from the balance, again and again, each time holding the lock."""
    for _ in range(transactions):
        lock.acquire()
        balance.value = balance.value - 1
        lock.release()


def deposit_locked(balance: Balance, transactions: int, lock: Lock) -> None:
    """Add 1 to the balance, again and again, each time holding the lock."""
    for _ in range(transactions):
        lock.acquire()
        balance.value = balance.value + 1
        lock.release()


def settle(balance: Balance, last: Balance, initial: int) -> int:
    """Return the balance that a round ended with, keep it in ``last``, and put ``initial`` in its place."""
    state = balance.value
    last.value = state
    balance.value = initial
    return state
