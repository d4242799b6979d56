"""``mprunner race``: whether classes of your own race, without writing an experiment."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


@click.command("race", short_help="Say whether a class of yours races, and how often.")
@click.argument("classes", nargs=-1, required=True, metavar="MODULE:CLASS...")
@click.option(
    "--kind",
    type=click.Choice(["thread", "process", "interpreter"]),
    default="thread",
    show_default=True,
    help="What the actors are.",
)
@click.option("--copies", type=click.IntRange(1), help="How many actors call each method.")
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5_000,
    show_default=True,
    help="How often the actors start over in each of five trials.",
)
@click.option(
    "--explore/--no-explore",
    default=None,
    help="Whether every schedule of threads is tried too; by default where the extra `explore` is installed, and "
    "not in other interpreters, which would need it too.",
)
@click.option(
    "--replay", type=click.IntRange(1), metavar="N", help="Execute only schedule N again, and show its steps."
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PYTHON",
    help="An interpreter to race in, such as python3.13 or python3.14t; may be repeated.",
)
@click.option(
    "--output", type=click.Path(path_type=Path), help="The experiment to write.  [default: race-CLASS.yaml]"
)
@results_option
@no_report_option
@quiet_option
@color_option
def command(
    classes: tuple[str, ...],
    kind: str,
    copies: int | None,
    rounds: int,
    explore: bool | None,
    replay: int | None,
    pythons: tuple[str, ...],
    output: Path | None,
    results: Path,
    no_report: bool,
    quiet: bool,
    color: str,
) -> int:
    """Call the methods of a plain class at once, and say whether that ended as no order one after the other does.

    The class imports nothing of mprunner. Its methods whose names begin with `actor` are called at once, each by a
    thread of its own; of a single one there are two. `result`, if there is one, is read when all are done. What the
    actors return or raise, and the result, are the state that a round ends in:

    \b
      class Lazy:                          # cache.py
          def __init__(self):
              self.value, self.made = None, 0
          def actor_get(self):
              if self.value is None:
                  self.made += 1
                  self.value = object()
          def result(self):
              return self.made

    Name a cure beside it, and its price is told: the time that the calls take one after the other.

    \b
      mprunner race cache:Lazy
      mprunner race cache:Lazy cache:Locked
      mprunner race cache:Lazy --replay 2
      mprunner race counter:Shared --kind process
      mprunner race cache:Lazy --python python3.11 --python python3.14t

    The modules are looked for in the current folder and on PYTHONPATH. The experiment is written to a file, which
    `mprunner run` executes again; docs/races.md says how to read what it finds. Exit codes are those of `run`.
    """
    for each in classes:
        checked_place(each, "class")
    if kind != "thread" and (explore or replay is not None):
        raise click.UsageError(
            "schedules of threads can be explored: leave out --kind, or --explore and --replay"
        )
    if replay is not None and explore is False:
        raise click.UsageError("--replay executes an explored schedule: leave out --no-explore")
    can_explore = kind == "thread" and not pythons and find_spec("frontrun") is not None
    explores = can_explore if explore is None else explore
    file = output or Path(f"race-{_name(classes[0])}.yaml")
    text = _experiment(classes, kind, copies, rounds, explores or replay is not None, replay, pythons)
    asked = shlex.join(["race", *classes])
    with written(file, asked, text):
        if not explores and kind == "thread" and not pythons and explore is None and not quiet:
            say("free rounds only; `pip install 'mprunner[explore]'` tries every schedule too", err=True)
        code = execute_written(file, results, _answer, quiet=quiet, color=color, page=not no_report)
    say(f"experiment: {file}")
    return code


def _answer(tabled: Tabled) -> Sequence[str]:
    from mprunner.report import race_answer

    return race_answer(tabled.header, tabled.frames, tabled.summary)


def _name(place: str) -> str:
    """Return what an experiment may be called, after a class."""
    return re.sub(r"[^a-z0-9]+", "-", place.rpartition(":")[2].lower()).strip("-") or "class"


def _experiment(
    classes: Sequence[str],
    kind: str,
    copies: int | None,
    rounds: int,
    explores: bool,
    replay: int | None,
    pythons: Sequence[str],
) -> str:
    """Return an experiment's text. Values are written as JSON, which YAML reads as it is."""
    races = json.dumps([*dict.fromkeys(classes)])
    params: dict[str, Any] = {} if kind == "thread" else {"kind": kind}
    params |= {} if copies is None else {"copies": copies}
    lines = ["scenario: own-race"]
    if params:
        lines += ["params:", *(f"  {name}: {json.dumps(value)}" for name, value in params.items())]
    lines += ["sweep:"]
    if explores:
        only = "" if replay is None else f", replay: {replay}"
        lines += [f"  - {{schedule: explored{only}, race: {races}}}"]
    if replay is None:
        lines += [f"  - {{schedule: free, rounds: {rounds}, race: {races}}}"]
    if len(classes) > 1:
        lines += [f"baseline: {{race: {json.dumps(classes[0])}}}"]
    if pythons:
        lines += ["variants:"]
        names = [re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(each).name) for each in pythons]
        lines += [
            f"  {json.dumps(name if names.count(name) == 1 else f'{name}-{number}')}: {{python: {json.dumps(each)}}}"
            for number, (name, each) in enumerate(zip(names, pythons, strict=True), 1)
        ]
    lines += [f"repeats: {1 if replay is not None else 5}"]
    return "\n".join(lines) + "\n"
