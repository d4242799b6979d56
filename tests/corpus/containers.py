"""Lists, dicts, deques and iterators that threads share, and what only looks shared. Each race beside its cure."""

import queue
import threading
from collections import deque


class RebuiltList:
    """A new list of the old one and one more: the other's item is not in it. Ends in 1 item."""

    def __init__(self):
        self.items = []

    def actor(self):
        self.items = self.grown(self.items)

    def grown(self, items):
        return [*items, 1]

    def result(self):
        return len(self.items)


class AppendedList(RebuiltList):
    """``list.append`` is one step. Ends in 2 items."""

    def actor(self):
        self.items.append(1)


class DequeAsQueue:
    """One item is left; both see it, and one finds it gone. Ends in take=IndexError,a."""

    def __init__(self):
        self.items = deque("a")

    def actor_take(self):
        if len(self.items) > 0:
            return self.items.popleft()
        return "nothing"


class DequeTried(DequeAsQueue):
    """``popleft`` is one step, and says itself that nothing is left. Ends in take=a,nothing."""

    def actor_take(self):
        try:
            return self.items.popleft()
        except IndexError:
            return "nothing"


class QueueTried(DequeAsQueue):
    """A queue made for threads does the same. Ends in take=a,nothing."""

    def __init__(self):
        self.items = queue.SimpleQueue()
        self.items.put("a")

    def actor_take(self):
        try:
            return self.items.get_nowait()
        except queue.Empty:
            return "nothing"


class GroupedByHand:
    """Both find no group, and the second one's replaces the first one's, and what is in it. Ends in 1 member."""

    def __init__(self):
        self.groups = {}

    def actor(self):
        if "all" not in self.groups:
            self.groups["all"] = deque(maxlen=10)
        self.groups["all"].append(1)

    def result(self):
        return len(self.groups["all"])


class GroupedBySetdefault(GroupedByHand):
    """``dict.setdefault`` looks and puts in one step. Ends in 2 members."""

    def actor(self):
        self.groups.setdefault("all", deque(maxlen=10)).append(1)


class SharedGenerator:
    """A generator can't be entered twice at once. Ends in take=0,ValueError."""

    def __init__(self):
        self.lines = self.read()

    def read(self):
        for n in range(2):
            yield self.parsed(n)

    def parsed(self, n):
        return n

    def actor_take(self):
        return next(self.lines)


class LockedGenerator(SharedGenerator):
    """One at a time enters it. Ends in take=0,1."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def actor_take(self):
        with self.lock:
            return next(self.lines)


class WalkedDict:
    """One walks through a dict while another puts in a key. Ends in walk=RuntimeError."""

    def __init__(self):
        self.ages = {"ann": 1, "bob": 2, "cid": 3}

    def actor_add(self):
        self.ages["dan"] = 4

    def actor_walk(self):
        return sum(self.age(name) for name in self.ages)

    def age(self, name):
        return self.ages[name]


class CopiedDict(WalkedDict):
    """It walks through a copy, which ``list`` makes in one step. Ends in walk=6 or walk=10."""

    def actor_walk(self):
        return sum(self.age(name) for name in list(self.ages))


class EventTooSoon:
    """The event is set before there is a value: who sees it set finds none. Ends in read=None."""

    def __init__(self):
        self.ready = threading.Event()
        self.value = "none"

    def actor_write(self):
        self.ready.set()
        self.value = "value"

    def actor_read(self):
        return self.value if self.ready.is_set() else "not yet"


class EventInTime(EventTooSoon):
    """The value is there before the event is set. Ends in read=value, or not yet."""

    def actor_write(self):
        self.value = "value"
        self.ready.set()


class ConditionBuffer:
    """Who takes waits until something is there, and lets go of the lock meanwhile. Ends in take=a."""

    def __init__(self):
        self.items = []
        self.changed = threading.Condition()

    def actor_put(self):
        with self.changed:
            self.items.append("a")
            self.changed.notify()

    def actor_take(self):
        with self.changed:
            self.changed.wait_for(lambda: self.items)
            return self.items.pop()


class OneScratchForAll:
    """Two use one scratch value and read back what the other put there. Ends in left=right or right=left."""

    def __init__(self):
        self.scratch = self.made()

    def made(self):
        return type("Scratch", (), {})()

    def actor_left(self):
        return self.used("left")

    def actor_right(self):
        return self.used("right")

    def used(self, name):
        self.scratch.name = self.same(name)
        return self.same(self.scratch).name

    def same(self, value):
        return value


class ScratchOfEachThread(OneScratchForAll):
    """``threading.local`` has a value for each thread. Ends in left=left right=right."""

    def made(self):
        return threading.local()
