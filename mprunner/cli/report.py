"""``mprunner report``: a run as one page, or the comparison of two; and its charts as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.options import results_option, warn
from mprunner.cli.output import writable_output
from mprunner.errors import ExperimentError, ResultsError

if TYPE_CHECKING:
    from mprunner.runs import RunFolder

_SIGN = b'<meta name="generator" content="mprunner'


@click.command("report", short_help="Make the page of a run, or of a comparison of two.")
@click.argument("runs", nargs=-1, metavar="[RUN] [NEW]")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Where the page is written; without it, report.html in the run's folder.",
)
@click.option(
    "--svg", type=click.Path(path_type=Path), metavar="FOLDER", help="Write each chart as SVG, and no page."
)
@click.option(
    "--png", type=click.Path(path_type=Path), metavar="FOLDER", help="Write each chart as PNG, and no page."
)
@results_option
def command(
    runs: tuple[str, ...], output: Path | None, svg: Path | None, png: Path | None, results: Path
) -> int:
    """Make the page of RUN: its verdict, its charts and its tables in one HTML file that needs no network.

    RUN is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id;
    without it, the newest run of all. With a second one, NEW, the page compares its cases with those of RUN.

    `mprunner run` and `mprunner resume` make the page, too. It is made from the run's folder alone; a page that is
    there is replaced. index.html in the folder of all runs is renewed with it.

    \b
      mprunner report                         of the newest run
      mprunner report bank --output bank.html to send it to someone
      mprunner report before after            a comparison
      mprunner report bank --svg charts       the charts for a paper

    \b
    Exit codes: 0 made; 2 bad usage, no such run, or packages are missing; 5 nothing in common; 6 the run can't be
    read, or the page not written.
    """
    from mprunner.cli.progress import told_when_slow
    from mprunner.runs import find_run
    from mprunner.workflow.report import refuse_without_extra, write_all, write_page

    if len(runs) > 2:
        raise ExperimentError(
            f"report takes one run, or two to compare, and {len(runs)} are named", "see `mprunner compare`"
        )
    refuse_without_extra()
    page = None if output is None else writable_output("--output", output, _SIGN, "page of mprunner")
    if len(runs) == 2:
        if svg or png:
            raise ExperimentError("--svg and --png write the charts of one run", "name one RUN")
        return _compare(runs, page, results)
    folder = find_run(results, runs[0] if runs else None, warn)
    if svg or png:
        return _draw(folder, svg, png)
    with told_when_slow("making the page"):
        made = write_all(folder, results) if page is None else write_page(folder, page)
    say(str(made))
    return 0


def _compare(runs: tuple[str, ...], output: Path | None, results: Path) -> int:
    from mprunner.cli.progress import told_when_slow
    from mprunner.workflow.compare import compare_sides
    from mprunner.workflow.report import write_comparison

    with told_when_slow("making the page"):
        made = write_comparison(compare_sides(results, runs[:1], runs[1:], (), (), 0.01), output)
    say(str(made))
    return 0


def _draw(folder: RunFolder, svg: Path | None, png: Path | None) -> int:
    from mprunner.cli.progress import told_when_slow
    from mprunner.workflow.report import write_charts

    for where in filter(None, (svg, png)):
        try:
            where.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ResultsError(f"{where} can't be written: {error.strerror or error}") from error
    with told_when_slow("drawing the charts"):
        count = write_charts(folder, svg, png)
    for where in filter(None, (svg, png)):
        say(f"{count} chart{'' if count == 1 else 's'}: {where}")
    return 0
