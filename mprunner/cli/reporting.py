"""The page that is made when a run has ended: only where its packages are installed, and at the cost of no result."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mprunner.cli import say
from mprunner.cli.options import warn
from mprunner.errors import MprunnerError

if TYPE_CHECKING:
    from mprunner.runs import RunFolder
    from mprunner.signals import Interrupt

VARIABLE: Final = "MPRUNNER_NO_REPORT"

no_report_option = click.option(
    "--no-report",
    is_flag=True,
    envvar=VARIABLE,
    show_envvar=True,
    help="Make no page of the run; one is made where the extra `report` is installed.",
)


def make_page(folder: RunFolder, results: Path, interrupt: Interrupt) -> Path | None:
    """Make the page of a run that has ended, and renew that of all runs.

    Whatever fails is a warning: the run's tables and its verdict are there already. After a signal none is made, and
    of one that comes meanwhile nothing is told.

    Returns:
        Where it is; None where packages are missing, or it failed.
    """
    from mprunner.cli.progress import told_when_slow
    from mprunner.workflow.report import missing_packages, write_all

    if interrupt.signal is not None or missing_packages():
        return None
    try:
        with told_when_slow("making the page"):
            return write_all(folder, results)
    except Exception as error:  # a fault of mprunner's own, or of a library's, among them
        if interrupt.signal is None:
            told = error.message if isinstance(error, MprunnerError) else f"{type(error).__name__}: {error}"
            warn(
                f"the run has no page: {told}",
                f"`mprunner report {shlex.quote(str(folder.path))}` tries again",
            )
        return None


def tell_page(page: Path | None) -> None:
    """Say where a page is."""
    if page is not None:
        say(f"report: {page}")
