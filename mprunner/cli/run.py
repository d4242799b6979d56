"""``mprunner run``: execute an experiment."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from mprunner.cli.executing import execute_and_report, executor_option, quiet_option
from mprunner.cli.junit import junit_for, junit_option
from mprunner.cli.options import (
    orphans_option,
    plugin_option,
    results_option,
    strict_option,
    tell_left_out,
    warn,
    warn_of_plugins,
)
from mprunner.cli.output import color_option


@click.command("run", short_help="Execute an experiment.")
@click.argument("file", type=click.Path(path_type=Path))
@results_option
@plugin_option
@strict_option
@junit_option
@executor_option
@orphans_option
@quiet_option
@color_option
def command(
    file: Path,
    results: Path,
    plugin: tuple[Path, ...],
    strict: bool,
    junit: Path | None,
    executor: str,
    beside_orphans: bool,
    quiet: bool,
    color: str,
) -> int:
    """Execute the experiment in FILE: every combination of its parameters, every repeat.

    Each trial is executed in a fresh worker process, and its record is safe on disk before the next begins.
    The run's folder holds the tables (trials.csv, actors.csv, outcomes.csv, summary.csv), run.json, the journal
    and the logs of trials that printed something.

    Ctrl-C ends the trial in hand and keeps every finished row; a second one leaves at once, without tables.
    `mprunner resume` executes what is missing then.

    \b
    Exit codes: 0 all trials ok; 1 a trial failed; 2 bad usage or experiment, or orphans of an earlier run; 4 broken
    plugin; 5 nothing to execute; 6 results can't be written; a signal ends mprunner by that signal.
    """
    from mprunner.executors.launching import launcher_at_hand

    with launcher_at_hand() if executor == "local" else nullcontext() as launcher:
        # Importing what reads an experiment takes as long as the launcher's interpreter takes to start.
        from mprunner import pipeline

        prepared = pipeline.prepare(file, plugin, strict=strict)
        warn_of_plugins(prepared.registry)
        tell_left_out(prepared.plan)
        report = junit_for(junit, prepared.registry)
        chosen = pipeline.executor_for(prepared, executor, launcher)
        return execute_and_report(
            lambda interrupt: pipeline.execute(
                prepared, chosen, results, interrupt, beside_orphans=beside_orphans, warn=warn
            ),
            prepared.registry,
            junit=report,
            quiet=quiet,
            color=color,
        )
