"""How long a plan may take: by what its cases took in an earlier run, or at most, by its timeout."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

from mprunner.errors import ResultsError
from mprunner.experiment import Plan
from mprunner.model.records import Status
from mprunner.runs import DAMAGE, all_runs, lines_of

RUNS: Final = 3
"""So many of an experiment's newest runs are looked at."""
CASES: Final = 10_000
"""Up to so many cases a plan is compared with an earlier run: more would take long to make."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a plan takes.

    Attributes:
        seconds: of the whole plan.
        run_id: the run by which it is said; None if ``seconds`` is what it takes at most, by the timeout.
        known: how many of the plan's cases were measured there.
    """

    seconds: float
    run_id: str | None = None
    known: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write."""
        return {"seconds": self.seconds, "run_id": self.run_id, "known_cases": self.known}


@dataclass(frozen=True, slots=True)
class Walls:
    """What a run's trials took.

    Attributes:
        means: by case id, the mean wall time of its trials, in seconds.
        overhead_s: the median time between the end of a trial and the start of the next.
    """

    means: Mapping[str, float]
    overhead_s: float = 0.0


def by_walls(case_ids: Sequence[str], trials_per_case: int, walls: Walls, run_id: str) -> Estimate | None:
    """Estimate a plan's time by an earlier run; a case that is not known there counts as the mean of those that are.

    Returns:
        None if no case is known.
    """
    known = [walls.means[case_id] for case_id in case_ids if case_id in walls.means]
    if not known:
        return None
    per_repeat = len(case_ids) * (fmean(known) + walls.overhead_s)
    return Estimate(seconds=trials_per_case * per_repeat, run_id=run_id, known=len(known))


def estimate(plan: Plan, name: str, results: Path) -> Estimate:
    """Estimate a plan's time by the newest run of the experiment ``name`` that has trials of the same cases.

    A run whose journal can't be read is passed over. Without a run, and for a plan of more than :data:`CASES`
    cases, it is what the plan takes at most.
    """
    at_most = Estimate(seconds=len(plan) * plan.timeout_s)  # if every trial takes its whole timeout
    runs = [folder for folder in all_runs(results) if folder.path.parent.name == name]
    if not runs or len(plan.cases) > CASES:
        return at_most
    case_ids = [case.case_id for case in plan.cases]
    for folder in runs[: -RUNS - 1 : -1]:
        try:
            walls = read_walls(folder.journal)
        except ResultsError:
            continue
        if found := by_walls(case_ids, plan.warmup + plan.repeats, walls, folder.run_id):
            return found
    return at_most


def read_walls(journal: Path) -> Walls:
    """Read what a run's trials took, line by line; memory grows by two numbers for each trial.

    Raises:
        ResultsError: the journal can't be read, or is damaged before its last line.
    """
    walls: defaultdict[str, array[float]] = defaultdict(lambda: array("d"))
    overheads = array("d")
    ended_at: float | None = None
    for case_id, began, wall_s in _attempts(journal):
        if wall_s is None:
            ended_at = None
            continue
        walls[case_id].append(wall_s)
        if ended_at is not None:
            overheads.append(began - ended_at)
        ended_at = began + wall_s
    overhead_s = max(median(overheads), 0.0) if overheads else 0.0  # a clock may have been set back
    return Walls({case_id: fmean(values) for case_id, values in walls.items()}, overhead_s)


def _attempts(journal: Path) -> Iterator[tuple[str, float, float | None]]:
    """Yield the case of each attempt, when it began and how long it took; None if it was cancelled, or lost with its
    runner, and so took no time of its own.
    """
    for line in lines_of(journal):
        if not line.is_whole:
            return
        try:
            kind, record = line.entry()
            if kind != "ended":
                continue
            wall_s, started_at = record["ending"]["wall_s"], record["started_at"]
            if started_at is None or record["status"] == Status.CANCELLED:
                wall_s = None
            began = 0.0 if wall_s is None else datetime.fromisoformat(started_at).timestamp()
            yield record["attempt"]["case_id"], began, wall_s
        except DAMAGE as error:
            raise line.damaged(error) from error
