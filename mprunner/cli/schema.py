"""``mprunner schema``: what an editor needs to complete and check experiment files."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mprunner.cli import say
from mprunner.cli.options import plugin_option, warn_of_plugins
from mprunner.cli.output import writable_output


@click.command("schema", short_help="Write a JSON Schema of experiment files, for editors.")
@plugin_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to FILE, not to stdout.",
)
def command(plugin: tuple[Path, ...], output: Path | None) -> int:
    """Write a JSON Schema (draft 7) of experiment files, with the params of every installed scenario.

    With it an editor completes keys, params and values, explains them, and marks mistakes while you type. Write it
    beside your experiments:

    \b
      mprunner schema --output experiment.schema.json

    and name it in the first line of each of them, for every editor that has the YAML language server:

    \b
      # yaml-language-server: $schema=experiment.schema.json
    """
    from mprunner.experiment import experiment_schema
    from mprunner.plugins.registry import load_registry
    from mprunner.runs import written_atomically

    if output is not None:
        output = writable_output("--output", output, b'"$schema"', "JSON Schema")
    registry = load_registry(plugin)
    warn_of_plugins(registry)
    schema = experiment_schema(scenario.declaration for scenario in registry.scenarios.values())
    text = json.dumps(schema, indent=2, ensure_ascii=False, allow_nan=False)
    if output is None:
        say(text)
        return 0
    with written_atomically(output) as file:
        file.write(text + "\n")
    return 0
