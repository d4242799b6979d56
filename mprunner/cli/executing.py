"""What ``run`` and ``resume`` share: progress while trials are executed, then the summary and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from mprunner.cli.options import warn
from mprunner.cli.output import is_terminal, print_summary, resume_command
from mprunner.cli.several import tell_not_executed
from mprunner.signals import Interrupt, end_by

if TYPE_CHECKING:
    from mprunner.cli.junit import JUnitFile
    from mprunner.plugins.registry import Registry
    from mprunner.workflow.execute import Executed
    from mprunner.workflow.prepare import Prepared

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, only the summary.")
executor_option = click.option(
    "--executor", default="local", show_default=True, help="What executes the trials."
)


@contextmanager
def progress_shown(registry: Registry, interrupt: Interrupt, *, done: int = 0, quiet: bool) -> Iterator[None]:
    """Show progress while trials are executed.

    Args:
        registry: the plugins; the progress is one of them meanwhile.
        interrupt: ends the execution early.
        done: how many of the run's trials have their final record already.
        quiet: whether nothing is shown.
    """
    from mprunner.cli.progress import LineProgress, LiveProgress

    if quiet:
        yield
        return
    interrupt.before_second = _show_cursor
    live = LiveProgress(done) if is_terminal(sys.stderr) else None
    progress = live or LineProgress()
    registry.manager.register(progress, name="live progress" if live else "progress lines")
    try:
        yield
    finally:
        registry.manager.unregister(progress)  # the next run has a progress of its own
        if live is not None:
            live.close()


def _show_cursor() -> None:
    """Give a terminal its cursor back, which the live line of progress hides."""
    if is_terminal(sys.stderr):
        with suppress(OSError):
            os.write(sys.stderr.fileno(), b"\x1b[?25h")


def finish_and_print(executed: Executed, registry: Registry, interrupt: Interrupt, color: str) -> bool:
    """Write the tables and the verdict, print them; return whether the run failed."""
    try:
        return _finish_and_print(executed, registry, color)
    except OSError:
        if interrupt.signal is None:  # else the terminal may be gone, as the signal said
            raise
        return executed.failures > 0


def _finish_and_print(executed: Executed, registry: Registry, color: str) -> bool:
    from mprunner.workflow import pipeline

    with suppress(OSError):  # a terminal that is gone must not cost the tables
        _tell_the_rest(executed)
    finished = pipeline.finish(executed, registry)
    for error in finished.hook_errors:
        warn(f"a plugin failed: {error}")
    print_summary(finished.tabled, finished.run, color)
    click.echo(f"\nresults: {executed.folder.path}")
    if not executed.run.is_finished:
        click.echo(f"execute the rest: {resume_command(executed.folder)}")
    sys.stdout.flush()
    return finished.tabled.judgement.verdict == "failed"


def _tell_the_rest(executed: Executed) -> None:
    """Say that trials were not executed, and how to execute them, before the tables take their time."""
    run = executed.run
    of, rest = run.planned_in_words(), f"`{resume_command(executed.folder)}` executes the rest"
    if run.is_interrupted:
        click.echo(f"interrupted after {executed.done} of {of} trials; {rest}", err=True)
    if run.is_stopped:
        click.echo(f"stopped after a failure, {run.missing} of {of} trials not executed; {rest}", err=True)


def exit_code(
    failed: bool, interrupt: Interrupt, junit: JUnitFile | None = None, later: Sequence[Prepared] = ()
) -> int:
    """Return the exit code of a run, or end by the signal that came while it was executed.

    Args:
        failed: whether the run failed.
        interrupt: knows the signal.
        junit: raises its error, if a report was asked for and could not be written.
        later: what would be executed after this run, and is not if a signal ends it.
    """
    error = None if junit is None else junit.error
    if interrupt.signal is not None:
        if error is not None:
            warn(error.message, error.hint or "")
        with suppress(OSError):  # the terminal may be gone, as the signal said
            tell_not_executed(later)
        end_by(interrupt.signal)
    if error is not None:
        raise error
    return 1 if failed else 0
