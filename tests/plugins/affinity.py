"""A scenario that says which CPUs it may use: as it is imported, as it is executed, and an actor's."""

import os
from dataclasses import dataclass
from typing import Literal

from mprunner.scenario import CPU_COUNT, ProcessCount, Scenario, Trial


def _mask():
    return sum(1 << cpu for cpu in os.sched_getaffinity(0))


WHEN_IMPORTED = _mask()


@dataclass(frozen=True, kw_only=True)
class Params:
    workers: ProcessCount = CPU_COUNT
    start_method: Literal["fork", "spawn", "forkserver"] = "fork"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    imported: int
    executed: int
    child: int
    workers_meant: int


def _put_mask(queue):
    queue.put(_mask())


class Affinity(Scenario[Params, Metrics]):
    """Report it."""

    name = "affinity"

    def run(self, params: Params, trial: Trial) -> Metrics:
        import multiprocessing

        context = multiprocessing.get_context(params.start_method)
        queue = context.SimpleQueue()
        child = context.Process(target=_put_mask, args=(queue,))
        child.start()
        seen = queue.get()
        child.join()
        return Metrics(imported=WHEN_IMPORTED, executed=_mask(), child=seen, workers_meant=params.workers)


def mprunner_register_scenarios():
    return [Affinity]
