"""``mprunner run``: execute an experiment."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.executing import (
    execute_and_print,
    executor_option,
    files_argument,
    prepare_all,
    quiet_option,
    tell_not_executed,
)
from mprunner.cli.github import github_for, github_option
from mprunner.cli.options import (
    only_option,
    orphans_option,
    plugin_option,
    results_option,
    set_option,
    strict_option,
    tell_left_out,
    warn,
)
from mprunner.cli.output import color_option, junit_for, junit_option
from mprunner.cli.reporting import no_report_option
from mprunner.errors import MprunnerError

if TYPE_CHECKING:
    from mprunner.workflow.prepare import Prepared


@click.command("run", short_help="Execute an experiment.")
@files_argument
@set_option
@only_option
@results_option
@plugin_option
@strict_option
@junit_option
@github_option
@no_report_option
@executor_option
@orphans_option
@quiet_option
@color_option
def command(
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    results: Path,
    plugin: tuple[Path, ...],
    strict: bool,
    junit: Path | None,
    github: bool,
    no_report: bool,
    executor: str,
    beside_orphans: bool,
    quiet: bool,
    color: str,
) -> int:
    """Execute the experiment in FILE: every combination of its parameters, every repeat.

    Several files are several runs, one after the other; a folder stands for the *.yaml and *.yml files in it. All are
    read and planned before the first is executed.

    Each trial is executed in a fresh worker process, and its record is safe on disk before the next begins.
    The run's folder holds the tables (trials.csv, actors.csv, outcomes.csv, summary.csv), run.json, the journal
    and the logs of trials that printed something. Where the extra `report` is installed, it also holds report.html, a
    page of the run, which is made when the last trial has ended.

    With `variants` in FILE, every case is executed in several environments, interleaved: interpreters, their flags,
    environment variables, revisions of your code.

    Ctrl-C ends the trial in hand and keeps every finished row; a second one leaves at once, without tables.
    `mprunner resume` executes what is missing then; experiments that were not begun are named.

    --set changes the experiment for this run, and --only takes a part of its cases; both take YAML. The run's folder
    says what was executed, and `mprunner resume` goes on with it.

    \b
      mprunner run experiments/bank.yaml
      mprunner run experiments/bank.yaml --set repeats=3 --set 'sweep[1].guard=[none,lock]'
      mprunner run experiments/bank.yaml --only guard=lock
      mprunner run experiments/

    \b
    Exit codes: 0 all as expected: trials are ok, unless the experiment says otherwise; 1 a trial failed, or an
    expectation was missed; 2 bad usage or experiment, or orphans of an earlier run; 4 broken plugin; 5 nothing to
    execute; 6 results can't be written; a signal ends mprunner by that signal.
    """
    from mprunner.executors import launcher_at_hand

    with launcher_at_hand() if executor == "local" else nullcontext() as launcher:
        # Importing what reads an experiment takes as long as the launcher's interpreter takes to start.
        from mprunner.experiment import Asked
        from mprunner.workflow import pipeline

        asked = Asked(overrides=overrides, only=only)
        every = prepare_all(files, plugin, asked, strict=strict)
        registry = every[0].registry
        report, reporter = junit_for(junit, registry), github_for(github)
        worst = 0
        for number, prepared in enumerate(every, 1):
            _announce(prepared, number, len(every), quiet=quiet)
            later = every[number:]
            try:
                chosen = pipeline.executor_for(prepared, executor, launcher if number == 1 else None)
                execute = partial(
                    pipeline.run, prepared, chosen, results, beside_orphans=beside_orphans, warn=warn
                )
                code = execute_and_print(
                    execute,
                    registry,
                    quiet=quiet,
                    color=color,
                    junit=report,
                    github=reporter,
                    report_in=None if no_report else results,
                    later=later,
                )
                worst = max(worst, code)
            except MprunnerError:
                tell_not_executed(later)
                raise
        return worst


def _announce(prepared: Prepared, number: int, of: int, *, quiet: bool) -> None:
    """Say which of several experiments is executed, and what its plan leaves out."""
    if number > 1:
        say()
    if of > 1 and not quiet:
        say(f"{number} of {of}: {prepared.experiment.path}", err=True)
    tell_left_out(prepared.experiment, prepared.plan, named=of > 1)
