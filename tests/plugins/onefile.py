"""A scenario in one file, with its actors: everything a learner writes is here."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from mprunner.scenario import Doc, Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    start_method: Annotated[Literal["fork", "spawn", "forkserver"], Doc("how processes start")] = "fork"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    by_actor: int
    by_pool: int
    by_process: int


def double(number):
    return 2 * number


def put_double(queue, number):
    queue.put(double(number))


class OneFile(Scenario[Params, Metrics]):
    """Double 1 and 2 in processes of every kind."""

    name = "one-file"

    def run(self, params: Params, trial: Trial) -> Metrics:
        result = trial.run_actors([partial(double, 1), partial(double, 2)], method=params.start_method)
        result.raise_failures()
        context = trial.context(params.start_method)
        with context.Pool(2) as pool:
            by_pool = sum(pool.map(double, [1, 2]))
        queue = context.SimpleQueue()
        processes = [context.Process(target=put_double, args=(queue, n)) for n in (1, 2)]
        for process in processes:
            process.start()
        by_process = sum(queue.get() for _ in processes)
        for process in processes:
            process.join()
        return Metrics(
            by_actor=sum(actor.value for actor in result.actors), by_pool=by_pool, by_process=by_process
        )


def mprunner_register_scenarios():
    return [OneFile]
