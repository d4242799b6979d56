"""locked-counter: add to and subtract from one shared total, with and without a lock."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from typing import Annotated, Literal

from annotated_types import Ge

from mprunner.scenario import Doc, Scenario, Trial, Unit
from mprunner_scenarios.actors.locked_counter import change, change_locked


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a locked-counter experiment may vary."""

    mode: Annotated[
        Literal["concurrent", "sequential"],
        Doc("both actors at once, or one process that adds and then subtracts"),
    ] = "concurrent"
    guard: Annotated[Literal["none", "lock"], Doc("what protects the total")] = "none"
    initial: Annotated[int, Doc("the total to begin with")] = 500
    step: Annotated[int, Ge(1), Doc("what is added, and subtracted, each time")] = 5
    iterations: Annotated[int, Ge(1), Doc("how often each actor changes the total")] = 100
    pause_s: Annotated[float, Ge(0), Unit("s"), Doc("how long an actor pauses before each change")] = 0.01
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver"], Doc("how the actors' processes are started")
    ] = "fork"

    def __post_init__(self) -> None:
        """Refuse what would be the same experiment under two names."""
        if self.mode == "sequential" and self.start_method != "fork":
            raise ValueError("a sequential counter starts no actors: start_method means nothing to it")
        if abs(self.initial) + self.step * self.iterations >= 2**31:
            raise ValueError("the total could outgrow the 32 bits of the shared value")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What locked-counter measures."""

    final_value: Annotated[int, Doc("the total when both actors are done")]
    lost_updates: Annotated[int, Doc("at least so many changes are missing from the final total")]
    wall_s: Annotated[float, Unit("s"), Doc("from the first change's pause to the last change")]


class LockedCounter(Scenario[Params, Metrics]):
    """Add to and subtract from one shared total.

    As many additions as subtractions of the same step leave the total as it was, if none is lost.
    `total.value += 5` is a read and a write, and another process can write in between. With a pause before each
    change the two seldom meet, so that the error is rare: the kind that passes every test. The lock makes the
    read and the write one.
    """

    name = "locked-counter"
    outcomes = {"final_value": Doc("the total when both actors are done")}  # noqa: RUF012 - read only
    summary = "{lost_updates:affected} lost updates, final value {final_value:range}, {wall_s:median}"

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Change the total, and look at what is left of it."""
        context = trial.context(params.start_method)
        total = context.Value("i", params.initial)
        guarded = _guarded(context, params)
        additions = partial(guarded, total, params.step, params.iterations, params.pause_s)
        subtractions = partial(guarded, total, -params.step, params.iterations, params.pause_s)
        if params.mode == "sequential":
            watch = trial.stopwatch()
            additions()
            subtractions()
            wall_s = watch.elapsed_s
        else:
            actors = trial.run_actors([additions, subtractions], method=params.start_method)
            actors.raise_failures()
            wall_s = actors.wall_s or 0.0
        final_value = total.value
        trial.observe(final_value=final_value)
        return Metrics(
            final_value=final_value,
            lost_updates=abs(final_value - params.initial) // params.step,
            wall_s=wall_s,
        )


def _guarded(context: BaseContext, params: Params) -> Callable[..., None]:
    return partial(change_locked, lock=context.Lock()) if params.guard == "lock" else change


def mprunner_register_scenarios() -> list[type[LockedCounter]]:
    """Register the scenario with mprunner."""
    return [LockedCounter]
