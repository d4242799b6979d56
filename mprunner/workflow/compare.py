"""Comparing: the runs of both sides, or two cases of one run, and what differs between their settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mprunner.analysis.between_runs import are_one_turn
from mprunner.analysis.comparison import Comparison, compare_cases, compare_runs
from mprunner.analysis.drift import EarlierRun
from mprunner.analysis.samples import (
    MeasuredRun,
    chosen_metrics,
    differing_params,
    measured,
    paired_cases,
    parse_where,
)
from mprunner.errors import ExperimentError, NothingSelectedError
from mprunner.model.provenance import Difference
from mprunner.report import values_apart
from mprunner.runs import RunFolder, RunInfo, find_run, setting_differences
from mprunner.workflow.history import earlier_runs
from mprunner.workflow.tabulate import framed


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run on one side.

    Attributes:
        folder: its folder.
        info: what its run.json says.
        experiment: what it was to execute, as its journal says.
        measured: what is compared of it.
    """

    folder: RunFolder
    info: RunInfo
    experiment: Mapping[str, Any]
    measured: MeasuredRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What was compared with what.

    Attributes:
        base: the runs that are compared with.
        new: the runs that are compared.
        cases: what names the cases of each side, where both are of one run.
        comparison: what it came to.
    """

    base: tuple[ComparedRun, ...]
    new: tuple[ComparedRun, ...]
    cases: tuple[str, str] | None
    comparison: Comparison

    def differences(self) -> tuple[Difference, ...]:
        """Return what differs between the settings of the sides."""
        ours, theirs = ([(run.info, run.experiment) for run in side] for side in (self.base, self.new))
        return setting_differences(ours, theirs)


def compare_two_cases(
    results: Path, run: str, cases: tuple[str, str], metrics: Sequence[str], also: Sequence[str], least: float
) -> Compared:
    """Compare two cases of one run, repeat by repeat; see :func:`compare_sides`.

    Args:
        results: the folder of all runs.
        run: names the run.
        cases: what names the case of each side.
        metrics: what to compare; every duration without any.
        also: what is compared beside that.
        least: the smallest difference that matters, as a share of the base.
    """
    of = _compared_run(results, run, [*metrics, *also])
    pairs = paired_cases(of.measured, parse_where(cases[0]), parse_where(cases[1]))
    comparison = compare_cases(pairs, of.measured, chosen_metrics([of.measured], metrics, also), least)
    return Compared(base=(of,), new=(of,), cases=cases, comparison=comparison)


def compare_sides(
    results: Path,
    base: Sequence[str],
    new: Sequence[str],
    metrics: Sequence[str],
    also: Sequence[str],
    least: float,
) -> Compared:
    """Compare runs case by case.

    Args:
        results: the folder of all runs.
        base: names the runs that are compared with, at least one.
        new: names the runs that are compared, at least one.
        metrics: what to compare; every duration without any.
        also: what is compared beside that.
        least: the smallest difference that matters, as a share of the base.

    Raises:
        ExperimentError: there is no such run, or one is named twice.
        NothingSelectedError: the sides have no case in common.
        ResultsError: a run can't be read.
    """
    named = [*metrics, *also]
    sides = [tuple(_compared_run(results, run, named) for run in side) for side in (base, new)]
    _refuse_twice([run.folder for side in sides for run in side])
    ours, theirs = ([run.measured for run in side] for side in sides)
    chosen = chosen_metrics([*ours, *theirs], metrics, also)
    earlier: Sequence[EarlierRun] = ()
    if are_one_turn(*([run.info.started_at for run in side] for side in sides)):
        earlier = earlier_runs([(run.folder, run.info) for side in sides for run in side], chosen)
    comparison = compare_runs(ours, theirs, chosen, least, earlier)
    if not comparison.rows:
        why = values_apart(differing_params(ours, theirs))
        raise NothingSelectedError(
            f"the two sides have no case in common: {why or 'each value is on both, in other combinations'}",
            "compare runs of one experiment, with the same --set",
        )
    return Compared(base=sides[0], new=sides[1], cases=None, comparison=comparison)


def _compared_run(results: Path, wanted: str, metrics: Sequence[str]) -> ComparedRun:
    folder = find_run(results, wanted)
    (frames, header), info = framed(folder), folder.read_run()
    taken = measured(frames, header, info.started_at, metrics)
    return ComparedRun(folder, info, header.experiment, taken)


def _refuse_twice(folders: Sequence[RunFolder]) -> None:
    for number, folder in enumerate(folders):
        if any(folder.path.resolve() == other.path.resolve() for other in folders[:number]):
            raise ExperimentError(
                f"run {folder.run_id} is named twice",
                "`mprunner list` shows all runs; an experiment's name means its newest",
            )
