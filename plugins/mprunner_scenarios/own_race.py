"""own-race: the methods of your own class, called at once, and the states that they end in."""

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from annotated_types import Ge, Gt

from mprunner.scenario import Doc, Scenario, Trial, Unit, When
from mprunner_scenarios.races.explored import Search, Step, check_explorer, controlled_locks, explore
from mprunner_scenarios.races.orders import every_order
from mprunner_scenarios.races.rounds import Actors, check, execute_rounds
from mprunner_scenarios.races.subject import Serial, Subject, alone_s, find_subject
from mprunner_scenarios.shared.own_code import place_fault

SWITCH_S: Final = 1e-6
"""Python's threads then let go of the interpreter's lock as often as they can: a race shows more often."""

_SERIAL: Final = "serial.json"


@dataclass(frozen=True, kw_only=True)
class Params:
    """What an own-race experiment may vary."""

    race: Annotated[
        str,
        Doc(
            "your class, as package.module:Class: its methods whose names begin with actor are called at once; "
            "it may have a result, and a reset"
        ),
    ]
    copies: Annotated[
        int | None,
        Ge(1),
        Doc("how many actors call each method; null: two where there is one method, else one"),
    ] = None
    kind: Annotated[
        Literal["thread", "process", "interpreter"],
        Doc(
            "what the actors are; an interpreter is a thread with a GIL and modules of its own, from Python 3.13 on"
        ),
    ] = "thread"
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver"],
        Doc("how the actors' processes are started"),
        When(kind="process"),
    ] = "fork"
    schedule: Annotated[
        Literal["free", "explored"],
        Doc("whether the interpreter decides which thread goes on, or all orders that matter are tried"),
    ] = "free"
    sync: Annotated[
        Literal["none", "barrier", "spin"],
        Doc(
            "how a round starts: as the kernel wakes the actors, from a barrier, or from a spinning start gate"
        ),
        When(schedule="free"),
    ] = "spin"
    rounds: Annotated[
        int,
        Ge(1),
        Doc("how often the actors start over, each time with a fresh object"),
        When(schedule="free"),
    ] = 10_000
    switch_interval: Annotated[
        float | None,
        Gt(0),
        Unit("s"),
        Doc("after how long a thread lets go of the interpreter's lock; null: as Python has it, 0.005 s"),
        When(kind="thread", schedule="free"),
    ] = SWITCH_S
    search: Annotated[
        Literal["systematic", "random", "every"],
        Doc(
            "which schedules are tried: all that can make a difference, random ones until one races, or every order "
            "of the actors' lines, which must be the same in each"
        ),
        When(schedule="explored"),
    ] = "systematic"
    schedules: Annotated[
        int, Ge(1), Doc("how many schedules are tried at most"), When(schedule="explored")
    ] = 1_000
    preemptions: Annotated[
        int | None,
        Ge(0),
        Doc("how often a thread may be interrupted in a schedule; null: any number of times"),
        When(schedule="explored", search="systematic"),
    ] = None
    replay: Annotated[
        int | None,
        Ge(1),
        Doc("the number of the one schedule to count again, such as first_raced; null: all"),
        When(schedule="explored"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        if (fault := place_fault("race", self.race, "class")) is not None:
            raise ValueError(fault)
        if self.schedule == "explored" and self.kind != "thread":
            raise ValueError("schedules of threads can be explored: schedule explored needs kind thread")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What own-race measures."""

    raced_rounds: Annotated[
        int | None,
        Doc(
            "free rounds that ended in a state that no order of the actors, one after the other, ends in; null where "
            "each order waits for an actor that comes later"
        ),
    ]
    raced_share: Annotated[float | None, Doc("raced_rounds as a share of the rounds")]
    alone_s: Annotated[
        float | None,
        Unit("s"),
        Doc("a round's calls one after the other in one thread, the median of up to 2,000"),
    ]
    call_s: Annotated[
        float | None,
        Unit("s"),
        Doc("one call of an actor in free rounds, the mean, waiting for locks included"),
    ]
    rounds_per_s: Annotated[
        float | None,
        Unit("per_s"),
        Doc("free rounds over the time from the first one's start to the last one's end"),
    ]
    raced_schedules: Annotated[
        int | None, Doc("explored schedules that ended in such a state, or in a deadlock")
    ] = None
    tried_schedules: Annotated[int | None, Doc("schedules that were explored")] = None
    complete: Annotated[
        bool | None,
        Doc(
            "whether no other schedule than those can end in another state; of search every, whether each order of "
            "the lines was executed"
        ),
    ] = None
    first_raced: Annotated[
        int | None, Doc("the number of the first explored schedule that raced, which `replay` takes")
    ] = None


class OwnRace(Scenario[Params, Metrics]):
    """Call the methods of your own class at once, and count the states that they end in.

    The class is a plain one and imports nothing of mprunner. It is made fresh for each round, or once where it has
    a `reset`. Its methods whose names begin with `actor` are called at once, each by an actor of its own; then
    `result` is read by one alone. What the actors return, or raise, and the result are the round's state.

    Before the rounds, the actors are called one after the other, in each order: a round that ends in a state that
    none of these orders gives has raced. See docs/races.md.
    """

    name = "own-race"
    work = ("rounds", "copies")
    set_up_params = ("race", "copies", "kind", "start_method", "schedule")
    sample = Step
    outcomes = {"state": Doc("what the actors returned, and the result")}  # noqa: RUF012 - read only
    summary = (
        "[raced in {raced_rounds:of rounds} ({raced_share:percent}), ]"
        "[raced in {raced_schedules:among tried_schedules}, ]ended in {state:states}"
        "[, {rounds_per_s:median}][, {alone_s:median} for a round's calls alone]"
    )

    def set_up(self, params: Params, folder: Path) -> None:
        """Find the class, and what its actors end in one after the other."""
        if params.schedule == "explored":
            check_explorer()
        trial = Trial(OwnRace, seed=0, repeat=0, tmp_path=folder)
        with _starting(params):
            check(_subject(params), _actors(params), trial).write(folder / _SERIAL)

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Execute all rounds and count the states that they end in."""
        return _explored(params, trial) if params.schedule == "explored" else _free(params, trial)


def _free(params: Params, trial: Trial) -> Metrics:
    subject = _subject(params)
    with _starting(params), _switching(params.switch_interval):
        serial = _serial(subject, params, trial)
        rounds = execute_rounds(subject, _actors(params), params.rounds, trial)
    trial.observe(state=rounds.states)
    raced = None
    if serial.order is not None:
        raced = sum(count for state, count in rounds.states.items() if state not in serial.states)
    return Metrics(
        raced_rounds=raced,
        raced_share=None if raced is None else raced / params.rounds,
        alone_s=None if serial.order is None else alone_s(subject, serial.order, params.rounds),
        call_s=rounds.call_s,
        rounds_per_s=params.rounds / rounds.wall_s,
    )


def _explored(params: Params, trial: Trial) -> Metrics:
    check_explorer()
    search = Search(
        way=params.search,
        most=params.schedules,
        preemptions=params.preemptions,
        only=params.replay,
        seed=trial.seed,
    )
    if params.search == "every":
        subject = _subject(params)
        found = every_order(subject, _serial(subject, params, trial), search)
    else:
        with controlled_locks():
            subject = _subject(params)
            found = explore(subject, _serial(subject, params, trial), search)
    trial.observe(state=found.states)
    for step in found.steps:
        trial.sample(step)
    return Metrics(
        raced_rounds=None,
        raced_share=None,
        alone_s=None,
        call_s=None,
        rounds_per_s=None,
        raced_schedules=found.raced,
        tried_schedules=found.schedules,
        complete=found.complete,
        first_raced=found.first,
    )


def _subject(params: Params) -> Subject:
    return find_subject(params.race, params.copies)


def _actors(params: Params) -> Actors:
    return Actors(kind=params.kind, start_method=params.start_method, sync=params.sync)


def _serial(subject: Subject, params: Params, trial: Trial) -> Serial:
    left = trial.set_up_folder
    if left is not None and (left / _SERIAL).exists():
        return Serial.read(left / _SERIAL)
    return check(subject, _actors(params), trial)


@contextmanager
def _starting(params: Params) -> Iterator[None]:
    """Have the locks and queues that the class makes be those of the actors' start method."""
    before = multiprocessing.get_start_method(allow_none=True)
    if params.kind != "thread":
        method = params.start_method if params.kind == "process" else "spawn"
        multiprocessing.set_start_method(method, force=True)
    try:
        yield
    finally:
        if params.kind != "thread":
            multiprocessing.set_start_method(before, force=True)


@contextmanager
def _switching(interval_s: float | None) -> Iterator[None]:
    """Have threads switch so often."""
    before = sys.getswitchinterval()
    if interval_s is not None:
        sys.setswitchinterval(interval_s)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def mprunner_register_scenarios() -> list[type[OwnRace]]:
    """Register the scenario with mprunner."""
    return [OwnRace]
