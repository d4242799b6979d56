"""Scenarios for the benchmarks: one that does nothing, and one that times four processes."""

import multiprocessing
from dataclasses import dataclass
from time import perf_counter

from mprunner.scenario import Scenario, Trial


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing to vary."""


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """Nothing measured."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    wall_s: float


class Noop(Scenario[Params, Nothing]):
    """Do nothing."""

    name = "noop"

    def run(self, params: Params, trial: Trial) -> Nothing:
        return Nothing()


def nothing() -> None:
    """Do nothing."""


class Four(Scenario[Params, Metrics]):
    """Start four processes and join them."""

    name = "four"

    def run(self, params: Params, trial: Trial) -> Metrics:
        began = perf_counter()
        processes = [multiprocessing.Process(target=nothing) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        return Metrics(wall_s=perf_counter() - began)


def mprunner_register_scenarios() -> list[type]:
    return [Noop, Four]
