"""Chosen schedules of own-race: which thread goes on at each step is decided, not left to the interpreter.

frontrun does it, an extra. It runs the actors of a round under a scheduler of its own, once for every schedule that
can make a difference (dynamic partial-order reduction), or for random ones.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import ne
from pathlib import Path
from time import monotonic
from typing import Annotated, Any, Final, Literal

from mprunner.scenario import Doc
from mprunner_scenarios.actors.own_race import Call, Shared, state_of, text_of
from mprunner_scenarios.races.subject import Serial, State, Subject, make_object
from mprunner_scenarios.shared.own_code import OwnCodeError

LIMIT_S: Final = 20.0
"""How long a trial looks for schedules."""

DEADLOCK: Final = "deadlock"
"""The state of a round in which actors wait for one another for ever."""


MOST_STATES: Final = 4
"""Of so many states in which no serial order ends, a schedule is shown that ends so."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a schedule: of the first that raced for each state that it ends in, or of every order."""

    schedule: Annotated[int, Doc("the number of the schedule, which `replay` takes")]
    state: Annotated[str, Doc("the state that it ends in")]
    step: Annotated[int, Doc("its place in the schedule, from 1")]
    actor: Annotated[str | None, Doc("who does it: the method's name, with a number where there are copies")]
    where: Annotated[str | None, Doc("file and line")]
    code: Annotated[str, Doc("the line, or what is said of the step")]
    access: Annotated[str | None, Doc("what it reads or writes")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """What came of the schedules.

    Attributes:
        states: how many schedules ended in each.
        schedules: how many were executed.
        raced: how many of them ended in a state that no serial order gives.
        complete: whether there are no more that could end otherwise.
        first: the number of the first one that raced, from 1; None if none did.
        steps: of that one.
    """

    states: Mapping[State, int]
    schedules: int
    raced: int
    complete: bool
    first: int | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which schedules are executed.

    Attributes:
        way: all that can make a difference, random ones until one races, or every order of the actors' lines.
        most: how many at most.
        preemptions: how often a thread may be interrupted in one; None for any number.
        only: the number of the one to execute again; None for all.
        seed: of the random ones.
    """

    way: Literal["systematic", "random", "every"]
    most: int
    preemptions: int | None
    only: int | None
    seed: int


def check_explorer() -> None:
    """See that frontrun is installed.

    Raises:
        OwnCodeError: it is not.
    """
    try:
        import frontrun  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise OwnCodeError(
            "schedule: explored needs the extra `explore`: pip install 'mprunner[explore]'"
        ) from error


@contextmanager
def controlled_locks() -> Iterator[None]:
    """Have locks, conditions, events and queues that are made meanwhile be ones that schedules control.

    The user's module is imported within: it may have locks of its own.
    """
    from frontrun import _cooperative, _tracing  # noqa: PLC0415 - an extra

    # The user's code is what is explored. In an installation for development ours is no library to frontrun.
    _tracing._SKIP_DIRS |= {str(Path(__file__).parents[1])}
    _cooperative.patch_locks()
    try:
        yield
    finally:
        _cooperative.unpatch_locks()


def explore(subject: Subject, serial: Serial, search: Search) -> Explored:
    """Execute the actors under one schedule after the other, each on a fresh object.

    Raises:
        OwnCodeError: the object can't be made, or a schedule did not come to its end.
    """
    most = search.only or search.most
    how: dict[str, Any] = (
        {"strategy": "random", "seed": search.seed, "max_attempts": most}
        if search.way == "random"
        else {"max_executions": most, "preemption_bound": search.preemptions, "stop_on_first": False}
    )
    began = monotonic()
    found, seen = _search(subject, lambda state: serial.order is None or state in serial.states, how)
    if found.property_holds is None:
        why = str(found.inconclusive_reason or found.explanation).partition(". ")[0]
        if "timed out" in why:
            why = "a schedule waits for what it can't control, such as a lock of multiprocessing or of a database"
        raise OwnCodeError(f"race {subject.place!r} can't be explored: {why}")
    took_s = monotonic() - began
    raced = {
        number: state
        for number, state in enumerate(seen, 1)
        if state == DEADLOCK or (serial.order is not None and state not in serial.states)
    }
    counted = Counter(seen if search.only is None else seen[search.only - 1 :])
    firsts = {state: number for number, state in reversed(raced.items())}
    steps: list[Step] = []
    for number, state in sorted((number, state) for state, number in firsts.items())[:MOST_STATES]:
        explanation = found.explanation  # it is of the first one that raced
        if number != next(iter(raced)):
            again, _ = _search(subject, partial(ne, state), how | {"max_executions": number})
            explanation = again.explanation
        if search.only in (None, number):
            steps += _steps(explanation or "", subject.actor_names, number, str(state))
    return Explored(
        states=counted,
        schedules=counted.total(),
        raced=len([number for number in raced if search.only in (None, number)]),
        complete=search.way == "systematic" and found.num_explored < most and took_s < LIMIT_S,
        first=next(iter(raced), None),
        steps=tuple(steps),
    )


def _search(
    subject: Subject, is_right: Callable[[State], bool], how: Mapping[str, Any]
) -> tuple[Any, list[State]]:
    """Execute schedules, and return what frontrun says of them, and the state that each ended in."""
    import frontrun  # noqa: PLC0415 - an extra

    seen: list[State] = []

    def setup() -> Shared:
        texts: list[str | None] = [None] * len(subject.methods)
        return Shared(make_object(subject), texts)

    def invariant(shared: Shared) -> bool:
        seen.append(state_of(subject.parts, shared.texts, shared.subject))
        return is_right(seen[-1])

    found = frontrun.explore(
        setup=setup,
        workers=[_worker(index, method) for index, method in enumerate(subject.methods)],
        invariant=invariant,
        clock="virtual",  # a wait with a timeout ends when nothing else can happen
        reproduce_on_failure=0,
        total_timeout=LIMIT_S,
        **how,
    )
    if found.property_holds is not None:
        seen += [DEADLOCK] * (found.num_explored - len(seen))
    return found, seen


def _worker(index: int, method: str) -> Any:
    def call(shared: Shared) -> None:
        Call(shared, index, method)()

    return call


_LINE = re.compile(r"  Thread (\d+)\s*\| (\S+:\d+)\s+(.*)")
_ACCESS = re.compile(r"\s+\| \[(.*)\]")
_LEFT_OUT = re.compile(r"\s+\| \.\.\. (\d+ more lines)")
_EDGE = re.compile(r"thread (\d+) -> (lock \w+) -> thread (\d+)")


def _steps(explanation: str, names: list[str], schedule: int, state: str) -> Iterator[Step]:
    """Read the steps of a schedule from what frontrun says of it; of a deadlock who waits for whom."""
    lines = explanation.splitlines()
    number = 0
    for place, line in enumerate(lines):
        after = _ACCESS.fullmatch(lines[place + 1]) if place + 1 < len(lines) else None
        if match := _LINE.fullmatch(line):
            number += 1
            yield Step(
                schedule=schedule,
                state=state,
                step=number,
                actor=_name(match[1], names),
                where=text_of(match[2]),
                code=text_of(match[3].strip()) or "",
                access=after and text_of(after[1]),
            )
        elif match := _LEFT_OUT.fullmatch(line):
            number += 1
            yield Step(
                schedule=schedule,
                state=state,
                step=number,
                actor=None,
                where=None,
                code=f"… {match[1]}",
                access=None,
            )
    waits = [line for line in lines if line.startswith("thread ")]
    for start in range(len(waits[0].split(" -> ")) // 2 if waits else 0):
        edge = _EDGE.match(" -> ".join(waits[0].split(" -> ")[2 * start :]))
        if edge:
            number += 1
            yield Step(
                schedule=schedule,
                state=state,
                step=number,
                actor=_name(edge[1], names),
                where=None,
                code=f"waits for {edge[2]}, which {_name(edge[3], names)} holds",
                access=None,
            )


def _name(index: str, names: list[str]) -> str:
    return names[int(index)] if int(index) < len(names) else "the clock"
