"""A scenario of which one trial kills its launcher when it is executed for the first time."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from mprunner.scenario import Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    marker: str


@dataclass(frozen=True, kw_only=True)
class Metrics:
    number: int


class Fragile(Scenario[Params, Metrics]):
    """Kill the launcher once."""

    name = "fragile"

    def run(self, params: Params, trial: Trial) -> Metrics:
        marker = Path(params.marker)
        if trial.repeat == 1 and not marker.exists():
            marker.touch()
            os.kill(os.getppid(), signal.SIGKILL)
        return Metrics(number=trial.repeat)


def mprunner_register_scenarios():
    return [Fragile]
