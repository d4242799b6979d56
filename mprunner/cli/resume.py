"""``mprunner resume``: execute what is missing of a run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.executing import execute_and_print, executor_option, quiet_option
from mprunner.cli.github import github_for, github_option
from mprunner.cli.options import (
    named_file,
    orphans_option,
    plugin_option,
    results_option,
    warn,
    warn_of_plugins,
)
from mprunner.cli.output import color_option, junit_for, junit_option
from mprunner.cli.reporting import no_report_option

if TYPE_CHECKING:
    from mprunner.model.provenance import Difference
    from mprunner.workflow.resume import Reopened


@click.command("resume", short_help="Execute what is missing of a run.")
@click.argument("run", required=False)
@results_option
@plugin_option
@click.option("--allow-changes", is_flag=True, help="Go on although code, Python or experiment have changed.")
@junit_option
@github_option
@no_report_option
@executor_option
@orphans_option
@quiet_option
@color_option
def command(
    run: str | None,
    results: Path,
    plugin: tuple[Path, ...],
    allow_changes: bool,
    junit: Path | None,
    github: bool,
    no_report: bool,
    executor: str,
    beside_orphans: bool,
    quiet: bool,
    color: str,
) -> int:
    """Execute what is missing of RUN: the trials that have no final record, and no other.

    RUN is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id;
    without it, the newest run of all.

    Missing are trials that were never started, that were cancelled, and the one that was being executed when
    mprunner itself was ended; it stays in the tables as lost, beside its new attempt. A trial that failed is a
    result, and is not executed again. The run ends with the rows that it would have had without an interruption,
    and its tables are written anew.

    The run goes on with the experiment that it began with. If the source of its plugin, the Python, the number
    of CPUs that cpu_count means or the experiment file is not what it was, that is shown and refused:
    --allow-changes mixes the results all the same. --plugin is only needed if the file of the plugin has moved.

    \b
      mprunner resume                       the newest run
      mprunner resume bank                  the newest run of an experiment
      mprunner resume results/bank/2026...  that run

    \b
    Exit codes: as of `mprunner run`, over all trials of the run; 7 the resume was refused.
    """
    from mprunner.plugins.registry import empty_registry
    from mprunner.runs import find_run
    from mprunner.workflow import pipeline

    folder = find_run(results, run, warn)
    reporter = github_for(github)
    report_in = None if no_report else results
    with pipeline.reopened(folder) as earlier:
        done = earlier.tally.settled
        if not earlier.missing:
            say(f"nothing is missing: all {done} trials are done", err=True)
            registry = empty_registry()
            report = junit_for(junit, registry)
            return execute_and_print(
                lambda _: pipeline.mark_finished(earlier),
                registry,
                quiet=True,
                color=color,
                junit=report,
                github=reporter,
                report_in=report_in,
            )
        file = named_file(run) or folder.path / "experiment.yaml"
        rest = pipeline.prepare_rest(earlier, plugin, file, allow_changes=allow_changes)
        registry = rest.prepared.registry
        warn_of_plugins(registry)
        _refuse_or_warn(rest.differences, allow_changes)
        report = junit_for(junit, registry)
        chosen = pipeline.executor_for(rest.prepared, executor)
        if not quiet:
            say(f"{_missing(earlier)} trials are missing", err=True)
        execute = partial(pipeline.resume, rest, chosen, beside_orphans=beside_orphans, warn=warn)
        return execute_and_print(
            execute,
            registry,
            done=done,
            quiet=quiet,
            color=color,
            junit=report,
            github=reporter,
            report_in=report_in,
        )


def _missing(run: Reopened) -> str:
    at_most = "" if run.adaptive is None else "at most "
    return f"{at_most}{run.missing} of {at_most}{run.header.planned}"


def _refuse_or_warn(differences: tuple[Difference, ...], allow_changes: bool) -> None:
    from mprunner.workflow.resume import refusal

    if not differences:
        return
    if not allow_changes:
        raise refusal(differences)
    shown = "".join(f"\n  {difference}" for difference in differences)
    warn(f"the results are mixed, this is not what the run began with:{shown}")
