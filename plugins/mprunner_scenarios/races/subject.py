"""The user's class of own-race: its actors, and the states that they end in one after the other."""

import inspect
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any, Final

from mprunner_scenarios.actors.own_race import Call, Shared, state_of
from mprunner_scenarios.shared.own_code import OwnCodeError, blame, find

MAX_ORDERS: Final = 24
"""All orders of up to four actors; of more, as many that are drawn."""

WAIT_S: Final = 1.0
"""How long the actors may take one after the other. One that waits for another that comes later never ends."""

TIMED: Final = (3, 2_000)
"""The fewest and the most rounds of which the time that the actors need alone is taken."""

TIMED_S: Final = 0.2
"""How long that may take, after the fewest rounds."""

State = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The user's class.

    Attributes:
        place: where it is, as the experiment says it.
        make: makes an object of it.
        parts: a name for each method, and the indices of its actors.
        methods: the method that each actor calls.
        has_reset: whether one object is used for all rounds.
    """

    place: str
    make: Callable[[], Any]
    parts: tuple[tuple[str, tuple[int, ...]], ...]
    methods: tuple[str, ...]
    has_reset: bool

    @property
    def actor_names(self) -> list[str]:
        """Each actor's name: its method's, with a number where there are copies."""
        return [
            f"{name}#{number}" if len(indices) > 1 else name
            for name, indices in self.parts
            for number in range(1, len(indices) + 1)
        ]


def find_subject(place: str, copies: int | None) -> Subject:
    """Import the user's class and find its actors.

    Args:
        place: as ``package.module:Class``.
        copies: how many actors call each method; None for two of a single method, else one.

    Raises:
        OwnCodeError: it can't be imported, is no class, or has no methods that actors could call.
    """
    cls = find("race", place, type)
    if not isinstance(cls, type):
        raise OwnCodeError(f"race {place!r} is no class: it is of type {type(cls).__name__}")
    names = [name for name in _methods(cls) if name.startswith("actor")]
    if not names:
        raise OwnCodeError(
            f"race {place!r} has no methods whose names begin with actor, such as actor_get(self)"
        )
    for name in [*names, *(each for each in ("result", "reset") if hasattr(cls, each))]:
        _check(place, cls, name)
    times = copies or (2 if len(names) == 1 else 1)
    indices = [tuple(range(n * times, (n + 1) * times)) for n in range(len(names))]
    return Subject(
        place=place,
        make=cls,
        parts=tuple((name.removeprefix("actor_"), each) for name, each in zip(names, indices, strict=True)),
        methods=tuple(name for name in names for _ in range(times)),
        has_reset=hasattr(cls, "reset"),
    )


def _methods(cls: type) -> list[str]:
    """Return the names of a class's methods in the order of their definition, those of its bases first."""
    found: dict[str, None] = {}
    for each in reversed(cls.__mro__[:-1]):
        found |= dict.fromkeys(
            name for name, value in vars(each).items() if callable(getattr(cls, name, value))
        )
    return list(found)


def _check(place: str, cls: type, name: str) -> None:
    method = inspect.getattr_static(cls, name)
    if inspect.iscoroutinefunction(method):
        raise OwnCodeError(f"race {place!r}: {name} is async; actors are threads, processes or interpreters")
    if inspect.isfunction(method):
        needed = [
            each.name
            for each in list(inspect.signature(method).parameters.values())[1:]
            if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        ]
        if needed:
            raise OwnCodeError(
                f"race {place!r}: {name} needs {', '.join(needed)}, but is called without arguments"
            )


def make_object(subject: Subject) -> Any:
    """Return a fresh object of the class.

    Raises:
        OwnCodeError: its ``__init__``, or its ``reset``, raised.
    """
    try:
        made = subject.make()
        if subject.has_reset:
            made.reset()
    except Exception as error:  # the user's code
        raise OwnCodeError(f"race {subject.place!r} can't be made: {blame(error)}") from error
    return made


@dataclass(frozen=True, slots=True)
class Serial:
    """What the actors do one after the other.

    Attributes:
        order: one in which all come to an end; None if there is none.
        states: those that such orders end in.
    """

    order: tuple[int, ...] | None
    states: frozenset[State]

    def write(self, file: Path) -> None:
        """Keep it for the trials."""
        file.write_text(json.dumps([self.order, list(self.states)]), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> "Serial":
        """Read what :meth:`write` has written."""
        order, states = json.loads(file.read_text(encoding="utf-8"))
        return cls(None if order is None else tuple(order), frozenset(states))


def serial(subject: Subject, rng: Random) -> Serial:
    """Call the actors one after the other, in each order: the states that any class may end in without a race.

    Raises:
        OwnCodeError: the object can't be made.
    """
    first: tuple[int, ...] | None = None
    states: set[State] = set()
    for order in _orders(len(subject.methods), rng):
        state = _one_after_the_other(subject, order)
        if state is not None:
            first = first or order
            states.add(state)
    return Serial(first, frozenset(states))


def _orders(actors: int, rng: Random) -> Iterator[tuple[int, ...]]:
    everyone = range(actors)
    if actors <= 4:
        return permutations(everyone)
    return islice((tuple(rng.sample(everyone, actors)) for _ in iter(int, 1)), MAX_ORDERS)


def _one_after_the_other(subject: Subject, order: Sequence[int]) -> State | None:
    """Return the state that an order ends in; None where an actor waits for one that comes later."""
    made = make_object(subject)
    ended: list[State] = []

    def call() -> None:
        texts: list[str | None] = [None] * len(order)
        shared = Shared(made, texts)
        for index in order:
            Call(shared, index, subject.methods[index])()
        ended.append(state_of(subject.parts, texts, made))

    thread = threading.Thread(target=call, name="one after the other", daemon=True)
    thread.start()
    thread.join(WAIT_S)
    return ended[0] if ended else None


def alone_s(subject: Subject, order: Sequence[int], rounds: int) -> float:
    """Return the median time of a round in which one thread calls all actors one after the other, in seconds."""
    made = make_object(subject)
    times: list[float] = []
    least, most = TIMED
    until = perf_counter() + TIMED_S
    while len(times) < min(rounds, most) and (len(times) < least or perf_counter() < until):
        works = [getattr(made, subject.methods[index]) for index in order]
        began = perf_counter()
        for work in works:
            try:
                work()
            except (Exception, SystemExit):  # it is a state, where states are looked at
                pass
        times.append(perf_counter() - began)
        if subject.has_reset:
            made.reset()
        else:
            made = subject.make()
    return median(times)
