"""``mprunner verdict``: judge a finished run again."""

from __future__ import annotations

from pathlib import Path

import click

from mprunner.cli import say
from mprunner.cli.github import github_for, github_option
from mprunner.cli.options import named_file, plugin_option, results_option, warn, warn_of_plugins
from mprunner.cli.output import JUnitFile, color_option, json_option, junit_option, print_json, print_verdict
from mprunner.cli.reporting import make_page


@click.command("verdict", short_help="Judge a finished run by its experiment's file as it is now.")
@click.argument("run", required=False)
@click.option(
    "--file",
    type=click.Path(path_type=Path),
    help="The experiment file to judge by; without it, the file that the run was made from.",
)
@results_option
@plugin_option
@junit_option
@github_option
@color_option
@json_option
def command(
    run: str | None,
    file: Path | None,
    results: Path,
    plugin: tuple[Path, ...],
    junit: Path | None,
    github: bool,
    color: str,
    as_json: bool,
) -> int:
    """Judge RUN by the `outcomes` and `expect` of its experiment's file as it is now, without executing anything.

    RUN is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id;
    without it, the newest run of all.

    The new verdict takes the place of the old one: in run.json, verdict.json, outcomes.csv and the page, if there is
    one. The file must be right as a whole, but nothing else of it, such as its sweep, changes anything: the run's
    trials are what they are.

    \b
      mprunner verdict                     the newest run
      mprunner verdict bank                the newest run of an experiment
      mprunner verdict bank --file my.yaml by another file

    \b
    Exit codes: 0 passed, 1 failed; 2 the file is wrong or gone, or trials of the run are missing.
    """
    from mprunner.cli.progress import told_when_slow
    from mprunner.runs import find_run
    from mprunner.signals import Interrupt, end_by
    from mprunner.workflow.finish import judge_again, notify_judged

    folder = find_run(results, run, warn)
    report = None if junit is None else JUnitFile(junit)
    reporter = github_for(github)
    with Interrupt() as interrupt:  # until all that says the verdict says the same
        with told_when_slow("reading the run"):
            judged = judge_again(folder, named_file(run), file, plugin)
        warn_of_plugins(judged.registry)
        if report is not None:
            judged.registry.manager.register(report, name="--junit")
        for error in notify_judged(judged.registry, folder, judged.run, judged.tabled):
            warn(f"a plugin failed: {error}")
        if (folder.path / "report.html").exists():
            make_page(folder, results, interrupt)
    if interrupt.signal is not None:
        end_by(interrupt.signal)
    judgement = judged.tabled.judgement
    if as_json:
        from mprunner.report import verdict_json

        print_json({"folder": str(folder.path), "file": judged.file, **verdict_json(judgement)})
    else:
        print_verdict(judged.tabled, color)
        say(f"\njudged by: {judged.file}\nresults: {folder.path}")
    if reporter is not None:
        reporter.tell(judged.tabled, judged.run, judged.file)
    if report is not None and report.error is not None:
        raise report.error
    return 1 if judgement.verdict == "failed" else 0
