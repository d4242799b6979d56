"""Small classes that are known to race or known not to, to see what own-race makes of them.

They are plain classes, as a user of own-race writes them. :data:`CORPUS` says of each for which kinds of actors it is
meant and, where it races, in which states that shows.
"""

from dataclasses import dataclass

THREAD = ("thread",)
SHARED = ("thread", "process")
BY_PATH = ("thread", "process", "interpreter")
"""What is shared is found by its path, so that interpreters can share it too."""


@dataclass(frozen=True)
class Entry:
    """A class of the corpus.

    Attributes:
        place: where it is, as own-race's param `race` says it.
        kinds: of actors for which it is meant.
        raced: the states in which it ends only if it raced; none of a safe class.
    """

    place: str
    kinds: tuple[str, ...]
    raced: tuple[int | str, ...]

    @property
    def safe(self) -> bool:
        """Whether it never races."""
        return not self.raced

    @property
    def name(self) -> str:
        """The class's name."""
        return self.place.partition(":")[2]


def _entries(module: str, kinds: tuple[str, ...], **classes: tuple[int | str, ...]) -> list[Entry]:
    return [Entry(f"tests.corpus.{module}:{name}", kinds, raced) for name, raced in classes.items()]


SAFE = ()

CORPUS = [
    *_entries(
        "caches",
        THREAD,
        LazyCache=(2,),
        LockedCache=SAFE,
        HalfCheckedCache=(2,),
        DoubleCheckedCache=SAFE,
        MemoByHand=("own=True,True",),
        MemoSetdefault=SAFE,
        PublishedTooSoon=("read=0", "read=1"),
        PublishedWhole=SAFE,
    ),
    *_entries(
        "counters",
        THREAD,
        Counter=(1,),
        LockedCounter=SAFE,
        LockPerCall=(1,),
        ReentrantCounter=SAFE,
        WideSemaphore=(1,),
        NarrowSemaphore=SAFE,
        LockOfEachInstance=(1,),
        LockOfTheClass=SAFE,
        BoundedCounter=("take=True,True",),
        BoundedBySemaphore=SAFE,
        Ids=("take=1,1",),
        CountedIds=SAFE,
        LastOneCloses=(2, 0),  # 0 without a GIL, where a decrement can be lost
        LastOneClosesLocked=SAFE,
        TwoAccounts=("sum=90", "sum=110"),
        TwoAccountsLocked=SAFE,
        TornPair=("(1, 2)", "(2, 1)"),
        SwappedPair=SAFE,
    ),
    *_entries(
        "containers",
        THREAD,
        RebuiltList=(1,),
        AppendedList=SAFE,
        DequeAsQueue=("take=IndexError,a",),
        DequeTried=SAFE,
        QueueTried=SAFE,
        GroupedByHand=(1,),
        GroupedBySetdefault=SAFE,
        SharedGenerator=("take=0,ValueError",),
        LockedGenerator=SAFE,
        WalkedDict=("walk=RuntimeError",),
        CopiedDict=SAFE,
        EventTooSoon=("read=none",),
        EventInTime=SAFE,
        ConditionBuffer=SAFE,
        OneScratchForAll=("left=right right=right", "left=left right=left"),
        ScratchOfEachThread=SAFE,
    ),
    *_entries(
        "shared_state",
        SHARED,
        ValueCounter=(1,),
        ValueCounterLocked=SAFE,
        ArrayTransfer=("sum=90",),
        ArrayTransferLocked=SAFE,
    ),
    *_entries(
        "shared_state",
        BY_PATH,
        MappedCounter=(1,),
        MappedCounterLocked=SAFE,
        FileCounter=(1,),
        FileCounterLocked=SAFE,
        RemovedIfThere=("remove=FileNotFoundError,True",),
        RemovedOrGone=SAFE,
        CreatedIfMissing=("create=True,True",),
        CreatedExclusively=SAFE,
        SqliteReadThenWrite=(1,),
        SqliteTransaction=SAFE,
    ),
]
"""Every class of the corpus; each that races is followed by its cure."""
