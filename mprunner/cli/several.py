"""Several experiments on one command line: all are planned, and all errors shown, before any is executed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli.options import warn, warn_of_plugins

if TYPE_CHECKING:
    from mprunner.errors import MprunnerError
    from mprunner.experiment import Asked
    from mprunner.workflow.prepare import Prepared


class _ExperimentPath(click.Path):
    """A file or folder; an empty text, such as an unset variable in a script, is none, and not the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        if value == "":
            self.fail("a file can't have an empty name; `.` is the current folder", param, ctx)
        return super().convert(value, param, ctx)


files_argument = click.argument("files", type=_ExperimentPath(), nargs=-1, required=True, metavar="FILE...")


def is_several(paths: Sequence[Path]) -> bool:
    """Whether paths may stand for more than one experiment: by what they are, not by what is in a folder."""
    return len(paths) > 1 or os.path.isdir(paths[0])


def prepare_all(
    paths: Sequence[Path], plugins: Sequence[Path], asked: Asked, *, strict: bool
) -> list[Prepared]:
    """Read and plan every experiment that the paths stand for; warn of the plugins.

    If there are several errors, prints all of them and ends the program: with their exit code if they have the same,
    else with that of a bad experiment file.

    Raises:
        MprunnerError: the only one.
    """
    from mprunner.errors import MprunnerError
    from mprunner.experiment import experiment_files
    from mprunner.plugins.registry import load_registry
    from mprunner.workflow import prepare

    files, wrong = experiment_files(paths)
    errors: list[tuple[Path | None, MprunnerError]] = [(None, error) for error in wrong]
    registry = load_registry(plugins)
    prepared: list[Prepared] = []
    for file in files:
        try:
            prepared.append(prepare.prepare(file, asked=asked, strict=strict, registry=registry))
        except MprunnerError as error:
            errors.append((file, error))
    if len(files) == 1 and len(errors) == 1:
        raise errors[0][1]
    if errors:
        _refuse(errors)
    warn_of_plugins(registry)
    _warn_of_shared_names(prepared)
    return prepared


def _warn_of_shared_names(prepared: Sequence[Prepared]) -> None:
    """Warn of files whose runs are kept in one folder, since their experiments have the same name."""
    files: dict[str, list[str]] = {}
    for each in prepared:
        files.setdefault(each.experiment.name, []).append(each.experiment.path)
    for name, same in files.items():
        if len(same) > 1:
            warn(f"{' and '.join(same)} share the results folder of {name}", "`name` tells experiments apart")


def _refuse(errors: list[tuple[Path | None, MprunnerError]]) -> None:
    from mprunner.cli import tell
    from mprunner.errors import ExperimentError

    alike: dict[tuple[str, str | None], list[tuple[Path | None, MprunnerError]]] = {}
    for file, error in errors:
        alike.setdefault((error.message, error.hint), []).append((file, error))
    for number, same in enumerate(alike.values()):
        if number:
            click.echo(err=True)
        unnamed = [str(file) for file, error in same if file is not None and str(file) not in error.message]
        if unnamed:
            click.echo(f"in {', '.join(unnamed)}:", err=True)
        tell(same[0][1])
    codes = {error.exit_code for _, error in errors}
    sys.exit(codes.pop() if len(codes) == 1 else ExperimentError.exit_code)


def tell_not_executed(later: Sequence[Prepared]) -> None:
    """Say on stderr which experiments are not executed."""
    if later:
        names = ", ".join(prepared.experiment.path for prepared in later)
        click.echo(f"not executed: {names}", err=True)
