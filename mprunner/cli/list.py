"""``mprunner list``: the runs that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mprunner.cli import say
from mprunner.cli.options import results_option, warn
from mprunner.cli.output import json_option, print_json

COLUMNS = ("run_id", "experiment", "state", "verdict", "done", "planned")


@click.command("list", short_help="List the runs with their state and verdict.")
@click.argument("experiment", required=False)
@results_option
@json_option
def command(experiment: str | None, results: Path, as_json: bool) -> int:
    """List all runs, or those of EXPERIMENT, the oldest first, with state and verdict.

    \b
    state    running, finished, interrupted, or stopped by on_failure
    verdict  passed or failed, by what the experiment expects; - while that is open
    """
    from mprunner.errors import ResultsError
    from mprunner.runs import all_runs, passed_over, unbegun_runs

    for folder in unbegun_runs(results):
        if experiment in (None, folder.path.parent.name):
            warn(*passed_over(folder))
    rows = []
    for folder in all_runs(results):
        try:
            run = folder.read_run()
        except ResultsError as error:
            warn(error.message, error.hint or "")
            continue
        if experiment in (None, run.experiment):
            row = {name: run.content.get(name) for name in COLUMNS}
            spared = {"spared": run.spared} if run.is_adaptive else {}
            rows.append(row | spared | {"folder": str(folder.path)})
    if as_json:
        print_json(rows)
    else:
        say(listing(rows) if rows else f"no runs in {results}")
    return 0


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def listing(rows: list[dict[str, Any]]) -> str:
    """Return the runs as lines under a heading, columns aligned."""
    from mprunner.runs import RunInfo

    cells = [["run", "experiment", "state", "verdict", "trials"]]
    for row in rows:
        trials = f"{_shown(row['done'])} of {RunInfo(row).planned_in_words(_shown)}"
        cells.append([*(_shown(row[name]) for name in COLUMNS[:4]), trials])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)
