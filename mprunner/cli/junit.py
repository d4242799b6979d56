"""``--junit``: a report for services that build and test software; a plugin of a hook that anyone can use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mprunner.errors import ResultsError
    from mprunner.plugins.registry import Registry
    from mprunner.report import JudgedRun

junit_option = click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.xml",
    help="Write what the run came to as JUnit XML too; a report of that name is replaced.",
)


_BEGINNING = 4096  # bytes, in which a report's first element is found


def _is_report_or_empty(path: Path) -> bool:
    """Whether a file may be replaced: an experiment's may not, where the name of the report was forgotten."""
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
            return not beginning or b"<testsuite" in beginning
    except OSError:
        return True  # whoever writes it says why that can't be done


class JUnitFile:
    """Writes JUnit XML whenever a run is judged.

    Attributes:
        error: why it could not be written, if it could not: a report must not cost the run's own results.
    """

    def __init__(self, path: Path) -> None:
        """Make sure that the file can be written, its folder made if need be.

        Raises:
            click.UsageError: the path is that of something else than a file, or than a report.
            ResultsError: it can't be written.
        """
        self.error: ResultsError | None = None
        self._judged: list[JudgedRun] = []  # one invocation may execute several experiments
        self._path = path.resolve()
        if self._path.exists() and not self._path.is_file():
            raise click.UsageError(f"--junit: {path} is not a regular file")
        if self._path.exists() and not _is_report_or_empty(self._path):
            raise click.UsageError(
                f"--junit: {path} is there and is no JUnit XML; it would be replaced by the report"
            )
        scratch = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            scratch.touch()
            scratch.unlink()
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def mprunner_run_judged(
        self, run: Mapping[str, Any], verdict: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write the report; keep the error if that fails."""
        from mprunner.errors import ResultsError
        from mprunner.report import JudgedRun, write_junit
        from mprunner.runs import written_atomically

        self._judged.append(JudgedRun(run=run, verdict=verdict, cases=cases))
        try:
            with written_atomically(self._path) as file:
                write_junit(file, self._judged)
        except ResultsError as error:
            self.error = self._unwritable(error.message.rpartition(": ")[2])

    def _unwritable(self, reason: str) -> ResultsError:
        from mprunner.errors import ResultsError

        return ResultsError(f"{self._path} can't be written: {reason}", "name another file with --junit")


def junit_for(path: Path | None, registry: Registry) -> JUnitFile | None:
    """Have a report written, if one is wanted; see :class:`JUnitFile` for what is raised."""
    if path is None:
        return None
    junit = JUnitFile(path)
    registry.manager.register(junit, name="--junit")
    return junit
