"""A scenario of which one trial kills its launcher when it is executed for the first time."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from mprunner.scenario import Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    """Where it notes that it has been executed."""

    marker: str


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Which repeat it was."""

    number: int


class Fragile(Scenario[Params, Metrics]):
    """Kill the launcher once."""

    name = "fragile"

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Do it."""
        marker = Path(params.marker)
        if trial.repeat == 1 and not marker.exists():
            marker.touch()
            os.kill(os.getppid(), signal.SIGKILL)
        return Metrics(number=trial.repeat)


def mprunner_register_scenarios():
    """Register the scenario with mprunner."""
    return [Fragile]
