"""Which experiment files a person means: files, and folders that stand for what is in them."""

import os
from collections.abc import Sequence
from pathlib import Path

from mprunner.errors import ExperimentError
from mprunner.experiment.problems import printable

_SUFFIXES = (".yaml", ".yml")


def experiments_in(folder: Path) -> list[str]:
    """Return the names of the experiment files in a folder, sorted; none where it can't be read."""
    try:
        return _names_in(folder)
    except (OSError, ValueError):
        return []


def experiment_files(paths: Sequence[Path]) -> tuple[list[Path], list[ExperimentError]]:
    """Return the files that some paths stand for, each once, and what is wrong with the folders among them.

    A folder stands for its ``*.yaml`` and ``*.yml`` files, sorted, but for hidden ones and those in other folders.
    Whether a file is there is told by whoever reads it.
    """
    files: dict[str, Path] = {}
    errors: list[ExperimentError] = []
    for path in paths:
        try:
            found = _in_folder(path) if os.path.isdir(path) else [path]
        except ExperimentError as error:
            errors.append(error)
            continue
        for file in found:
            files.setdefault(_identity(file), file)
    return list(files.values()), errors


def _in_folder(folder: Path) -> list[Path]:
    shown = printable(str(folder))
    try:
        names = _names_in(folder)
    except OSError as error:
        raise ExperimentError(
            f"{shown} can't be read: {error.strerror}", "name a folder that you may read"
        ) from None
    if not names:
        raise ExperimentError(
            f"there is no experiment in the folder {shown}",
            "name a folder with *.yaml or *.yml files, or a file",
        )
    return [folder / name for name in names]


def _names_in(folder: Path) -> list[str]:
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.suffix in _SUFFIXES and not entry.name.startswith(".") and not entry.is_dir()
    )


def _identity(file: Path) -> str:
    try:
        return os.path.realpath(file)
    except (OSError, ValueError):  # it can be no file: whoever reads it says so
        return str(file)
