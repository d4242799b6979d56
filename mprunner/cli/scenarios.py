"""``mprunner scenarios``: what can be studied, and with which parameters."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.options import plugin_option, warn_of_plugins
from mprunner.cli.output import is_terminal, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mprunner.model.declaration import Declaration, Field
    from mprunner.plugins.registry import Plugin, RegisteredScenario


@click.command("scenarios", short_help="List the scenarios, or describe one.")
@click.argument("name", required=False)
@plugin_option
@json_option
def command(name: str | None, plugin: tuple[Path, ...], as_json: bool) -> int:
    """List the installed scenarios, or describe the one called NAME: its params, metrics and outcomes."""
    from mprunner.plugins.registry import load_registry

    registry = load_registry(plugin)
    warn_of_plugins(registry)
    found = list(registry.scenarios.values()) if name is None else [registry.scenario(name)]
    if as_json:
        print_json(
            [scenario.declaration.to_json() | {"plugin": asdict(scenario.plugin)} for scenario in found]
        )
    elif name is None:
        say(listing(found))
    else:
        columns = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None
        say(description(found[0].declaration, found[0].plugin, columns))
    return 0


def listing(scenarios: Iterable[RegisteredScenario]) -> str:
    """Return one line per scenario: its name, what it does, where it comes from."""
    rows = sorted(
        (s.declaration.name, s.declaration.doc.partition("\n")[0], str(s.plugin)) for s in scenarios
    )
    if not rows:
        return "no scenario is installed"
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{width}}  {doc}  [{plugin}]" for name, doc, plugin in rows]
    return "\n".join([*lines, "", "mprunner scenarios NAME describes one."])


def description(declaration: Declaration, plugin: Plugin, columns: int | None = None) -> str:
    """Return everything that a scenario declares, for a person; wrapped to so many columns, where they are given."""
    blocks = {
        "params": [(_name_of_param(f), _doc(f)) for f in declaration.params],
        "metrics": [(f.name, _doc(f)) for f in declaration.metrics],
        "outcomes": list(declaration.outcomes.items()),
        "samples": [(f.name, _doc(f)) for f in declaration.sample or ()],
        "baseline, where an experiment names none": [
            (name, _shown(value)) for name, value in declaration.baseline.items()
        ],
    }
    always = ("params", "metrics")
    parts = [
        f"{declaration.name}  [{plugin}]",
        *(_paragraph(p, columns) for p in declaration.doc.split("\n\n")),
    ]
    parts += [f"{name}\n{_block(rows, columns)}" for name, rows in blocks.items() if rows or name in always]
    return "\n\n".join(part for part in parts if part)


def _paragraph(text: str, columns: int | None) -> str:
    is_prose = columns is not None and not re.search(
        r"^\s", text, re.MULTILINE
    )  # else it is laid out as it is
    return textwrap.fill(text, columns) if is_prose and columns is not None else text


def _block(rows: Sequence[tuple[str, str]], columns: int | None) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    lines = [f"  {name:<{width}}  {doc}".rstrip() for name, doc in rows]
    if columns is not None:
        indent = " " * (width + 4 if width < columns // 2 else 6)
        lines = [textwrap.fill(line, columns, subsequent_indent=indent) for line in lines]
    return "\n".join(lines)


def _name_of_param(field: Field) -> str:
    return field.name if field.required else f"{field.name} = {_shown(field.default)}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _doc(field: Field) -> str:
    from mprunner.model.relevance import conditions_in_words

    kind = " | ".join(map(_shown, field.choices)) if field.choices else field.type
    if field.counts_processes:
        kind = "processes: a number or cpu_count"
    if field.optional:
        kind += " or null"
    limits = ", ".join(f"{_SIGNS.get(name, name)} {value}" for name, value in field.bounds.items())
    facts = ", ".join(part for part in (kind, limits, field.unit and f"unit {field.unit}") if part)
    facts = "; ".join((facts, *conditions_in_words(field)))
    return f"{field.doc} ({facts})" if field.doc else f"({facts})"


_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}
