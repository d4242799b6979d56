"""The rounds of own-race: all actors at once, again and again, and the states that they ended in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mprunner.scenario import Trial
from mprunner_scenarios.actors.own_race import Call, Settle, Shared, Slots, state_of
from mprunner_scenarios.races.subject import Serial, State, Subject, make_object, serial
from mprunner_scenarios.shared.own_code import OwnCodeError

Kind = Literal["thread", "process", "interpreter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    """What the actors are, and how a round starts.

    Attributes:
        kind: of the actors.
        start_method: of their processes.
        sync: how a round starts.
    """

    kind: Kind
    start_method: Literal["fork", "spawn", "forkserver"]
    sync: Literal["none", "barrier", "spin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """What happened in all rounds of a trial.

    Attributes:
        states: how often a round ended in each.
        wall_s: from the first round to the end of the last, in seconds.
        call_s: the mean time of an actor's call, in seconds.
    """

    states: Mapping[State, int]
    wall_s: float
    call_s: float


def _shared(subject: Subject, kind: Kind, folder: Path) -> Shared:
    actors = len(subject.methods)
    nothing: list[str | None] = [None] * actors
    texts = nothing if kind == "thread" else Slots(str(folder / "texts"), actors)
    return Shared(make_object(subject), texts)


def execute_rounds(subject: Subject, actors: Actors, rounds: int, trial: Trial) -> Rounds:
    """Have all actors call their methods at once, ``rounds`` times, on a fresh object each time.

    Raises:
        OwnCodeError: the object can't be made, or can't travel to a process.
        ActorsFailed: an actor was killed, or ended itself.
    """
    shared = _shared(subject, actors.kind, trial.tmp_path)
    calls = [Call(shared, index, method) for index, method in enumerate(subject.methods)]
    done = trial.run_actors(
        calls,
        kind=actors.kind,
        method=actors.start_method,
        sync=actors.sync,
        rounds=rounds,
        settle=Settle(shared, subject.parts, None if subject.has_reset else subject.make),
    )
    done.raise_failures()
    spent = [float(str(actor.value)) for actor in done.actors]
    return Rounds(
        states=done.settled, wall_s=done.wall_s or 0.0, call_s=sum(spent) / (rounds * len(subject.methods))
    )


def check(subject: Subject, actors: Actors, trial: Trial) -> Serial:
    """Say what the actors end in one after the other, and see that they share what they change.

    Raises:
        OwnCodeError: the object can't be made; processes can't have it, or each changes a copy of its own.
    """
    found = serial(subject, trial.rng)
    if actors.kind == "thread":
        return found
    if not subject.has_reset:
        raise OwnCodeError(
            f"race {subject.place!r} has no reset(self): a {actors.kind} gets the object once, and needs that to "
            "begin each round anew"
        )
    if found.order is None:
        return found
    apart = _apart(subject, actors, found.order, trial)
    if apart not in found.states:
        raise OwnCodeError(
            f"race {subject.place!r}: each {actors.kind} changes its own copy. One after the other they ended in "
            f"{apart}, not in {_list(found.states)}: keep it in a multiprocessing.Value, shared memory or a file"
        )
    return found


def _apart(subject: Subject, actors: Actors, order: tuple[int, ...], trial: Trial) -> State:
    """Have each actor call its method alone, one after the other, and return the state that they end in."""
    shared = _shared(subject, actors.kind, trial.tmp_path)
    for index in order:
        call = Call(shared, index, subject.methods[index])
        trial.run_actors([call], kind=actors.kind, method=actors.start_method).raise_failures()
    return state_of(subject.parts, shared.texts, shared.subject)


def _list(states: frozenset[State]) -> str:
    return " or ".join(sorted(map(str, states))[:3])
