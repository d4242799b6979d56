"""``mprunner run``: execute an experiment."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mprunner.cli.options import plugin_option, warn, warn_of_plugins

if TYPE_CHECKING:
    from mprunner.pipeline import Executed, Prepared
    from mprunner.records import Record

LINE_EVERY_S: Final = 1.0


@click.command("run", short_help="Execute an experiment.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder under which the run gets a folder of its own.",
)
@plugin_option
@click.option("--executor", default="local", show_default=True, help="What executes the trials.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the summary.")
def command(file: Path, results: Path, plugin: tuple[Path, ...], executor: str, quiet: bool) -> int:
    """Execute the experiment in FILE: every combination of its parameters, every repeat.

    Each trial is executed in a fresh worker process, and its record is safe on disk before the next begins.
    The run's folder holds the tables (trials.csv, actors.csv, outcomes.csv, summary.csv), run.json, the journal
    and the logs of trials that printed something.

    Ctrl-C ends the trial in hand and keeps every finished row; a second one leaves at once.

    \b
    Exit codes: 0 all trials ok; 1 a trial failed; 2 bad usage or experiment; 4 broken plugin; 5 nothing to
    execute; 6 results can't be written; a signal ends mprunner by that signal.
    """
    from mprunner import pipeline
    from mprunner.executors import Interrupt
    from mprunner.executors.interrupt import end_by

    prepared = pipeline.prepare(file, plugin)
    warn_of_plugins(prepared.registry)
    _tell_refused(prepared)
    if not quiet:
        prepared.registry.manager.register(Progress(), name="progress lines")
    with Interrupt() as interrupt:
        executed = pipeline.execute(prepared, pipeline.executor_for(prepared, executor), results, interrupt)
        _report(prepared, executed)
    if executed.interrupted_by is not None:
        end_by(executed.interrupted_by)
    return 1 if executed.failures else 0


def _report(prepared: Prepared, executed: Executed) -> None:
    from mprunner import pipeline
    from mprunner.report.terminal import render_summary

    if executed.run["state"] == "interrupted":
        click.echo(
            f"interrupted after {executed.done} of {len(prepared.plan)} trials; writing their tables",
            err=True,
        )
    tabled = pipeline.tabulate(executed.folder)
    for error in (*executed.hook_errors, *pipeline.finish(prepared, executed)):
        warn(f"a plugin failed: {error}")
    click.echo(render_summary(tabled.header, tabled.frames, tabled.summary))
    click.echo(f"\nresults: {executed.folder.path}")
    sys.stdout.flush()


def _tell_refused(prepared: Prepared) -> None:
    refused = prepared.plan.refused
    if refused:
        label = refused[0].label or "the only one"
        click.echo(
            f"{len(refused)} combination{'s' if len(refused) > 1 else ''} left out; {label}: {refused[0].reason}",
            err=True,
        )


class Progress:
    """Prints a line for a finished trial, at most one a second, and one for every failure."""

    def __init__(self) -> None:
        self._next_line = 0.0

    def mprunner_trial_finished(self, record: Record, done: int, planned: int) -> None:
        """Print a line, unless the last one is younger than a second."""
        now = time.monotonic()
        if now < self._next_line and record.status == "ok" and done < planned:
            return
        self._next_line = now + LINE_EVERY_S
        what = record.attempt.case_label or "the only case"
        repeat = "warm-up" if record.attempt.is_warmup else f"repeat {record.attempt.repeat}"
        wall_s = record.ending.wall_s
        took = "" if wall_s is None else f" in {wall_s:.3g} s"
        click.echo(f"[{done}/{planned}] {what}, {repeat}: {record.status}{took}", err=True)
