"""A scenario that says which process imported it, and how many threads that process has."""

import os
from dataclasses import dataclass

from mprunner.scenario import Scenario, Trial

IMPORTED_BY = os.getpid()


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing to vary."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What the worker is."""

    imported_here: bool
    worker: int
    launcher: int


class Interpreter(Scenario[Params, Metrics]):
    """Report it."""

    name = "interpreter"

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Report it."""
        return Metrics(imported_here=os.getpid() == IMPORTED_BY, worker=os.getpid(), launcher=os.getppid())


def mprunner_register_scenarios():
    return [Interpreter]
