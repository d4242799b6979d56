"""Every order of own-race: the lines of the actors in each order in which they can come.

Exploring executes once what ends alike, so that its counts are no shares. Here nothing is left out: of two actors of
three lines each, all 20 orders. frontrun's executor holds each thread before a line until it is that line's turn.
"""

import inspect
import linecache
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path
from time import monotonic
from types import CodeType, FrameType
from typing import Any, Final

from mprunner_scenarios.actors.own_race import Call, Shared, state_of, text_of
from mprunner_scenarios.races.explored import LIMIT_S, Explored, Search, Step
from mprunner_scenarios.races.subject import Serial, State, Subject, make_object
from mprunner_scenarios.shared.own_code import OwnCodeError

WAIT_S: Final = 2.0
"""How long a line may wait for its turn, and how long all lines of an order may take together."""

MOST_SHOWN: Final = 252
"""Of so many orders, those of five lines and five, the steps of each are kept; of more, of one for each state."""

_Order = tuple[tuple[int, str], ...]
"""The actors' steps: the index of the actor, and the marker of the line."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """What frontrun asks, in its own words, before each line of a thread: whether the thread is held here.

    Its own registry finds markers in comments. Here the actors' lines are the markers.

    Attributes:
        markers: a name for each line, by file and number.
        see: is told of each line.
    """

    markers: Mapping[tuple[str, int], str]
    see: Callable[[FrameType], object]

    def scan_frame(self, frame: FrameType) -> None:
        """Take note of a line that is next."""
        self.see(frame)

    def get_marker(self, filename: str, lineno: int) -> str | None:
        """Name a line before which the thread is held until it is its turn."""
        return self.markers.get((filename, lineno))


def every_order(subject: Subject, serial: Serial, search: Search) -> Explored:
    """Execute the actors in every order of their lines, each on a fresh object.

    Raises:
        OwnCodeError: the object can't be made, not every order can be executed, or there are more than asked for.
    """
    alone = [_lines_alone(subject, index) for index in range(len(subject.methods))]
    places = {marker: place for lines in alone for marker, place in lines}
    orders = _orders(subject, [[marker for marker, _ in lines] for lines in alone], search)
    chosen = dict(enumerate(orders, 1)) if search.only is None else {search.only: orders[search.only - 1]}
    until = monotonic() + LIMIT_S
    ended: dict[int, State] = {}
    for number, order in chosen.items():
        if ended and monotonic() > until:
            break
        ended[number] = _execute(subject, places, order)
    raced = {
        number for number, state in ended.items() if serial.order is not None and state not in serial.states
    }
    return Explored(
        states=Counter(ended.values()),
        schedules=len(ended),
        raced=len(raced),
        complete=len(ended) == len(orders),
        first=min(raced, default=None),
        steps=tuple(
            step
            for number in _shown(ended, raced)
            for step in _steps(subject, places, chosen[number], number, str(ended[number]))
        ),
    )


def _lines_alone(subject: Subject, index: int) -> list[tuple[str, tuple[str, int]]]:
    """Return the lines of actors' methods that an actor executes alone: the marker, file and number of each."""
    from frontrun.common import Schedule, Step  # noqa: PLC0415 - an extra

    codes = _codes(subject)
    seen: list[tuple[str, tuple[str, int]]] = []

    def see(frame: FrameType) -> None:
        if frame.f_code in codes:
            place = frame.f_code.co_filename, frame.f_lineno
            seen.append((f"{codes.index(frame.f_code)}:{frame.f_lineno}", place))

    nothing = Schedule([Step(_name(index), "nothing")])
    try:
        _run(subject, [index], nothing, _Lines({}, see))
    except TimeoutError as error:
        raise OwnCodeError(
            f"race {subject.place!r}: {subject.methods[index]} waits for another actor"
        ) from error
    return seen


def _codes(subject: Subject) -> tuple[CodeType, ...]:
    """Return the code of each actor's method."""
    cls: Any = subject.make
    found = [getattr(inspect.unwrap(getattr(cls, method)), "__code__", None) for method in subject.methods]
    codes = tuple(each for each in found if isinstance(each, CodeType))
    if len(codes) < len(found):
        raise OwnCodeError(f"race {subject.place!r}: {subject.methods[found.index(None)]} has no lines")
    return codes


def _orders(subject: Subject, alone: Sequence[list[str]], search: Search) -> list[_Order]:
    """Return all orders of the actors' lines, if they are not more than may be executed."""
    from frontrun.trace_markers import all_marker_schedules  # noqa: PLC0415 - an extra

    count, lines = 1, 0
    for own in alone:
        lines += len(own)
        count *= comb(lines, len(own))
    if count > search.most:
        raise OwnCodeError(
            f"race {subject.place!r} has {count:,} orders of its lines, more than schedules: {search.most}"
        )
    if search.only is not None and search.only > count:
        raise OwnCodeError(
            f"race {subject.place!r} has {count:,} orders of its lines: there is no {search.only}"
        )
    schedules = all_marker_schedules({_name(index): own for index, own in enumerate(alone)})
    return [tuple((int(step.execution_name), step.marker_name) for step in each.steps) for each in schedules]


def _execute(subject: Subject, places: Mapping[str, tuple[str, int]], order: _Order) -> State:
    """Execute the actors in an order of their lines; return the state that they end in."""
    from frontrun.common import Schedule, Step  # noqa: PLC0415 - an extra

    schedule = Schedule([Step(_name(actor), marker) for actor, marker in order])
    markers = {place: marker for marker, place in places.items()}
    try:
        reached, state = _run(
            subject, range(len(subject.methods)), schedule, _Lines(markers, lambda frame: None)
        )
    except TimeoutError:
        reached = 0
    if reached < len(order):
        raise OwnCodeError(
            f"race {subject.place!r}: its lines can't come in every order, as an actor waits for another, or "
            "executes other lines after another has changed something; `search: systematic` is for such a class"
        )
    return state


def _run(subject: Subject, actors: Sequence[int], schedule: Any, lines: _Lines) -> tuple[int, State]:
    """Execute some actors by a schedule; return how many of its steps came, and the state.

    Raises:
        TimeoutError: they did not come to their end, or not all steps came.
    """
    from frontrun.trace_markers import TraceExecutor  # noqa: PLC0415 - an extra

    texts: list[str | None] = [None] * len(subject.methods)
    shared = Shared(make_object(subject), texts)
    executor = TraceExecutor(schedule, deadlock_timeout=WAIT_S)
    executor._sync.marker_registry = lines  # it has no public way to set one
    calls = {_name(index): _worker(Call(shared, index, subject.methods[index])) for index in actors}
    executor.run(calls, timeout=WAIT_S)
    return executor.coordinator.current_step, state_of(subject.parts, texts, shared.subject)


def _worker(call: Call) -> Callable[[], None]:
    def work() -> None:
        call()

    return work


def _shown(ended: Mapping[int, State], raced: set[int]) -> list[int]:
    """Return the orders whose steps are kept, those that raced first."""
    numbers = list(ended)
    if len(numbers) > MOST_SHOWN:
        numbers = [min(each for each in ended if ended[each] == state) for state in set(ended.values())]
    return sorted(numbers, key=lambda number: (number not in raced, number))


def _steps(
    subject: Subject, places: Mapping[str, tuple[str, int]], order: _Order, schedule: int, state: str
) -> Iterator[Step]:
    names = subject.actor_names
    for number, (actor, marker) in enumerate(order, 1):
        file, line = places[marker]
        yield Step(
            schedule=schedule,
            state=state,
            step=number,
            actor=names[actor],
            where=text_of(f"{Path(file).name}:{line}"),
            code=text_of(linecache.getline(file, line).strip()) or "",
            access=None,
        )


def _name(index: int) -> str:
    """Name an actor so that names sort as the actors do."""
    return f"{index:03}"
