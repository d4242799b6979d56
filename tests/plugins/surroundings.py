"""A scenario that says what is around it: its interpreter, its environment, and which module it finds."""

import importlib
import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mprunner.scenario import Scenario, Trial

STAMP = "as it is"


@dataclass(frozen=True, kw_only=True)
class Params:
    """What it looks at."""

    module: str = "sys"
    member: str = "platform"
    spawns: bool = False
    until: str = "."


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What it found."""

    version: str
    spawned: str | None
    said: str | None
    dev_mode: bool
    found: str
    folder: str
    stamp: str


def tell_version(queue: Any) -> None:
    """Say which interpreter an actor is."""
    queue.put(sys.version.split(maxsplit=1)[0])


class Surroundings(Scenario[Params, Metrics]):
    """Look around; fail until a file is there."""

    name = "surroundings"

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Say what is around this process."""
        if not Path(params.until).exists():
            raise RuntimeError("the file is not there yet")
        spawned = None
        if params.spawns:
            context = multiprocessing.get_context("spawn")
            queue = context.SimpleQueue()
            actor = context.Process(target=tell_version, args=(queue,))
            actor.start()
            spawned = queue.get()
            actor.join()
        return Metrics(
            version=sys.version.split(maxsplit=1)[0],
            spawned=spawned,
            said=os.environ.get("SAID"),
            dev_mode=sys.flags.dev_mode,
            found=str(getattr(importlib.import_module(params.module), params.member)),
            folder=Path.cwd().name,
            stamp=STAMP,
        )


def mprunner_register_scenarios() -> list[type[Scenario[Any, Any]]]:
    """Provide the scenario."""
    return [Surroundings]
