"""What several commands share: options, warnings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mprunner.plan import Plan
    from mprunner.registry import Registry

results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="The folder that holds a folder for every run.",
)

plugin_option = click.option(
    "--plugin",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE.py",
    help="A Python file with scenarios of your own; may be repeated.",
)

strict_option = click.option(
    "--strict", is_flag=True, help="Refuse the experiment if the scenario refuses one of its combinations."
)

orphans_option = click.option(
    "--beside-orphans",
    is_flag=True,
    help="Measure although processes of an earlier run, whose runner was killed, are still there.",
)


def warn(message: str, hint: str = "") -> None:
    """Print a warning, and its hint, on stderr."""
    click.echo(f"warning: {message}", err=True)
    if hint:
        click.echo(f"hint: {hint}", err=True)


def warn_of_plugins(registry: Registry) -> None:
    """Warn of every problem with a plugin, and tell which scenario stands in for another."""
    for problem in registry.problems:
        warn(str(problem), problem.hint)
    for notice in registry.notices:
        click.echo(f"note: {notice}", err=True)


def tell_left_out(plan: Plan) -> None:
    """Tell on stderr how many combinations are excluded, how many the scenario refuses, and why the first."""
    if plan.excluded:
        excluded = "1 combination" if plan.excluded == 1 else f"{plan.excluded:,} combinations"
        click.echo(f"{excluded} excluded", err=True)
    if plan.refused:
        first, count = plan.refused[0], len(plan.refused)
        combinations = "combination" if count == 1 else "combinations"
        click.echo(f"{count} {combinations} left out; {first.label}: {first.reason}", err=True)
