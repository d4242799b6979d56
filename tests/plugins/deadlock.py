"""Two actors that each hold the lock that the other one wants."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from mprunner.scenario import Doc, Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    start_method: Annotated[Literal["fork", "spawn", "forkserver"], Doc("how they start")] = "fork"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    done: int


def take_first_then_second(first, second, both):
    with first:
        both.wait()
        wait_for_the_other_one(second)


def wait_for_the_other_one(lock):
    with lock:
        pass


class Deadlock(Scenario[Params, Metrics]):
    """Take two locks in two orders."""

    name = "deadlock"

    def run(self, params: Params, trial: Trial) -> Metrics:
        context = trial.context(params.start_method)
        one, two, both = context.Lock(), context.Lock(), context.Barrier(2)
        orders = [(one, two), (two, one)]
        trial.run_actors(
            [partial(take_first_then_second, *order, both) for order in orders], method=params.start_method
        )
        return Metrics(done=1)


def mprunner_register_scenarios():
    return [Deadlock]
