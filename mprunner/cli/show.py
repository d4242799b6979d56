"""``mprunner show``: the summary of a run, again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mprunner.cli import say
from mprunner.cli.github import github_for, github_option
from mprunner.cli.options import results_option, warn
from mprunner.cli.output import (
    color_option,
    json_option,
    print_json,
    print_markdown,
    print_plots,
    print_summary,
    results_line,
    resume_command,
)

if TYPE_CHECKING:
    import pandas as pd

    from mprunner.workflow.tabulate import Tabled


@click.command("show", short_help="Print the summary of a run again.")
@click.argument("run", required=False)
@results_option
@color_option
@json_option
@click.option("--all", "every_case", is_flag=True, help="Show each case in a row, however many there are.")
@click.option("--plot", is_flag=True, help="Draw the trials of each case, and the outcomes, as text.")
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="What --plot draws, as often as needed; without it, the metric in which cases are compared.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown"]),
    default="text",
    help="What to print: text, or Markdown for a pull request.",
)
@github_option
def command(
    run: str | None,
    results: Path,
    color: str,
    as_json: bool,
    plot: bool,
    metrics: tuple[str, ...],
    form: str,
    github: bool,
    every_case: bool,
) -> int:
    """Print the summary of RUN again, from its journal alone.

    RUN is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id;
    without it, the newest run of all.

    \b
      mprunner show                                       the newest run
      mprunner show bank --plot                           with pictures in text
      mprunner show bank --plot --metric rate_per_s       of another metric
      mprunner show bank --format markdown                for a pull request
    """
    from mprunner.cli.progress import told_when_slow
    from mprunner.runs import find_run
    from mprunner.workflow.tabulate import tabulate

    asked = [("--json", as_json), ("--plot", plot), ("--format markdown", form == "markdown")]
    forms = [option for option, is_asked in asked if is_asked]
    if len(forms) > 1:
        raise click.UsageError(f"{' and '.join(forms)} exclude each other: choose one")
    if metrics and not plot:
        raise click.UsageError("--metric says what --plot draws: add --plot")
    folder = find_run(results, run, warn)
    info = folder.read_run()
    with told_when_slow("reading the run"):
        tabled = tabulate(folder)
    reporter = github_for(github)
    if reporter is not None:
        reporter.tell(tabled, info)
    if form == "markdown":
        print_markdown(tabled, info)
        return 0
    if as_json:
        print_json({"folder": str(folder.path), "run": info.to_json(), **tables_json(tabled)})
        return 0
    print_summary(tabled, info, color, every_case=every_case)
    if plot:
        say()
        print_plots(tabled, metrics, color)
    say(f"\n{results_line(folder, info)}")
    if info.is_interrupted or info.is_stopped:
        say(f"execute the rest: {resume_command(folder)}")
    return 0


def tables_json(tabled: Tabled) -> dict[str, Any]:
    """Return a run's small tables as JSON: for each case its params, summary and outcomes; and the verdict."""
    from mprunner.report import verdict_json

    frames = tabled.frames
    summary, outcomes = (_by_case(frame, tabled) for frame in (tabled.summary, tabled.outcomes))
    return {
        "cases": [
            {
                "case_id": case_id,
                "label": label,
                "params": dict(frames.params[case_id]),
                "statuses": dict(frames.statuses[case_id]),
                "summary": summary.get(case_id, []),
                "outcomes": outcomes.get(case_id, []),
            }
            for case_id, label in frames.labels.items()
        ],
        "judgement": verdict_json(tabled.judgement),
    }


def _by_case(frame: pd.DataFrame, tabled: Tabled) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a table by case id, without what they share with all or with the rest of their case."""
    from mprunner.tables import plain_cells

    params = (field.name for field in tabled.header.declaration.params)
    names = frame.columns.drop(["run_id", "case_id", *params]).tolist()
    rows: dict[str, list[dict[str, Any]]] = {}
    cells = zip(*(plain_cells(frame[name]) for name in names), strict=True)
    for case_id, row in zip(plain_cells(frame["case_id"]), cells, strict=True):
        rows.setdefault(case_id, []).append(dict(zip(names, row, strict=True)))
    return rows
