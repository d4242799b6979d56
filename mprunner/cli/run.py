"""``mprunner run``: execute an experiment."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli.options import (
    orphans_option,
    plugin_option,
    results_option,
    tell_refused,
    warn,
    warn_of_plugins,
)
from mprunner.cli.output import color_option, is_terminal, print_summary

if TYPE_CHECKING:
    from mprunner.pipeline import Executed, Prepared


@click.command("run", short_help="Execute an experiment.")
@click.argument("file", type=click.Path(path_type=Path))
@results_option
@plugin_option
@click.option("--executor", default="local", show_default=True, help="What executes the trials.")
@orphans_option
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the summary.")
@color_option
def command(
    file: Path,
    results: Path,
    plugin: tuple[Path, ...],
    executor: str,
    beside_orphans: bool,
    quiet: bool,
    color: str,
) -> int:
    """Execute the experiment in FILE: every combination of its parameters, every repeat.

    Each trial is executed in a fresh worker process, and its record is safe on disk before the next begins.
    The run's folder holds the tables (trials.csv, actors.csv, outcomes.csv, summary.csv), run.json, the journal
    and the logs of trials that printed something.

    Ctrl-C ends the trial in hand and keeps every finished row; a second one leaves at once.

    \b
    Exit codes: 0 all trials ok; 1 a trial failed; 2 bad usage or experiment, or orphans of an earlier run; 4 broken
    plugin; 5 nothing to execute; 6 results can't be written; a signal ends mprunner by that signal.
    """
    from mprunner import pipeline
    from mprunner.executors import Interrupt
    from mprunner.executors.interrupt import end_by

    prepared = pipeline.prepare(file, plugin)
    warn_of_plugins(prepared.registry)
    tell_refused(prepared.plan)
    with Interrupt() as interrupt:  # until the tables are written
        with ExitStack() as stack:
            if not quiet:
                _show_progress(prepared, stack)
            chosen = pipeline.executor_for(prepared, executor)
            executed = pipeline.execute(
                prepared, chosen, results, interrupt, beside_orphans=beside_orphans, warn=warn
            )
        _report(prepared, executed, color)
        signal = interrupt.signal
    if signal is not None:
        end_by(signal)
    return 1 if executed.failures else 0


def _show_progress(prepared: Prepared, stack: ExitStack) -> None:
    from mprunner.cli.progress import LineProgress, LiveProgress

    manager = prepared.registry.manager
    if is_terminal(sys.stderr):
        live = LiveProgress(prepared.plan)
        stack.callback(live.close)
        manager.register(live, name="live progress")
    else:
        manager.register(LineProgress(), name="progress lines")


def _report(prepared: Prepared, executed: Executed, color: str) -> None:
    from mprunner import pipeline

    if executed.run["state"] == "interrupted":
        done = f"{executed.done} of {len(prepared.plan)} trials"
        click.echo(f"interrupted after {done}; writing their tables", err=True)
    tabled = pipeline.tabulate(executed.folder)
    pipeline.write_tables(executed.folder, tabled)
    for error in (*executed.hook_errors, *pipeline.finish(prepared, executed)):
        warn(f"a plugin failed: {error}")
    print_summary(tabled, color)
    click.echo(f"\nresults: {executed.folder.path}")
    sys.stdout.flush()
