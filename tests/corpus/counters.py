"""Numbers that several change or read: counters, limits, ids, sums of two. Each race stands beside its cure."""

import itertools
import threading


def more(n, by=1):
    """Add; a call, on whose return another thread may go on."""
    return n + by


class Counter:
    """Read, add, write: one writes over what the other has written. Ends in 1."""

    def __init__(self):
        self.n = 0

    def actor(self):
        self.n = more(self.n)

    def result(self):
        return self.n


class LockedCounter(Counter):
    """The lock is held from the read to the write. Ends in 2."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def actor(self):
        with self.lock:
            super().actor()


class LockPerCall(Counter):
    """Each call takes a lock of its own, which keeps no one out. Ends in 1."""

    def actor(self):
        with threading.Lock():  # noqa: PLW2101 - the fault that this class shows
            self.n = more(self.n)


class ReentrantCounter(Counter):
    """A lock that its holder may take again, as a method does that calls another one. Ends in 2."""

    def __init__(self):
        super().__init__()
        self.lock = threading.RLock()

    def actor(self):
        with self.lock:
            self.add()

    def add(self):
        with self.lock:
            self.n = more(self.n)


class WideSemaphore(Counter):
    """A semaphore that lets in two is no lock. Ends in 1."""

    admitted = 2

    def __init__(self):
        super().__init__()
        self.semaphore = threading.Semaphore(self.admitted)

    def actor(self):
        with self.semaphore:
            self.n = more(self.n)


class NarrowSemaphore(WideSemaphore):
    """A semaphore that lets in one is a lock. Ends in 2."""

    admitted = 1


class Tally:
    """What all instances count together."""

    total = 0
    lock = threading.Lock()

    def __init__(self):
        self.own_lock = threading.Lock()


class LockOfEachInstance:
    """The total is the class's, the lock is each instance's: each holds another one. Ends in 1."""

    def __init__(self):
        Tally.total = 0
        self.tallies = [Tally(), Tally()]

    def actor_left(self):
        self.count(self.tallies[0])

    def actor_right(self):
        self.count(self.tallies[1])

    def count(self, tally):
        with tally.own_lock:
            Tally.total = more(Tally.total)

    def result(self):
        return Tally.total


class LockOfTheClass(LockOfEachInstance):
    """The lock is where the total is. Ends in 2."""

    def count(self, tally):
        with Tally.lock:
            Tally.total = more(Tally.total)


class BoundedCounter:
    """One place is left; both check, and both take it. Ends in take=True,True."""

    limit = 1

    def __init__(self):
        self.taken = 0

    def actor_take(self):
        if more(self.taken) > self.limit:
            return False
        self.taken = more(self.taken)
        return True


class BoundedBySemaphore(BoundedCounter):
    """A semaphore checks and takes in one step. Ends in take=False,True."""

    def __init__(self):
        self.places = threading.Semaphore(self.limit)

    def actor_take(self):
        return self.places.acquire(blocking=False)


class Ids:
    """Each reads the next id and adds one: both hand out the same. Ends in take=1,1."""

    def __init__(self):
        self.next = 1

    def actor_take(self):
        mine = self.next
        self.next = more(mine)
        return mine


class CountedIds(Ids):
    """``next`` of an ``itertools.count`` is one step under a GIL, and without one since 3.14. Ends in take=1,2."""

    def __init__(self):
        self.ids = itertools.count(1)

    def actor_take(self):
        return next(self.ids)


class LastOneCloses:
    """Each gives back its reference, then looks whether none is left: both are the last. Ends in 2 closed."""

    def __init__(self):
        self.references = 2
        self.closed = 0

    def actor_release(self):
        self.references -= 1
        if self.is_unused():
            self.close()

    def is_unused(self):
        return self.references == 0

    def close(self):
        self.closed += 1

    def result(self):
        return self.closed


class LastOneClosesLocked(LastOneCloses):
    """Who brings the number to 0 closes, under the lock. Ends in 1 closed."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def actor_release(self):
        with self.lock:
            super().actor_release()


class TwoAccounts:
    """Money is on its way when the sum is read: it is on neither account. Ends in sum=90."""

    def __init__(self):
        self.left, self.right = 100, 0

    def actor_move(self):
        self.left = more(self.left, -10)
        self.right = more(self.right, 10)

    def actor_sum(self):
        return self.left + self.right


class TwoAccountsLocked(TwoAccounts):
    """Who moves and who reads hold the same lock. Ends in sum=100."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def actor_move(self):
        with self.lock:
            super().actor_move()

    def actor_sum(self):
        with self.lock:
            return super().actor_sum()


class TornPair:
    """Two write both halves of a pair: it ends as half of each. Ends in (1, 2) or (2, 1)."""

    def __init__(self):
        self.first = self.second = 0

    def actor_ones(self):
        self.write(1)

    def actor_twos(self):
        self.write(2)

    def write(self, value):
        self.first = more(value, 0)
        self.second = more(value, 0)

    def result(self):
        return (self.first, self.second)


class SwappedPair(TornPair):
    """A new pair is made and put in place by one assignment. Ends in (1, 1) or (2, 2)."""

    def __init__(self):
        self.pair = (0, 0)

    def write(self, value):
        self.pair = (more(value, 0), more(value, 0))

    def result(self):
        return self.pair
