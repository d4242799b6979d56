"""``mprunner tune``: whether a pool makes a function of your own faster, which one, and by how much."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.executing import execute_written, quiet_option
from mprunner.cli.options import checked_place, results_option
from mprunner.cli.output import color_option
from mprunner.cli.reporting import no_report_option
from mprunner.cli.written import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mprunner.workflow.tabulate import Tabled

_CHUNKS = (1, 16, 128)


@click.command("tune", short_help="Find the pool that makes a function of yours fastest.")
@click.argument("function", metavar="MODULE:FUNCTION")
@click.option("--items", metavar="MODULE:NAME", help="What makes the items that it is called with.")
@click.option(
    "--numbers", type=click.IntRange(1), help="How many items; without --items the numbers from 0 on."
)
@click.option(
    "--repeats",
    type=click.IntRange(5),
    default=20,
    show_default=True,
    help="How often the candidates are measured that can't be told apart; all others less often.",
)
@click.option("--timeout", default="60s", show_default=True, help="How long one map over all items may take.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The experiment to write.  [default: tune-FUNCTION.yaml]",
)
@results_option
@no_report_option
@quiet_option
@color_option
def command(
    function: str,
    items: str | None,
    numbers: int | None,
    repeats: int,
    timeout: str,
    output: Path | None,
    results: Path,
    no_report: bool,
    quiet: bool,
    color: str,
) -> int:
    """Map a function over items in a loop, and in pools of processes and threads; say which is fastest.

    All candidates are measured in turn, five times. Those that are clearly slower than the fastest then leave, at
    each doubling of the repeats, so that time is spent where candidates can't be told apart. The plain loop stays:
    what a pool gains is told compared with it.

    \b
      mprunner tune work:parse --items work:lines
      mprunner tune work:parse --items work:lines --numbers 1000
      mprunner tune math:factorial --numbers 500

    FUNCTION is called with each item. --items names a callable that returns an iterable of them; both are looked for
    in the current folder and on PYTHONPATH. Send a function of a module, not a lambda: processes get it pickled.

    The experiment is written to a file, which `mprunner run` executes again and which you may change. Exit codes are
    those of `run`.
    """
    checked_place(function, "function")
    if items is not None:
        checked_place(items, "callable")
    name = re.sub(r"[^a-z0-9]+", "-", function.rpartition(":")[2].lower()).strip("-") or "function"
    file = output or Path(f"tune-{name}.yaml")
    asked = shlex.join(["tune", function, *(["--items", items] if items else [])])
    with written(file, asked, _experiment(function, items, numbers, repeats, timeout)):
        code = execute_written(file, results, _answer, quiet=quiet, color=color, page=not no_report)
    say(f"experiment: {file}")
    return code


def _answer(tabled: Tabled) -> Sequence[str]:
    from mprunner.report import tune_answer

    return tune_answer(tabled.header, tabled.frames, tabled.summary)


def _experiment(function: str, items: str | None, numbers: int | None, repeats: int, timeout: str) -> str:
    """Return an experiment's text. Values are written as JSON, which YAML reads as it is."""
    from mprunner.runs import usable_cpus

    cpus = max(2, len(usable_cpus()))
    sizes = json.dumps(sorted({2, cpus // 2, cpus} - {0, 1}))
    chunks = json.dumps([None, *_CHUNKS])
    given = {"function": function, "items": items, "numbers": numbers}
    params = {key: value for key, value in given.items() if value is not None}
    return "\n".join(
        [
            "scenario: pool-map",
            "params:",
            *(f"  {key}: {json.dumps(value)}" for key, value in params.items()),
            "sweep:",
            "  - {method: serial}",
            f"  - {{method: map, kind: [process, thread], processes: {sizes}, chunksize: {chunks}}}",
            f"  - {{method: imap_unordered, processes: {cpus}, chunksize: {json.dumps(_CHUNKS)}}}",
            f"  - {{method: map, processes: {cpus}, start_method: [spawn, forkserver]}}",
            "baseline: {method: serial}",
            f"repeats: {{min: 5, max: {repeats}, until: {{metric: wall_s, find: fastest}}}}",
            f"timeout: {json.dumps(timeout)}",
            "on_failure: continue",
            "",
        ]
    )
