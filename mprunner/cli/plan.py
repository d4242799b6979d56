"""``mprunner plan``: what would be executed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mprunner.cli import say
from mprunner.cli.executing import files_argument, is_several, prepare_all
from mprunner.cli.options import (
    only_option,
    plugin_option,
    results_option,
    set_option,
    strict_option,
    tell_left_out,
)
from mprunner.cli.output import Streamed, json_option, print_json

if TYPE_CHECKING:
    from mprunner.experiment import Plan
    from mprunner.model.adaptive import Until
    from mprunner.workflow.duration import Estimate
    from mprunner.workflow.prepare import Prepared

SHOWN: Final = 20


@click.command("plan", short_help="Show which trials an experiment makes.")
@files_argument
@set_option
@only_option
@plugin_option
@click.option("--all", "show_all", is_flag=True, help=f"Show every trial, not only the first {SHOWN}.")
@strict_option
@results_option
@json_option
def command(
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    plugin: tuple[Path, ...],
    show_all: bool,
    strict: bool,
    results: Path,
    as_json: bool,
) -> int:
    """Show the cases and trials that the experiment in FILE makes, in execution order, and execute nothing.

    Several files, or a folder, which stands for the *.yaml and *.yml files in it, are shown one after the other; with
    --json as a list.

    The time that it takes is estimated by the newest run of the same experiment that has trials of the same cases.
    """
    from mprunner.experiment import Asked
    from mprunner.workflow.duration import estimate

    several = is_several(files)
    every = prepare_all(files, plugin, Asked(overrides=overrides, only=only), strict=strict)
    if as_json:
        values = (plan_json(p, estimate(p.plan, p.experiment.name, results)) for p in every)
        print_json(Streamed(values) if several else next(values))
        return 0
    for number, prepared in enumerate(every):
        if number:
            say()
        expected = estimate(prepared.plan, prepared.experiment.name, results)
        say(plan_text(prepared, expected, None if show_all else SHOWN))
        tell_left_out(prepared.experiment, prepared.plan, named=len(every) > 1)
    return 0


def plan_text(prepared: Prepared, expected: Estimate, most: int | None) -> str:
    """Describe a plan: its size, its time, its cases, and its first ``most`` trials in execution order."""
    plan, experiment = prepared.plan, prepared.experiment
    until = experiment.until
    if until is not None and until.least >= plan.repeats:
        until = None  # all repeats are needed, whatever the interval
    lines = [f"{experiment.name}: {experiment.scenario}, {_size(plan, until)}, {plan.order}"]
    lines += [time_text(expected, len(plan.cases), may_be_less=until is not None), ""]
    if experiment.variants:
        width = max(map(len, experiment.variants))
        told = (f"  variant {name:<{width}}  {variant}" for name, variant in experiment.variants.items())
        lines += [*told, ""]
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


def time_text(expected: Estimate, cases: int, *, may_be_less: bool = False) -> str:
    """Say how long a plan of so many cases takes, and by what that is said; less, if not all repeats are needed."""
    from mprunner.cli.progress import duration

    if expected.run_id is None:
        return f"at most {duration(expected.seconds)}, if every trial took its whole timeout"
    measured = "was" if expected.known == 1 else "were"
    return (
        f"{'at most ' if may_be_less else ''}about {duration(expected.seconds)}, by run {expected.run_id}: "
        f"{expected.known:,} of {cases:,} {'case' if cases == 1 else 'cases'} {measured} measured there"
    )


def _size(plan: Plan, until: Until | None) -> str:
    cases = "1 case" if len(plan.cases) == 1 else f"{len(plan.cases):,} cases"
    least = "" if until is None else f"{until.least:,} to "
    repeats = "1 repeat" if plan.repeats == 1 else f"{least}{plan.repeats:,} repeats"
    if plan.warmup:
        repeats = f"({repeats} + {plan.warmup:,} warm-up)"
    at_most = "" if until is None else "at most "
    return f"{cases} × {repeats} = {at_most}{len(plan):,} {'trial' if len(plan) == 1 else 'trials'}"


def plan_json(prepared: Prepared, expected: Estimate) -> dict[str, Any]:
    """Return a plan as JSON: the experiment, the cases, the trials in execution order, what was left out, time."""
    plan = prepared.plan
    return {
        "experiment": prepared.experiment.to_json(),
        "cases": Streamed(
            {"case_id": c.case_id, "label": c.label, "params": dict(c.params)} for c in plan.cases
        ),
        "trials": Streamed(
            {
                "trial_id": attempt.trial_id,
                "case_id": attempt.case_id,
                "repeat": attempt.repeat,
                "order": attempt.order,
                "is_warmup": attempt.is_warmup,
                "seed": attempt.seed,
            }
            for attempt in plan
        ),
        "excluded": plan.excluded,
        "not_selected": plan.not_selected,
        "repeated": plan.repeated,
        "merged": plan.merged,
        "unused": [field.name for field in plan.unused],
        "refused": Streamed(
            {"label": r.label, "params": dict(r.params), "reason": r.reason} for r in plan.refused
        ),
        "estimate": expected.to_json(),
    }
