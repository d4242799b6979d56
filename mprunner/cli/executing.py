"""What ``run`` and ``resume`` share: progress, signals, tables, the summary and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from mprunner.cli.options import warn
from mprunner.cli.output import at_most, is_terminal, print_summary, resume_command

if TYPE_CHECKING:
    from mprunner.cli.junit import JUnitFile
    from mprunner.executors import Interrupt
    from mprunner.pipeline import Executed
    from mprunner.registry import Registry

quiet_option = click.option("-q", "--quiet", is_flag=True, help="No progress, only the summary.")
executor_option = click.option(
    "--executor", default="local", show_default=True, help="What executes the trials."
)


def execute_and_report(
    execute: Callable[[Interrupt], Executed],
    registry: Registry,
    *,
    junit: JUnitFile | None = None,
    done: int = 0,
    quiet: bool,
    color: str,
) -> int:
    """Execute trials, write the run's tables, print its summary; return the exit code, or end by the signal.

    Args:
        execute: executes the trials.
        registry: the plugins to be told.
        junit: one of them, if a report was asked for: raises its error, once all else is done.
        done: how many of the run's trials are settled already.
        quiet: whether progress is left out.
        color: of the summary.
    """
    from mprunner.executors import Interrupt
    from mprunner.executors.interrupt import end_by

    with Interrupt() as interrupt:  # until the tables are written
        with ExitStack() as stack:
            if not quiet:
                _show_progress(registry, done, stack)
                interrupt.before_second = _show_cursor
            executed = execute(interrupt)
        failed = executed.failures > 0
        try:
            failed = _report(registry, executed, color)
        except OSError:
            if interrupt.signal is None:  # else the terminal may be gone, as the signal said
                raise
        signal = interrupt.signal
    error = None if junit is None else junit.error
    if signal is not None:
        if error is not None:
            warn(error.message, error.hint or "")
        end_by(signal)
    if error is not None:
        raise error
    return 1 if failed else 0


def _show_progress(registry: Registry, done: int, stack: ExitStack) -> None:
    from mprunner.cli.progress import LineProgress, LiveProgress

    if is_terminal(sys.stderr):
        live = LiveProgress(done)
        stack.callback(live.close)
        registry.manager.register(live, name="live progress")
    else:
        registry.manager.register(LineProgress(), name="progress lines")


def _show_cursor() -> None:
    """Give a terminal its cursor back, which the live line of progress hides."""
    if is_terminal(sys.stderr):
        with suppress(OSError):
            os.write(sys.stderr.fileno(), b"\x1b[?25h")


def _report(registry: Registry, executed: Executed, color: str) -> bool:
    """Write the tables and the verdict, print them; return whether the run failed."""
    from mprunner import pipeline

    with suppress(OSError):  # a terminal that is gone must not cost the tables
        _tell_the_rest(executed)
    tabled = pipeline.tabulate(executed.folder)
    pipeline.write_tables(executed.folder, tabled)
    run = pipeline.settle_verdict(executed.folder, executed.run, tabled)
    last_errors = pipeline.finish(registry, executed.folder, run)
    judged_errors = pipeline.tell_judged(registry, executed.folder, run, tabled)
    for error in (*executed.hook_errors, *last_errors, *judged_errors):
        warn(f"a plugin failed: {error}")
    print_summary(tabled, color)
    click.echo(f"\nresults: {executed.folder.path}")
    if executed.run["state"] != "finished":
        click.echo(f"execute the rest: {resume_command(executed.folder)}")
    sys.stdout.flush()
    return tabled.judgement.verdict == "failed"


def _tell_the_rest(executed: Executed) -> None:
    """Say that trials were not executed, and how to execute them, before the tables take their time."""
    run = executed.run
    rest = f"`{resume_command(executed.folder)}` executes the rest"
    if executed.run["state"] == "interrupted":
        click.echo(f"interrupted after {executed.done} of {at_most(run)} trials; {rest}", err=True)
    if executed.run["state"] == "stopped":
        left = run["planned"] - run.get("spared", 0) - executed.done
        click.echo(f"stopped after a failure, {left} of {at_most(run)} trials not executed; {rest}", err=True)
