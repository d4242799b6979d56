"""The experiment that a command writes and executes: a file like any other, which a person may keep and change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mprunner.errors import ExperimentError, MprunnerError, ResultsError

_MARK = "# Written by `mprunner "


def _head(command: str, text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{_MARK}{command}`, which replaces this file unless it was changed ({digest}).\n"


def _is_unchanged(file: Path) -> bool:
    """Whether a file is as a command has written it."""
    try:
        head, _, text = file.read_bytes().decode().partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return head.startswith(_MARK) and head.endswith(f"({digest}).")


@contextmanager
def written(file: Path, command: str, text: str) -> Iterator[Path]:
    """Write an experiment; take a new file away again where nothing is executed, as the experiment is wrong.

    Args:
        file: where to.
        command: the command, as it can be typed, without the program's name.
        text: the experiment.

    Raises:
        ExperimentError: the file is there, and a person has written or changed it.
        ResultsError: it can't be written.
    """
    is_new = not file.exists()
    if not is_new and not _is_unchanged(file):
        raise ExperimentError(
            f"{file} is there, and is not as `mprunner {command.split(' ', 1)[0]}` has written it",
            f"execute it with `mprunner run {file}`, or name another file with --output",
        )
    try:
        file.write_text(_head(command, text) + text, encoding="utf-8")
    except OSError as error:
        raise ResultsError(
            f"{file} can't be written: {error.strerror}", "name another file with --output"
        ) from error
    try:
        yield file
    except MprunnerError as error:
        if is_new and not isinstance(error, ResultsError):
            file.unlink(missing_ok=True)
        raise
