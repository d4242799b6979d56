"""What several commands share: options, warnings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mprunner.registry import Registry

plugin_option = click.option(
    "--plugin",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE.py",
    help="A Python file with scenarios of your own; may be repeated.",
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
