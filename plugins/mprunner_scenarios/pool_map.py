"""pool-map: the same work in a loop and in a pool of processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge

from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Trial, Unit
from mprunner_scenarios.actors.pool_map import sum_of_squares


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a pool-map experiment may vary."""

    method: Annotated[
        Literal["map", "serial"], Doc("Pool.map, or a loop in the worker itself, which needs no pool")
    ] = "map"
    numbers: Annotated[int, Ge(1), Doc("the tasks: the sum of squares below 0, 1, … numbers - 1")] = 10_000
    processes: Annotated[ProcessCount, Doc("how many processes the pool has")] = CPU_COUNT
    chunksize: Annotated[
        int | None, Ge(1), Doc("how many tasks a process is handed at once; null leaves it to Pool.map")
    ] = None
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver"], Doc("how the pool's processes are started")
    ] = "fork"

    def __post_init__(self) -> None:
        """Refuse what would be the same experiment under two names."""
        if self.method == "serial" and (self.chunksize is not None or self.start_method != "fork"):
            raise ValueError("a serial loop has no pool: chunksize and start_method mean nothing to it")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What pool-map measures."""

    wall_s: Annotated[float, Unit("s"), Doc("the pool's creation, the map, close and join together")]
    pool_start_s: Annotated[float | None, Unit("s"), Doc("the pool's creation")]
    map_s: Annotated[float, Unit("s"), Doc("the map, or the loop")]
    shutdown_s: Annotated[float | None, Unit("s"), Doc("the pool's close and join")]
    checksum_ok: Annotated[bool, Doc("whether all sums arrived, and in order")]


class PoolMap(Scenario[Params, Metrics]):
    """Add squares in a loop and in a pool of processes.

    A pool divides the tasks among its processes. That pays when the work takes longer than starting the
    processes and sending tasks and results back and forth, and it pays no more than there are CPUs.
    """

    name = "pool-map"
    serial = {"method": "serial"}  # noqa: RUF012 - read only
    summary = "{wall_s:median}"

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Map, and check what came back."""
        if params.method == "serial":
            watch = trial.stopwatch()
            sums: Sequence[int] = [sum_of_squares(n) for n in range(params.numbers)]
            wall_s = map_s = watch.elapsed_s
            pool_start_s = shutdown_s = None
        else:
            context = trial.context(params.start_method)
            with trial.stopwatch() as whole:
                with trial.stopwatch() as start:
                    pool = context.Pool(params.processes)
                with trial.stopwatch() as mapping:
                    sums = pool.map(sum_of_squares, range(params.numbers), params.chunksize)
                with trial.stopwatch() as shutdown:
                    pool.close()
                    pool.join()
            wall_s, map_s = whole.elapsed_s, mapping.elapsed_s
            pool_start_s, shutdown_s = start.elapsed_s, shutdown.elapsed_s
        return Metrics(
            wall_s=wall_s,
            pool_start_s=pool_start_s,
            map_s=map_s,
            shutdown_s=shutdown_s,
            checksum_ok=_are_sums_of_squares(sums, params.numbers),
        )


def _are_sums_of_squares(sums: Sequence[int], numbers: int) -> bool:
    """Check against the closed form: the sum of i² for i below n is (n - 1) n (2n - 1) / 6."""
    return list(sums) == [(n - 1) * n * (2 * n - 1) // 6 for n in range(numbers)]


def mprunner_register_scenarios() -> list[type[PoolMap]]:
    """Register the scenario with mprunner."""
    return [PoolMap]
