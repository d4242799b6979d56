"""What ``run`` and ``resume`` share: progress, signals, tables, the summary and the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import click

from mprunner.cli.options import warn
from mprunner.cli.output import at_most, is_terminal, print_summary, resume_command
from mprunner.cli.several import tell_not_executed

if TYPE_CHECKING:
    from mprunner.cli.junit import JUnitFile
    from mprunner.executors import Interrupt
    from mprunner.plugins.registry import Registry
    from mprunner.workflow.pipeline import Executed
    from mprunner.workflow.prepare import Prepared

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
    later: Sequence[Prepared] = (),
    quiet: bool,
    color: str,
) -> int:
    """Execute trials, write the run's tables, print its summary; return the exit code, or end by the signal.

    Args:
        execute: executes the trials.
        registry: the plugins to be told.
        junit: one of them, if a report was asked for: raises its error, once all else is done.
        done: how many of the run's trials are settled already.
        later: what would be executed after this run, and is not if a signal ends it.
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
        with suppress(OSError):  # the terminal may be gone, as the signal said
            tell_not_executed(later)
        end_by(signal)
    if error is not None:
        raise error
    return 1 if failed else 0


def _show_progress(registry: Registry, done: int, stack: ExitStack) -> None:
    from mprunner.cli.progress import LineProgress, LiveProgress

    if is_terminal(sys.stderr):
        live = LiveProgress(done)
        stack.callback(live.close)
        _register(registry, live, "live progress", stack)
    else:
        _register(registry, LineProgress(), "progress lines", stack)


def _register(registry: Registry, progress: object, name: str, stack: ExitStack) -> None:
    registry.manager.register(progress, name=name)
    stack.callback(registry.manager.unregister, progress)  # the next run has a progress of its own


def _show_cursor() -> None:
    """Give a terminal its cursor back, which the live line of progress hides."""
    if is_terminal(sys.stderr):
        with suppress(OSError):
            os.write(sys.stderr.fileno(), b"\x1b[?25h")


def _report(registry: Registry, executed: Executed, color: str) -> bool:
    """Write the tables and the verdict, print them; return whether the run failed."""
    from mprunner.workflow import finish

    with suppress(OSError):  # a terminal that is gone must not cost the tables
        _tell_the_rest(executed)
    settled = finish.settle(executed, registry)
    for error in settled.hook_errors:
        warn(f"a plugin failed: {error}")
    print_summary(settled.tabled, settled.run, color)
    click.echo(f"\nresults: {executed.folder.path}")
    if executed.run["state"] != "finished":
        click.echo(f"execute the rest: {resume_command(executed.folder)}")
    sys.stdout.flush()
    return settled.tabled.judgement.verdict == "failed"


def _tell_the_rest(executed: Executed) -> None:
    """Say that trials were not executed, and how to execute them, before the tables take their time."""
    run = executed.run
    rest = f"`{resume_command(executed.folder)}` executes the rest"
    if executed.run["state"] == "interrupted":
        click.echo(f"interrupted after {executed.done} of {at_most(run)} trials; {rest}", err=True)
    if executed.run["state"] == "stopped":
        left = run["planned"] - run.get("spared", 0) - executed.done
        click.echo(f"stopped after a failure, {left} of {at_most(run)} trials not executed; {rest}", err=True)
