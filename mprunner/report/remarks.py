"""What is remarked below the cases of a run: why trials failed, which is the fastest, what makes numbers doubtful."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mprunner.analysis.fastest import fastest, groups_of, in_words
from mprunner.analysis.noise import noise_of_cases, noise_of_machine, too_few_repeats
from mprunner.analysis.summary import counted, partners_of, values_of
from mprunner.analysis.wording import trials
from mprunner.declarations import Declaration, Field
from mprunner.escapes import printable
from mprunner.journal import Header
from mprunner.records import Status
from mprunner.report.reason import reason
from mprunner.tables import Frames

_USUAL = "wall_s"
MOST_FASTEST = 3
"""Of more groups of cases the fastest are not told: the summary is to stay short."""

MOST_REASONS = 3
"""More different endings than these are only counted, likewise."""
_ENDED = ("status", "error_type", "error_message", "signal", "exit_code", "trial_id", "attempt")
_WITH_LOG = (Status.ERROR, Status.TIMEOUT)
"""These always say more in their log than in their row: the traceback, and the stacks of every process."""


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


def failures(final: pd.DataFrame) -> tuple[str, ...]:
    """Say why trials were not ok, what most of them ended of first, and where one of them has told more.

    Args:
        final: the rows of ``trials`` that count; warm-ups may be among them.
    """
    failed = final[~final["status"].isin([Status.OK.value, Status.CANCELLED.value])]
    first: dict[str, str] = {}
    counts: Counter[str] = Counter()
    columns = ([None if pd.isna(cell) else cell for cell in failed[name]] for name in _ENDED)
    for status, error_type, message, number, exit_code, trial_id, attempt in zip(*columns, strict=True):
        why = reason(Status(status), error_type, message, number, exit_code)
        told = f"{status}: {why}" if why else status
        if why or status == Status.TIMEOUT:
            first.setdefault(told, f"; see logs/{trial_id}.{attempt}.log" if status in _WITH_LOG else "")
            counts[told] += 1
    of = trials(len(final))
    lines = [f"{told} ({count:,} of {of}{first[told]})" for told, count in counts.most_common(MOST_REASONS)]
    if len(counts) > MOST_REASONS:
        lines.append(f"… and {len(counts) - MOST_REASONS} more reasons in trials.csv")
    return tuple(lines)
