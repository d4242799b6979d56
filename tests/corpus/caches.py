"""What is made once and then shared: caches, memos, configurations. Each race stands beside its cure."""

import threading


class LazyCache:
    """Check, then act: both see no value, and both make one. Ends in 2 made."""

    def __init__(self):
        self.value = None
        self.made = 0

    def actor_get(self):
        if self.value is None:
            self.value = self.make()

    def make(self):
        self.made += 1
        return object()

    def result(self):
        return self.made


class LockedCache(LazyCache):
    """The lock is held from the check to the act. Ends in 1 made."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def actor_get(self):
        with self.lock:
            super().actor_get()


class HalfCheckedCache(LockedCache):
    """Double-checked locking without the second check: who waited for the lock makes another. Ends in 2 made."""

    def actor_get(self):
        if self.value is None:
            with self.lock:
                self.value = self.make()


class DoubleCheckedCache(LockedCache):
    """Checked again once the lock is held, so that who waited finds the value. Ends in 1 made."""

    def actor_get(self):
        if self.value is None:
            with self.lock:
                if self.value is None:
                    self.value = self.make()


class MemoByHand:
    """Each looks for the key and puts in its own object: the first one's is replaced. Ends in own=True,True."""

    def __init__(self):
        self.memo = {}

    def actor_own(self):
        mine = object()
        if self.memo.get("key") is None:
            self.memo["key"] = mine
            return mine is self.memo["key"]
        return False


class MemoSetdefault(MemoByHand):
    """``dict.setdefault`` looks and puts in one step: one object is kept, for all. Ends in own=False,True."""

    def actor_own(self):
        mine = object()
        return self.memo.setdefault("key", mine) is mine


class PublishedTooSoon:
    """A configuration is published, and then filled: the reader finds it half made. Ends in read=0 or read=1."""

    def __init__(self):
        self.config = None

    def actor_publish(self):
        self.config = dict()  # noqa: C408 - a call, after which another thread may go on
        self.config.update(host="here")
        self.config.update(port=80)

    def actor_read(self):
        config = self.config
        return "none yet" if config is None else len(config)


class PublishedWhole(PublishedTooSoon):
    """The configuration is made whole, and then published by one assignment. Ends in read=2, or none yet."""

    def actor_publish(self):
        config = dict(host="here")  # noqa: C408 - as above
        config.update(port=80)
        self.config = config
