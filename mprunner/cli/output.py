"""Where output goes and how it looks: colour, tables on a terminal, JSON."""

from __future__ import annotations

import json
import os
import shlex
import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import RenderableType

    from mprunner.runs import RunFolder, RunInfo
    from mprunner.workflow.tabulate import Tabled

color_option = click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Whether to use colour; auto heeds NO_COLOR, FORCE_COLOR and whether stdout is a terminal.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write JSON, for a program to read.")


def wants_color(color: str) -> bool:
    """Decide on colour: what the option says, else NO_COLOR, else FORCE_COLOR, else whether stdout is a terminal."""
    if color != "auto":
        return color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(sys.stdout)


def is_terminal(stream: Any) -> bool:
    """Whether a person looks at the stream and it can do more than print lines."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") != "dumb"


def print_summary(tabled: Tabled, run: RunInfo, color: str) -> None:
    """Print a run's summary on stdout: as a table on a terminal or where colour is wanted, else as plain lines.

    Args:
        tabled: its tables.
        run: what its run.json says.
        color: what ``--color`` says.
    """
    from mprunner.report import digest, render_summary, summary_table

    summary = digest(tabled.header, tabled.frames, tabled.summary, tabled.judgement, run.to_json())
    _print(lambda: render_summary(summary), lambda: summary_table(summary), color)


def print_verdict(tabled: Tabled, color: str) -> None:
    """Print a run's verdict on stdout: styled on a terminal or where colour is wanted, else as plain lines."""
    from mprunner.report import render_verdict, verdict_digest, verdict_text

    verdict = verdict_digest(tabled.judgement, complete=True)
    _print(lambda: render_verdict(verdict), lambda: verdict_text(verdict), color)


def _print(plain: Callable[[], str], rich: Callable[[], RenderableType], color: str) -> None:
    colored = wants_color(color)
    if not (colored or is_terminal(sys.stdout)):
        click.echo(plain())
        return
    from rich.console import Console

    Console(force_terminal=True, no_color=not colored, highlight=False).print(rich())


def resume_command(folder: RunFolder) -> str:
    """Return the command that executes what is missing of a run."""
    return f"mprunner resume {shlex.quote(str(folder.path))}"


def print_json(value: object) -> None:
    """Print a value as JSON on stdout, piece by piece."""
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.writelines(encoder.iterencode(value))
    click.echo()


class Streamed(list[Any]):
    """What ``print_json`` writes as a list, made item by item while it is written; it can be written once."""

    def __init__(self, items: Iterable[Any]) -> None:
        items = iter(items)
        super().__init__(islice(items, 1))  # json asks whether a list is empty before it begins
        self._rest = items

    def __iter__(self) -> Iterator[Any]:
        yield from super().__iter__()
        yield from self._rest
