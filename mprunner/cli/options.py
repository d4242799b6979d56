"""What several commands share: options, warnings."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mprunner.cli import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mprunner.experiment import Experiment, Plan, Refusal
    from mprunner.plugins.registry import Registry

REASONS: Final = 5
LOOKED_AT: Final = 10_000

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

set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Give a key of the file another value, as in repeats=3 or sweep.guard=[none,lock]; may be repeated.",
)

only_option = click.option(
    "--only",
    multiple=True,
    metavar="PARAM=VALUE",
    help="Take only the cases that have the value, or one of a list of values; may be repeated.",
)

strict_option = click.option(
    "--strict", is_flag=True, help="Refuse the experiment if the scenario refuses one of its combinations."
)

orphans_option = click.option(
    "--beside-orphans",
    is_flag=True,
    help="Measure although processes of an earlier run, whose runner was killed, are still there.",
)


def named_file(run: str | None) -> Path | None:
    """Return the experiment file by which a run was named, which may have been edited; None if it was otherwise."""
    return Path(run) if run is not None and run.endswith((".yaml", ".yml")) and Path(run).is_file() else None


def warn(message: str, hint: str = "") -> None:
    """Print a warning, and its hint, on stderr."""
    say(f"warning: {message}", err=True)
    if hint:
        say(f"hint: {hint}", err=True)


def warn_of_plugins(registry: Registry) -> None:
    """Warn of every problem with a plugin, and say which scenario replaces another of the same name."""
    for problem in registry.problems:
        warn(str(problem), problem.hint)
    for notice in registry.notices:
        say(f"note: {notice}", err=True)


_PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def checked_place(place: str, what: str) -> str:
    """Return the place of something of a person's own, ``module:name``.

    Raises:
        click.UsageError: it is none.
    """
    stem = re.sub(r"\.py(?=:|$)", "", place).replace("/", ".")
    if _PLACE.fullmatch(place) and stem == place:
        return place
    module, _, name = stem.rpartition(":" if ":" in stem else ".")
    near = f"{module}:{name}"
    hint = f"did you mean {near}?" if _PLACE.fullmatch(near) else f"write package.module:{what}"
    raise click.UsageError(f"{place!r} is no place of a {what}.\nhint: {hint}")


def tell_left_out(experiment: Experiment, plan: Plan, *, named: bool = False) -> None:
    """Tell on stderr how many combinations are excluded, not selected, or refused by the scenario, and why.

    Args:
        experiment: what was planned.
        plan: the plan.
        named: whether its name is told too, as there are several.
    """
    from mprunner.model.relevance import conditions_in_words

    of = f"{experiment.name}: " if named else ""
    if experiment.left_out:
        say(f"{of}no interpreter here for variant {', '.join(experiment.left_out)}", err=True)
    for count, why in (
        (plan.excluded, "excluded"),
        (plan.repeated, "with the values of another, and no case of its own"),
        (
            plan.merged,
            "with the values of another but for what means nothing there, and no case of its own",
        ),
        (plan.not_selected, "not selected"),
    ):
        if count:
            say(f"{of}{_combinations(count)} {why}", err=True)
    for field in plan.unused:
        why = ", ".join(conditions_in_words(field))
        say(f"{of}params.{field.name} means nothing to any case: it does {why}", err=True)
    if plan.refused:
        say(of + refusals_text(plan.refused), err=True)


def refusals_text(refused: Sequence[Refusal]) -> str:
    """Say how many combinations the scenario refuses, by reason, the most frequent first, with an example of each.

    Of very many only the first are looked at: each is made anew for that.
    """
    examples: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for refusal in islice(refused, LOOKED_AT):
        examples.setdefault(refusal.reason, refusal.label)
        counts[refusal.reason] += 1
    total, rest = _combinations(len(refused)), len(refused) - LOOKED_AT
    if len(counts) == 1 and rest <= 0:
        ((reason, label),) = examples.items()
        return f"{total} left out; {label}: {reason}"
    told = counts.most_common(REASONS)
    lines = [f"  {count:,}, such as {examples[reason]}: {reason}" for reason, count in told]
    more = len(counts) - len(told)
    if more:
        lines.append(f"  … and {'1 more reason' if more == 1 else f'{more:,} more reasons'}")
    if rest > 0:
        lines.append(f"  {_combinations(rest)} more were not looked at")
    return "\n".join([f"{total} left out:", *lines])


def _combinations(count: int) -> str:
    return "1 combination" if count == 1 else f"{count:,} combinations"
