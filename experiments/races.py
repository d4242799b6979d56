"""Classes that the experiments beside this file race; each unsafe one stands before its cure.

They are plain classes, as you would write your own. docs/races.md says what own-race makes of them.
"""

import multiprocessing
import threading
from collections import deque
from time import sleep


class LazyCache:
    """Check, then act: both see no value, and both make one."""

    def __init__(self):
        self.value, self.made = None, 0

    def actor_get(self):
        if self.value is None:
            self.made += 1
            self.value = object()

    def result(self):
        return self.made


class LockedCache(LazyCache):
    """The lock is held from the check to the act."""

    lock = threading.Lock()

    def actor_get(self):
        with self.lock:
            super().actor_get()


class HalfCheckedCache(LazyCache):
    """Double-checked locking without the second check: who has waited for the lock makes the value again."""

    lock = threading.Lock()

    def actor_get(self):
        if self.value is None:
            with self.lock:
                self.made += 1
                self.value = object()


class DoubleCheckedCache(LazyCache):
    """Once the lock is held the value is looked for again."""

    lock = threading.Lock()

    def actor_get(self):
        if self.value is None:
            with self.lock:
                super().actor_get()


class BoundedCounter:
    """It may go up to 1, and both find room for one more."""

    def __init__(self):
        self.count = 0

    def actor_enter(self):
        if self.count < 1:
            self.count += 1

    def result(self):
        return self.count


class BoundedBySemaphore:
    """A semaphore looks and takes in one step."""

    def __init__(self):
        self.room = threading.Semaphore(1)
        self.count = 0

    def actor_enter(self):
        if self.room.acquire(blocking=False):
            self.count += 1

    def result(self):
        return self.count


class CheckedDeque:
    """One item is left: both see it, and one finds it gone."""

    def __init__(self):
        self.items = deque(["last"])

    def actor_take(self):
        if len(self.items) == 0:
            return "nothing"
        return self.items.popleft()


class TriedDeque(CheckedDeque):
    """`popleft` looks and takes in one step, and says when nothing is left."""

    def actor_take(self):
        try:
            return self.items.popleft()
        except IndexError:
            return "nothing"


class GroupedByHand:
    """Both find no group; the second one's replaces the first one's, and its member."""

    def __init__(self):
        self.groups = {}

    def actor_join(self):
        if "a" not in self.groups:
            self.groups["a"] = []
        self.groups["a"].append("member")

    def result(self):
        return len(self.groups["a"])


class GroupedBySetdefault(GroupedByHand):
    """`dict.setdefault` and `list.append` are one step each."""

    def actor_join(self):
        self.groups.setdefault("a", []).append("member")


class SharedIterator:
    """A generator can't be entered by two at once."""

    def __init__(self):
        self.numbers = (number for number in range(100))

    def actor_take(self):
        return next(self.numbers)


class LockedIterator(SharedIterator):
    """One at a time enters it."""

    lock = threading.Lock()

    def actor_take(self):
        with self.lock:
            return super().actor_take()


class SharedCounter:
    """Read, add, write: a Value locks each of them, and not all three together. For every kind of actor."""

    def __init__(self):
        self.n = multiprocessing.Value("i", 0)

    def reset(self):
        self.n.value = 0

    def actor_add(self):
        self.n.value += 1

    def result(self):
        return self.n.value


class LockedSharedCounter(SharedCounter):
    """The Value's own lock is held from the read to the write."""

    def actor_add(self):
        with self.n.get_lock():
            self.n.value += 1


class OneOfEach:
    """One withdrawal and one deposit, of three steps each: read, change, write."""

    def __init__(self):
        self.balance = 100

    def actor_withdraw(self):
        read = self.balance
        changed = read - 1
        self.balance = changed

    def actor_deposit(self):
        read = self.balance
        changed = read + 1
        self.balance = changed

    def result(self):
        return self.balance


class TwoOrders:
    """Two locks, taken in two orders: each holds one and waits for the other's."""

    def __init__(self):
        self.left, self.right = threading.Lock(), threading.Lock()

    def actor_left_first(self):
        with self.left:
            sleep(0.01)  # so that free threads meet here
            with self.right:
                pass

    def actor_right_first(self):
        with self.right:
            sleep(0.01)
            with self.left:
                pass


class OneOrder(TwoOrders):
    """Everyone takes them in the same order."""

    def actor_right_first(self):
        self.actor_left_first()
