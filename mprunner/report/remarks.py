"""What is remarked below the cases of a run: which of them is the fastest, and what makes the numbers doubtful."""

from collections.abc import Mapping
from typing import Any

from mprunner.analysis.fastest import fastest, groups_of, in_words
from mprunner.analysis.noise import noise_of_cases, noise_of_machine, too_few_repeats
from mprunner.analysis.summary import counted, partners_of, values_of
from mprunner.declarations import Declaration, Field
from mprunner.escapes import printable
from mprunner.journal import Header
from mprunner.tables import Frames

_USUAL = "wall_s"
MOST_FASTEST = 3
"""Of more groups of cases the fastest are not told: the summary is to stay short."""


def compared_field(declaration: Declaration) -> Field | None:
    """Return the metric in which a scenario's cases are compared: ``wall_s``, else its first duration."""
    numeric = [field for field in declaration.metrics if field.type in ("int", "float")]
    usual = (field for field in numeric if field.name == _USUAL)
    return next(usual, None) or next((field for field in numeric if field.unit == "s"), None)


def fastest_cases(header: Header, frames: Frames) -> tuple[str, ...]:
    """Say which cases are the fastest, each of those that are compared with the same case of the baseline."""
    field = compared_field(header.declaration)
    if field is None or field.unit != "s":
        return ()
    values = values_of(counted(frames.trials), field.name)
    groups = groups_of(partners_of(frames, header))
    told = [
        in_words(found, group, frames.params)
        for group in groups
        if (found := fastest(values, group)) is not None
    ]
    return tuple(told) if len(told) <= MOST_FASTEST else ()


def noise(header: Header, frames: Frames, facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what makes a run's durations doubtful.

    Args:
        header: of the run's journal.
        frames: its tables.
        facts: the content of its run.json.
    """
    machine = noise_of_machine(facts)
    field = compared_field(header.declaration)
    if field is None:
        return machine
    values = values_of(counted(frames.trials).sort_values("repeat"), field.name)
    cases = {
        printable(label): list(values.get(case_id, {}).values()) for case_id, label in frames.labels.items()
    }
    few = too_few_repeats(cases) if partners_of(frames, header) else ()  # else the summary tells no interval
    return (*noise_of_cases(field.name, cases), *few, *machine)
