"""What ``compare`` compares: the runs of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mprunner.errors import ExperimentError
from mprunner.model.text import printable

if TYPE_CHECKING:
    from mprunner.analysis.samples import MeasuredRun
    from mprunner.model.provenance import Difference
    from mprunner.runs import RunFolder, RunInfo


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

    def __str__(self) -> str:
        unfinished = () if self.info.is_finished else (self.info.state,)
        return ", ".join((self.info.experiment, self.folder.run_id, *unfinished))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What is compared with what.

    Attributes:
        base: the runs that are compared with.
        new: the runs that are compared.
        of_one_run: what names the cases of each side, where both are of one run.
    """

    base: tuple[ComparedRun, ...]
    new: tuple[ComparedRun, ...]
    of_one_run: tuple[str, str] | None = None

    def differences(self) -> tuple[Difference, ...]:
        """Return what differs between the settings of the sides."""
        from mprunner.analysis.setting import PLANNED, setting_differences

        ours, theirs = (
            [{**run.info.to_json(), PLANNED: run.experiment} for run in side]
            for side in (self.base, self.new)
        )
        return setting_differences(ours, theirs)

    def lines(self) -> list[str]:
        """Return lines that name the runs or cases of each side, and what differs between their settings."""
        if self.of_one_run is not None:
            base, new = self.of_one_run
            return [f"base   {base}", f"new    {new}", f"of     {self.base[0]}"]
        shown = [f"base   {run}" for run in self.base] + [f"new    {run}" for run in self.new]
        differing = [
            printable(f"{difference.what}: {difference.then} → {difference.now}")
            for difference in self.differences()
        ]
        return [*shown, *(f"differs   {line}" for line in differing)]


def _compared_run(results: Path, wanted: str) -> ComparedRun:
    from mprunner.analysis.samples import measured
    from mprunner.runs import find_run
    from mprunner.workflow.tabulate import tabulate

    folder = find_run(results, wanted)
    tabled = tabulate(folder)
    return ComparedRun(
        folder, folder.read_run(), tabled.header.experiment, measured(tabled.frames, tabled.header)
    )


def one_run(results: Path, runs: Sequence[str], has_sides: bool) -> ComparedRun:
    """Return the run whose cases are compared.

    Raises:
        ExperimentError: not one run is named, or there is none like it.
        ResultsError: it can't be read.
    """
    if len(runs) != 1 or has_sides:
        raise ExperimentError(
            "--case compares cases of one run", "name one RUN, and neither --base nor --new"
        )
    return _compared_run(results, runs[0])


def two_cases(cases: Sequence[str]) -> tuple[str, str]:
    """Return what names the cases of each side.

    Raises:
        ExperimentError: they are not two.
    """
    if len(cases) != 2:
        raise ExperimentError(
            "--case must be given twice, for the base and for what is compared with it",
            "such as --case guard=none --case guard=lock",
        )
    return cases[0], cases[1]


def two_sides(results: Path, runs: Sequence[str], base: Sequence[str], new: Sequence[str]) -> Sides:
    """Return the runs of both sides: the pair that is named, and those that options add.

    Raises:
        ExperimentError: a side has no run, there is none like it, or one is named twice.
        ResultsError: one can't be read.
    """
    if len(runs) not in (0, 2) or not (runs or base or new):
        raise ExperimentError(
            f"compare needs two runs, and {len(runs)} {'is' if len(runs) == 1 else 'are'} named",
            "name BASE and NEW; more runs of a side with --base and --new; cases of one run with --case, twice",
        )
    ours, theirs = (*runs[:1], *base), (*runs[1:], *new)
    if not ours or not theirs:
        raise ExperimentError(
            f"there is no run on the {'new side' if ours else 'side of the base'}",
            "name BASE and NEW, or a run of each side with --base and --new",
        )
    sides = Sides(
        base=tuple(_compared_run(results, run) for run in ours),
        new=tuple(_compared_run(results, run) for run in theirs),
    )
    _refuse_twice([run.folder for run in (*sides.base, *sides.new)])
    return sides


def _refuse_twice(folders: Sequence[RunFolder]) -> None:
    for number, folder in enumerate(folders):
        if any(folder.path.resolve() == other.path.resolve() for other in folders[:number]):
            raise ExperimentError(
                f"run {folder.run_id} is named twice",
                "`mprunner list` shows all runs; an experiment's name means its newest",
            )
