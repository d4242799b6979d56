"""``mprunner plan``: what would be executed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mprunner.cli.options import only_option, plugin_option, set_option, strict_option, tell_left_out
from mprunner.cli.output import json_option, print_json
from mprunner.cli.several import files_argument, is_several, prepare_all

if TYPE_CHECKING:
    from mprunner.plan import Plan
    from mprunner.preparing import Prepared
    from mprunner.until import Until

SHOWN: Final = 20


@click.command("plan", short_help="Show which trials an experiment makes.")
@files_argument
@set_option
@only_option
@plugin_option
@click.option("--all", "show_all", is_flag=True, help=f"Show every trial, not only the first {SHOWN}.")
@strict_option
@json_option
def command(
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    plugin: tuple[Path, ...],
    show_all: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Show the cases and trials that the experiment in FILE makes, in execution order, and execute nothing.

    Several files, or a folder, which stands for the *.yaml and *.yml files in it, are shown one after the other; with
    --json as a list.
    """
    from mprunner.spec import Asked

    several = is_several(files)
    every = prepare_all(files, plugin, Asked(overrides=overrides, only=only), strict=strict)
    if as_json:
        print_json([plan_json(prepared) for prepared in every] if several else plan_json(every[0]))
        return 0
    for number, prepared in enumerate(every):
        if number:
            click.echo()
        click.echo(plan_text(prepared, None if show_all else SHOWN))
        tell_left_out(prepared.plan, prepared.experiment.name if len(every) > 1 else "")
    return 0


def plan_text(prepared: Prepared, most: int | None) -> str:
    """Describe a plan: its size, its cases, and its first ``most`` trials in execution order."""
    plan, experiment = prepared.plan, prepared.experiment
    lines = [f"{experiment.name}: {experiment.scenario}, {_size(plan, experiment.until)}, {plan.order}", ""]
    lines += [f"  {case.case_id}  {case.label or 'the only case'}" for case in islice(plan.cases, most)]
    if most is not None and len(plan.cases) > most:
        lines.append(f"  … {len(plan.cases) - most:,} more cases")
    lines += ["", "in this order:", ""]
    width = len(f"{len(plan):,}")
    for attempt in islice(plan, most):
        repeat = f"warm-up {-attempt.repeat}" if attempt.is_warmup else f"repeat {attempt.repeat}"
        label = attempt.case_label or "the only case"
        lines.append(f"  {attempt.order + 1:>{width},}  {attempt.trial_id}  {label}, {repeat}")
    if most is not None and len(plan) > most:
        lines.append(f"  {'…':>{width}}  {len(plan) - most:,} more; --all shows them")
    return "\n".join(lines)


def _size(plan: Plan, until: Until | None) -> str:
    cases = "1 case" if len(plan.cases) == 1 else f"{len(plan.cases):,} cases"
    least = "" if until is None else f"{until.least:,} to "
    repeats = "1 repeat" if plan.repeats == 1 else f"{least}{plan.repeats:,} repeats"
    if plan.warmup:
        repeats = f"({repeats} + {plan.warmup:,} warm-up)"
    at_most = "" if until is None else "at most "
    return f"{cases} × {repeats} = {at_most}{len(plan):,} {'trial' if len(plan) == 1 else 'trials'}"


def plan_json(prepared: Prepared) -> dict[str, Any]:
    """Return a plan as JSON: the experiment, the cases, the trials in execution order, what was left out."""
    plan = prepared.plan
    return {
        "experiment": prepared.experiment.to_json(),
        "cases": [{"case_id": c.case_id, "label": c.label, "params": dict(c.params)} for c in plan.cases],
        "trials": [
            {
                "trial_id": attempt.trial_id,
                "case_id": attempt.case_id,
                "repeat": attempt.repeat,
                "order": attempt.order,
                "is_warmup": attempt.is_warmup,
                "seed": attempt.seed,
            }
            for attempt in plan
        ],
        "excluded": plan.excluded,
        "not_selected": plan.not_selected,
        "refused": [{"label": r.label, "params": dict(r.params), "reason": r.reason} for r in plan.refused],
    }
