"""A scenario that reports what its worker is: its process, its parent, what is imported there and by whom."""

import os
import sys
from dataclasses import dataclass

from mprunner.scenario import Scenario, Trial

IMPORTED_BY = os.getpid()


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing to vary."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    worker: int
    launcher: int
    imported_here: bool
    session_is_own: bool
    heavy_modules: str


class Family(Scenario[Params, Metrics]):
    """Report process ids and modules."""

    name = "family"

    def run(self, params: Params, trial: Trial) -> Metrics:
        heavy = [m for m in ("pandas", "numpy", "pydantic", "yaml", "click", "pluggy") if m in sys.modules]
        return Metrics(
            worker=os.getpid(),
            launcher=os.getppid(),
            imported_here=os.getpid() == IMPORTED_BY,
            session_is_own=os.getsid(0) == os.getpid(),
            heavy_modules=" ".join(heavy) or "none",
        )


def mprunner_register_scenarios():
    return [Family]
