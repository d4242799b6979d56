"""locked-counter: add to and subtract from one shared total, with and without a guard."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from annotated_types import Ge

from mprunner.scenario import Doc, Scenario, Trial, Unit
from mprunner_scenarios.actors.shared_number import pause_before_each
from mprunner_scenarios.shared.number import WIDTH, SharedNumberParams, lock_times, shared_number


@dataclass(frozen=True, kw_only=True)
class Params(SharedNumberParams):
    """What a locked-counter experiment may vary."""

    initial: Annotated[int, Doc("the total to begin with")] = 500
    step: Annotated[int, Ge(1), Doc("what is added, and subtracted, each time")] = 5
    iterations: Annotated[int, Ge(1), Doc("how often each actor changes the total")] = 100
    pause_s: Annotated[float, Ge(0), Unit("s"), Doc("how long an actor pauses before each change")] = 0.01

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        super().__post_init__()
        if abs(self.initial) + self.actors // 2 * self.step * self.iterations >= WIDTH:
            raise ValueError("the total could outgrow its 32 bits")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What locked-counter measures."""

    final_value: Annotated[int, Doc("the total when all actors are done")]
    lost_updates: Annotated[int, Doc("at least so many changes are missing from the final total")]
    wall_s: Annotated[float, Unit("s"), Doc("from the first change's pause to the last change")]
    lock_wait_s: Annotated[
        float | None, Unit("s"), Doc("how long all actors together waited for the guard; empty without one")
    ]
    lock_hold_s: Annotated[
        float | None, Unit("s"), Doc("how long all actors together held the guard; empty without one")
    ]


class LockedCounter(Scenario[Params, Metrics]):
    """Add to and subtract from one shared total.

    As many additions as subtractions of the same step leave the total as it was, if none is lost.
    `total.value += 5` is a read and a write, and another process can write in between. With a pause before each
    change the two seldom meet, so that the error is rare: the kind that passes every test. The lock makes the
    read and the write one, and costs next to nothing here: it is waited for a few microseconds in seconds of
    pauses (`lock_wait_s`).
    """

    name = "locked-counter"
    baseline = {"guard": "none"}  # noqa: RUF012 - read only
    work = ("iterations", "pause_s", "actors")
    outcomes = {"final_value": Doc("the total when all actors are done")}  # noqa: RUF012 - read only
    summary = (
        "{lost_updates:affected} lost updates, final value {final_value:states}, {wall_s:median}"
        "[, waited {lock_wait_s:median} for the guard and held it {lock_hold_s:median}]"
    )

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Change the total, and look at what is left of it."""
        guarded = params.guard not in ("none", "value-lock") and params.mode == "concurrent"
        with shared_number(params, trial, params.initial) as total:
            actors = [
                partial(
                    pause_before_each,
                    total.changes(amount, 1, time_lock=guarded),
                    params.iterations,
                    params.pause_s,
                )
                for _ in range(params.actors // 2)
                for amount in (params.step, -params.step)
            ]
            if params.mode == "sequential":
                watch = trial.stopwatch()
                for work in actors:
                    work()
                wall_s, lock_wait_s, lock_hold_s = watch.elapsed_s, None, None
            else:
                done = trial.run_actors(actors, kind=params.kind, method=params.start_method)
                done.raise_failures()
                wall_s = done.wall_s or 0.0
                lock_wait_s, lock_hold_s = lock_times(done)
            final_value = total.value
        trial.observe(final_value=final_value)
        return Metrics(
            final_value=final_value,
            lost_updates=abs(final_value - params.initial) // params.step,
            wall_s=wall_s,
            lock_wait_s=lock_wait_s,
            lock_hold_s=lock_hold_s,
        )


def mprunner_register_scenarios() -> list[type[LockedCounter]]:
    """Register the scenario with mprunner."""
    return [LockedCounter]
