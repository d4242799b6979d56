"""Plain classes for the tests of own-race; they import nothing of mprunner."""

import multiprocessing
import queue
import threading
from pathlib import Path


class Switch:
    """Every round races: each actor waits within its work until the other is there too."""

    def __init__(self):
        self.n = 0
        self.met = threading.Barrier(2)

    def actor_add(self):
        before = self.n
        if self.met is not None:
            try:
                self.met.wait(0.2)
            except threading.BrokenBarrierError:  # called alone, one after the other
                pass
        self.n = before + 1

    def result(self):
        return self.n


class Locked:
    def __init__(self):
        self.n = 0
        self.lock = threading.Lock()

    def actor_add(self):
        with self.lock:
            self.n += 1

    def result(self):
        return self.n


class CheckThenAct:
    def __init__(self):
        self.value, self.made = None, 0

    def actor_get(self):
        if self.value is None:
            self.made += 1
            self.value = object()

    def result(self):
        return self.made


class TwoOrders:
    """Two locks in two orders."""

    def __init__(self):
        self.left, self.right = threading.Lock(), threading.Lock()

    def actor_one(self):
        with self.left, self.right:
            pass

    def actor_two(self):
        with self.right, self.left:
            pass


class Handed:
    """A condition, used rightly."""

    def __init__(self):
        self.ready = threading.Condition()
        self.items = []

    def actor_take(self):
        with self.ready:
            while not self.items:
                self.ready.wait()
            return self.items.pop()

    def actor_give(self):
        with self.ready:
            self.items.append(7)
            self.ready.notify()


MODULE_LOCK = threading.Lock()


class LockOfTheModule(CheckThenAct):
    def actor_get(self):
        with MODULE_LOCK:
            super().actor_get()


class Returns:
    """What two methods return or raise is their state."""

    def __init__(self):
        self.items = ["a"]

    def actor_pop(self):
        return self.items.pop()

    def actor_size(self):
        return None

    def result(self):
        return len(self.items)


class Silent:
    def actor_work(self):
        pass


class Containers:
    def actor_first(self):
        return {"b", "a"}

    def actor_second(self):
        return [object()]

    def actor_third(self):
        return (1, None, "x\ny")


class Waits:
    """One order never ends: who takes before anything is there waits for the other."""

    def __init__(self):
        self.queue = queue.Queue()

    def actor_take(self):
        return self.queue.get()

    def actor_give(self):
        self.queue.put(5)


class WaitForEachOther:
    """No order ends."""

    def __init__(self):
        self.left, self.right = threading.Event(), threading.Event()

    def actor_left(self):
        self.left.set()
        self.right.wait()

    def actor_right(self):
        self.right.set()
        self.left.wait()


class SharedCounter:
    """For processes: the number is in memory that they share, and a lock guards it."""

    def __init__(self):
        self.n = multiprocessing.RawValue("i", 0)
        self.lock = multiprocessing.Lock()

    def reset(self):
        self.n.value = 0

    def actor_add(self):
        with self.lock:
            self.n.value += 1
        return "ä"

    def result(self):
        return self.n.value


class OwnCounter:
    """Not for processes: each has a number of its own."""

    def __init__(self):
        self.n = 0

    def reset(self):
        self.n = 0

    def actor_add(self):
        self.n += 1

    def result(self):
        return self.n


class Needs:
    def actor_add(self, amount):
        pass


class Async:
    async def actor_add(self):
        pass


class NoActor:
    def add(self):
        pass


class Broken:
    def __init__(self):
        raise OSError("the disk is gone")

    def actor_add(self):
        pass


class Leaves:
    def actor_leave(self):
        raise SystemExit(3)


class InAFile:
    """For processes: the number is in a file."""

    path = Path("number")

    def reset(self):
        self.path.write_text("0")

    def actor_add(self):
        self.path.write_text(str(int(self.path.read_text() or 0) + 1))

    def result(self):
        return int(self.path.read_text() or 0)


def not_a_class():
    pass


class NotControlled:
    """A lock of multiprocessing is not one that schedules control."""

    def __init__(self):
        self.lock = multiprocessing.Lock()
        self.n = 0

    def actor_add(self):
        with self.lock:
            self.n += 1


class OneOfEach:
    """Two transactions of three steps each."""

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


class CallsTheOther:
    """One actor does its work by the other's method."""

    def __init__(self):
        self.n = 0

    def actor_add(self):
        read = self.n
        self.n = read + 1

    def actor_call(self):
        self.actor_add()

    def result(self):
        return self.n
