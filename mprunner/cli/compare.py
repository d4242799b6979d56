"""``mprunner compare``: two runs, several runs on a side, or two cases of one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mprunner.cli import say
from mprunner.cli.options import results_option, warn
from mprunner.cli.output import json_option, junit_option_of, print_json, writable_junit, write_report
from mprunner.errors import ExperimentError, NothingSelectedError

if TYPE_CHECKING:
    from mprunner.analysis.comparison import Comparison, Row
    from mprunner.analysis.limits import Limit
    from mprunner.workflow.compare import Compared, ComparedRun


T = TypeVar("T")


@click.command("compare", short_help="Compare two runs, or two cases of one.")
@click.argument("runs", nargs=-1, metavar="[BASE] [NEW]")
@click.option("--base", multiple=True, metavar="RUN", help="One more run of the base; may be repeated.")
@click.option("--new", multiple=True, metavar="RUN", help="One more run of the new side; may be repeated.")
@click.option(
    "--case",
    "cases",
    multiple=True,
    metavar="PARAM=VALUE,…",
    help="Given twice: compare these cases of one run, repeat by repeat.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="What to compare; else every duration. Of every trial there are trial_wall_s, cpu_user_s, cpu_system_s and "
    "max_process_rss_bytes, too.",
)
@click.option(
    "--min-effect", default="1%", show_default=True, help="The smallest difference that is worth telling."
)
@click.option(
    "--fail-on",
    multiple=True,
    metavar="LIMIT",
    help="Exit with 1 if a case is clearly beyond it: 'wall_s: +5%', 'rate_per_s: -5%'.",
)
@click.option(
    "--fail-on-unclear",
    is_flag=True,
    help="Exit with 1 also where the trials can't rule out that it is exceeded.",
)
@results_option
@json_option
@junit_option_of("comparison")
def command(
    runs: tuple[str, ...],
    base: tuple[str, ...],
    new: tuple[str, ...],
    cases: tuple[str, ...],
    metrics: tuple[str, ...],
    min_effect: str,
    fail_on: tuple[str, ...],
    fail_on_unclear: bool,
    results: Path,
    as_json: bool,
    junit: Path | None,
) -> int:
    """Compare the cases of run BASE with those of run NEW: what differs in their setting, then each case's ratio.

    Each is a run's folder, an experiment's name, file or folder (its newest run), or the beginning of a run's id.

    A case is told slower or faster if a test says so, corrected for the number of cases, and the 95 % interval of the
    ratio excludes 1; under 1% apart if that interval lies within --min-effect.

    Two runs differ by the machine's drift, too. Runs of both sides in turn show how much, or five earlier runs of the
    same cases in the results folder. One run each without these gets its ratios and no verdict: "change or drift".

    \b
      mprunner compare before after                         a run each
      mprunner compare A1 B1 --base A2 --new B2             run in turn: A1 B1 A2 B2
      mprunner compare bank --case guard=none --case guard=lock   cases of one run
      mprunner compare before after --fail-on 'wall_s: +5%' --junit compared.xml

    A limit has three answers in a case: kept, exceeded, or unclear, where the interval reaches beyond it, or nothing
    shows the drift.

    \b
    Exit codes: 0 compared; 1 a limit of --fail-on is exceeded, or unclear with --fail-on-unclear; 2 bad usage;
    5 nothing in common, or a limit that can't be judged in any case; 6 a run can't be read.
    """
    from mprunner.analysis.limits import parse_limit, parse_percent
    from mprunner.cli.progress import told_when_slow
    from mprunner.workflow.compare import compare_sides, compare_two_cases

    hint = "write 'wall_s: +5%': more than 5% more fails; or '-5%': less"
    limits = [_parsed(parse_limit, text, "--fail-on", hint) for text in fail_on]
    least = _parsed(parse_percent, min_effect, "--min-effect", "write --min-effect 1%")
    also = [limit.metric for limit in limits]
    report = writable_junit(junit) if junit else None
    if cases:
        run, pair = _run_and_cases(runs, cases, bool(base or new))
        with told_when_slow("comparing"):
            compared = compare_two_cases(results, run, pair, metrics, also, least)
    else:
        ours, theirs = _sides(runs, base, new)
        with told_when_slow("comparing"):
            compared = compare_sides(results, ours, theirs, metrics, also, least)
    if report:
        _write_junit(report, compared, limits, fail_on_unclear)
    return _report(compared, limits, fail_on_unclear, as_json)


def _write_junit(path: Path, compared: Compared, limits: Sequence[Limit], unclear_fails: bool) -> None:
    from mprunner.report import write_compared

    facts = [
        *((side, run.folder.run_id) for side in ("base", "new") for run in getattr(compared, side)),
        *(
            (f"case of {side}", case)
            for side, case in zip(("base", "new"), compared.cases or (), strict=False)
        ),
        *(("earlier run", run_id) for run_id in compared.comparison.earlier),
        *((f"differs: {each.what}", f"{each.then} → {each.now}") for each in compared.differences()),
    ]
    write = partial(
        write_compared,
        name=compared.base[0].info.experiment,
        comparison=compared.comparison,
        limits=limits,
        properties=facts,
        unclear_fails=unclear_fails,
    )
    write_report(path, write)


def _run_and_cases(runs: Sequence[str], cases: Sequence[str], has_sides: bool) -> tuple[str, tuple[str, str]]:
    if len(cases) != 2:
        raise ExperimentError(
            "--case must be given twice, for the base and for what is compared with it",
            "such as --case guard=none --case guard=lock",
        )
    if len(runs) != 1 or has_sides:
        raise ExperimentError(
            "--case compares cases of one run", "name one RUN, and neither --base nor --new"
        )
    return runs[0], (cases[0], cases[1])


def _sides(
    runs: Sequence[str], base: Sequence[str], new: Sequence[str]
) -> tuple[Sequence[str], Sequence[str]]:
    if len(runs) not in (0, 2) or not (runs or base or new):
        raise ExperimentError(
            f"compare needs two runs, and {len(runs)} {'is' if len(runs) == 1 else 'are'} named",
            "name BASE and NEW; more runs of a side with --base and --new; cases of one run with --case, twice",
        )
    ours, theirs = (*runs[:1], *base), (*runs[1:], *new)
    if not ours or not theirs:
        raise ExperimentError(
            f"there is no run on the {'new side' if ours else 'side of the base'}",
            "name BASE and NEW, or a run of each side with --base and --new",
        )
    return ours, theirs


def _parsed(parse: Callable[[str], T], text: str, option: str, hint: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ExperimentError(f"{option} {error}", hint) from error


def _report(compared: Compared, limits: Sequence[Limit], unclear_fails: bool, as_json: bool) -> int:
    from mprunner.report import limits_in_words, render_comparison

    comparison = compared.comparison
    exceeded = [(limit, row) for limit in limits for row in comparison.rows if limit.is_exceeded(row)]
    unclear = [(limit, row) for limit in limits for row in comparison.rows if limit.is_unclear(row)]
    if as_json:
        print_json(comparison_json(compared, exceeded, unclear))
    else:
        said = list(limits_in_words(comparison, limits))
        blocks = ["\n".join([*_heading(compared), "", render_comparison(comparison)]), "\n".join(said)]
        say("\n\n".join(filter(None, blocks)))
    nowhere = [limit for limit in limits if not _is_judged(limit, comparison)]
    if exceeded or (unclear_fails and unclear):
        return 1
    if nowhere:
        raise NothingSelectedError(
            f"--fail-on '{nowhere[0]}' can't be judged in any case",
            "each side needs five ok trials, and the base a value that is not below 0",
        )
    return 0


def _is_judged(limit: Limit, comparison: Comparison) -> bool:
    """Whether a limit is judged in any case; warn of those in which it is not."""
    rows = [row for row in comparison.rows if row.metric == limit.metric]
    untold = sum(not limit.is_judged(row) for row in rows)
    if 0 < untold < len(rows):
        warn(f"--fail-on '{limit}' can't be judged in {untold} of {len(rows)} cases")
    if comparison.only_base:
        warn(
            f"--fail-on '{limit}' can't be judged in {len(comparison.only_base)} more, which only the base has"
        )
    return untold < len(rows)


def _heading(compared: Compared) -> list[str]:
    """Return lines that name the runs or cases of each side, and what differs between their settings."""
    from mprunner.model.text import printable

    if compared.cases is not None:
        base, new = compared.cases
        return [f"base   {base}", f"new    {new}", f"of     {_named(compared.base[0])}"]
    shown = [f"base   {_named(run)}" for run in compared.base]
    shown += [f"new    {_named(run)}" for run in compared.new]
    differing = [f"{each.what}: {each.then} → {each.now}" for each in compared.differences()]
    return [*shown, *(f"differs   {printable(line)}" for line in differing)]


def _named(run: ComparedRun) -> str:
    unfinished = () if run.info.is_finished else (run.info.state,)
    return ", ".join((run.info.experiment, run.folder.run_id, *unfinished))


def comparison_json(
    compared: Compared, exceeded: Sequence[tuple[Limit, Row]], unclear: Sequence[tuple[Limit, Row]]
) -> dict[str, Any]:
    """Return a comparison as JSON."""
    from mprunner.report import notes

    return {
        "base": [str(run.folder.path) for run in compared.base],
        "new": [str(run.folder.path) for run in compared.new],
        "cases": compared.cases,
        "differences": [dataclasses.asdict(difference) for difference in compared.differences()],
        **dataclasses.asdict(compared.comparison),
        **{
            answer: [{"limit": str(limit), "metric": row.metric, "label": row.label} for limit, row in found]
            for answer, found in (("exceeded", exceeded), ("unclear", unclear))
        },
        "notes": list(notes(compared.comparison)),
    }
