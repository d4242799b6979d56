"""``mprunner scenarios``: what can be studied, and with which parameters."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mprunner.cli import say
from mprunner.cli.options import plugin_option, warn_of_plugins
from mprunner.cli.output import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        say(description(found[0].declaration, found[0].plugin))
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


def description(declaration: Declaration, plugin: Plugin) -> str:
    """Return everything that a scenario declares, for a person."""
    parts = [f"{declaration.name}  [{plugin}]", declaration.doc]
    parts.append("params\n" + _block((_name_of_param(f), _doc(f)) for f in declaration.params))
    parts.append("metrics\n" + _block((f.name, _doc(f)) for f in declaration.metrics))
    if declaration.outcomes:
        parts.append("outcomes\n" + _block(declaration.outcomes.items()))
    if declaration.sample:
        parts.append("samples\n" + _block((f.name, _doc(f)) for f in declaration.sample))
    return "\n\n".join(part for part in parts if part)


def _block(rows: Iterable[tuple[str, str]]) -> str:
    kept = list(rows)
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(f"  {name:<{width}}  {doc}".rstrip() for name, doc in kept)


def _name_of_param(field: Field) -> str:
    return field.name if field.required else f"{field.name} = {_shown(field.default)}"


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    return str(value)


def _doc(field: Field) -> str:
    kind = " | ".join(map(_shown, field.choices)) if field.choices else field.type
    if field.counts_processes:
        kind = "processes: a number or cpu_count"
    if field.optional:
        kind += " or null"
    limits = ", ".join(f"{_SIGNS.get(name, name)} {value}" for name, value in field.bounds.items())
    facts = ", ".join(part for part in (kind, limits, field.unit and f"unit {field.unit}") if part)
    return f"{field.doc} ({facts})" if field.doc else f"({facts})"


_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "multiple_of": "a multiple of"}
