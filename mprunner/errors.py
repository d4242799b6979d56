"""Errors that a person can act on: a fact, then a hint.

Code below the command line raises these and never prints or exits. Each class carries the exit code that the
command line ends with, so that one cause has one code wherever it happens.
"""

import warnings
from collections.abc import Callable
from typing import ClassVar, TypeVar

T = TypeVar("T")


class MprunnerError(Exception):
    """Something went wrong that the message explains; the hint, where there is one, says what to do."""

    exit_code: ClassVar[int] = 3
    prefix: ClassVar[str] = "error: "

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ExperimentError(MprunnerError):
    """The experiment file, or what was asked of it, is wrong."""

    exit_code = 2


class PluginError(MprunnerError):
    """A plugin that the experiment needs can't be used."""

    exit_code = 4


class NothingSelectedError(MprunnerError):
    """The experiment, with its filters, leaves nothing to execute."""

    exit_code = 5


class ResultsError(MprunnerError):
    """Results can't be written or read: a folder, a disk, a damaged journal."""

    exit_code = 6


class ExtraMissingError(MprunnerError):
    """What was asked for needs packages that are not installed with mprunner alone."""

    exit_code = 2


class OrphansError(MprunnerError):
    """Processes of an earlier run are still there, and were not to be put up with."""

    exit_code = 2


class ResumeRefusedError(MprunnerError):
    """What would be executed now is not what a run began with: their results must not be mixed."""

    exit_code = 7


class FaultWarning(UserWarning):
    """A part of what a run came to is missing, by a fault of mprunner's own."""


def guarded(what: str, make: Callable[[], T], instead: T) -> T:
    """Return what a function makes of a run's values; where it fails, which must not cost the run, something else.

    Args:
        what: what it is, for the warning that tells of its absence.
        make: makes it.
        instead: that something else: of a statistic, that it is missing.
    """
    try:
        return make()
    except Exception as error:  # whatever it is: the tables must be written
        told = f"{what} is missing, please report it: {type(error).__name__}: {error}"
        warnings.warn(told, FaultWarning, stacklevel=2)
        return instead
