"""Earlier runs of what is compared: they show how far runs of the same code are apart on this machine."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Final

import pandas as pd

from mprunner.analysis.drift import EarlierRun, Median
from mprunner.errors import ResultsError
from mprunner.runs import RunFolder, RunInfo, code_of, earlier_siblings, environment_of, opened

MOST_RUNS: Final = 50
"""So many of the newest earlier runs are read, for both sides together."""
_MOST_LOOKED_AT: Final = 200  # of run.json
_MOST_BYTES: Final = 64 << 20  # of summary.csv of all of them: what a second reads
_COLUMNS: Final = {"case_id": "str", "metric": "str", "trials": "Int64", "median": "float64"}


def earlier_runs(
    compared: Sequence[tuple[RunFolder, RunInfo]], metrics: Sequence[str]
) -> tuple[EarlierRun, ...]:
    """Return the newest finished runs that began before the newest compared one, under the same environment.

    They are those of the same experiments, beside the compared runs in the results folder. One that can't be read is
    passed over.

    Args:
        compared: the runs of both sides, which are not among them.
        metrics: what is compared.
    """
    environments = {environment_of(run) for _, run in compared}
    scenarios = {run.content.get("scenario") for _, run in compared}
    found: list[EarlierRun] = []
    size = 0
    for folder in earlier_siblings([folder for folder, _ in compared])[:_MOST_LOOKED_AT]:
        try:
            run = folder.read_run()
            if (
                not run.is_finished
                or run.content.get("scenario") not in scenarios
                or environment_of(run) not in environments
            ):
                continue
            summary = folder.path / "summary.csv"
            size += summary.stat().st_size
            if size > _MOST_BYTES:
                break
            medians = _medians(summary, metrics)
        except (ResultsError, OSError, ValueError):  # ValueError: it is no such table
            continue
        found.append(
            EarlierRun(
                run_id=folder.run_id,
                began=run.started_at,
                code=(code_of(run), environment_of(run)),
                medians=medians,
            )
        )
        if len(found) == MOST_RUNS:
            break
    return tuple(found)


def _medians(summary: Path, metrics: Sequence[str]) -> dict[tuple[str, str], Median]:
    """Read the medians of some metrics; raise ValueError if it is no table of them."""
    with open(opened(summary), "rb") as file:
        frame = pd.read_csv(
            file, usecols=list(_COLUMNS), dtype=_COLUMNS, keep_default_na=False, na_values=[""]
        )
    frame = frame[frame["metric"].isin(list(metrics)) & frame["median"].notna() & frame["trials"].notna()]
    rows = zip(*(frame[name].tolist() for name in _COLUMNS), strict=True)
    return {
        (case_id, metric): Median(median, trials)
        for case_id, metric, trials, median in rows
        if isfinite(median)
    }
