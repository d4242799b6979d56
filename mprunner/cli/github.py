"""``--github``: what a run came to, as GitHub Actions shows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.options import warn
from mprunner.errors import MprunnerError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mprunner.analysis.verdict import Finding, Judgement
    from mprunner.runs import RunInfo
    from mprunner.workflow.tabulate import Tabled

github_option = click.option(
    "--github",
    is_flag=True,
    help="In GitHub Actions: annotate what failed, and add the run to the job's summary.",
)
_VARIABLE = "GITHUB_STEP_SUMMARY"


class GitHub:
    """Tells GitHub Actions of runs: annotations on stderr, Markdown in the job's summary."""

    def __init__(self) -> None:
        """Say so where there is no summary to write to."""
        self._summary = os.environ.get(_VARIABLE)
        if not self._summary:
            warn(
                f"--github: no job summary is written, {_VARIABLE} is not set",
                "GitHub Actions sets it; elsewhere, `mprunner show --format markdown` prints the same",
            )

    def tell(self, tabled: Tabled, run: RunInfo, file: str | None = None) -> None:
        """Tell of a run.

        Args:
            tabled: its tables.
            run: what its run.json says.
            file: the experiment's file that it was judged by, if that is not the run's own.

        Raises:
            ResultsError: the summary can't be written.
        """
        from mprunner.report import annotations_of, digest, render_markdown

        path = file or run.file
        judgement = tabled.judgement
        if path is not None:
            line_of = _line_finder(Path(path), judgement)
            for line in annotations_of(judgement, run.experiment, _in_repository(path), line_of):
                say(line, err=True)
        if self._summary:
            summary = digest(tabled.header, tabled.frames, tabled.summary, judgement, run)
            text = render_markdown(summary, run, judgement.verdict)
            try:
                with open(self._summary, "a", encoding="utf-8") as out:
                    out.write(text + "\n")
            except OSError as error:
                raise ResultsError(
                    f"the job's summary {self._summary} can't be written: {error.strerror or error}",
                    f"see {_VARIABLE}",
                ) from error


def github_for(wanted: bool) -> GitHub | None:
    """Return what tells GitHub Actions of runs, if that is wanted."""
    return GitHub() if wanted else None


def _in_repository(file: str) -> str:
    """Return a file's path from the root of the repository, which annotations need; else as it is."""
    path = Path(file).resolve()
    for root in filter(None, (os.environ.get("GITHUB_WORKSPACE"), os.getcwd())):
        if path.is_relative_to(Path(root).resolve()):
            return str(path.relative_to(Path(root).resolve()))
    return file


def _line_finder(file: Path, judgement: Judgement) -> Callable[[Finding], int]:
    """Return what finds the line of a finding's rule in the experiment's file; 1 where it can't be told."""
    from mprunner.experiment import lines_of

    try:
        lines = lines_of(file)
    except MprunnerError:
        lines = {}  # it is gone, or not what it was
    numbers = {id(rule): number for number, rule in enumerate(judgement.rules.expect)}

    def line_of(finding: Finding) -> int:
        if finding.expectation is None:
            return lines.get(("outcomes", finding.variable) if finding.variable else ("scenario",), 1)
        return lines.get(("expect", numbers.get(id(finding.expectation), -1)), 1)

    return line_of
