"""``mprunner show``: the summary of a run, again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mprunner.cli import say
from mprunner.cli.options import results_option, warn
from mprunner.cli.output import (
    color_option,
    json_option,
    print_json,
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
def command(run: str | None, results: Path, color: str, as_json: bool, every_case: bool) -> int:
    """Print the summary of RUN again, from its journal alone.

    RUN is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id;
    without it, the newest run of all.
    """
    from mprunner.cli.progress import told_when_slow
    from mprunner.runs import find_run
    from mprunner.workflow.tabulate import tabulate

    folder = find_run(results, run, warn)
    info = folder.read_run()
    with told_when_slow("reading the run"):
        tabled = tabulate(folder)
    if as_json:
        print_json({"folder": str(folder.path), "run": info.to_json(), **tables_json(tabled)})
        return 0
    print_summary(tabled, info, color, every_case=every_case)
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
