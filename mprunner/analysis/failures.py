"""Why the trials of a run failed: each different ending once, with how many trials had it."""

import signal
from collections import Counter

import pandas as pd

from mprunner.analysis.reason import reason
from mprunner.analysis.wording import trials
from mprunner.records import Status

MOST_REASONS = 5
"""Of more different endings the others are only counted: what is told is to stay short."""
_ENDED = ("status", "error_type", "error_message", "signal", "exit_code", "trial_id", "attempt")
_CRASHES = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)


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
            first.setdefault(told, f"; see logs/{trial_id}.{attempt}.log" if _has_log(status, number) else "")
            counts[told] += 1
    of = trials(len(final))
    lines = [f"{told} ({count:,} of {of}{first[told]})" for told, count in counts.most_common(MOST_REASONS)]
    if len(counts) > MOST_REASONS:
        lines.append(f"… and {len(counts) - MOST_REASONS} more reasons in trials.csv")
    return tuple(lines)


def _has_log(status: str, number: int | None) -> bool:
    """Whether there is more in a log than in the row: a traceback, the stacks of every process, or of a crash."""
    return status in (Status.ERROR, Status.TIMEOUT) or (status == Status.SIGNAL and number in _CRASHES)
