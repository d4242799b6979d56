"""Earlier runs of what is compared: they show how far runs of the same code are apart on this machine."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final

import pandas as pd

from mprunner.analysis.drift import EarlierRun, Median
from mprunner.analysis.summary import counted
from mprunner.errors import ResultsError
from mprunner.model.columns import MEASURED
from mprunner.runs import RunFolder, RunInfo, code_of, earlier_siblings, environment_of, opened

MOST_RUNS: Final = 50
"""So many of the newest earlier runs are read, for both sides together."""
_MOST_LOOKED_AT: Final = 200  # of run.json
_MOST_BYTES: Final = 64 << 20  # of the tables of all of them: what a second reads
_SUMMARY: Final = {"case_id": "str", "metric": "str", "trials": "Int64", "median": "float64"}
_TRIALS: Final = {"case_id": "str", "is_final": "bool", "is_warmup": "bool", "status": "str"}


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
    scenarios = {str(run.content.get("scenario")) for _, run in compared}
    found: list[EarlierRun] = []
    size = 0
    for folder in earlier_siblings([folder for folder, _ in compared])[:_MOST_LOOKED_AT]:
        try:
            run = folder.read_run()
            if (
                not run.is_finished
                or str(run.content.get("scenario")) not in scenarios
                or environment_of(run) not in environments
            ):
                continue
            tables = [folder.path / f"{name}.csv" for name, wanted in _tables(metrics).items() if wanted]
            size += sum(table.stat().st_size for table in tables)
            if size > _MOST_BYTES:
                break
            medians = _medians(folder.path, metrics)
        except (ResultsError, OSError, ValueError, TypeError, OverflowError):  # it has no such table
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


def _tables(metrics: Sequence[str]) -> dict[str, list[str]]:
    """Return which metrics are in which table; summaries of earlier versions have none that mprunner measures."""
    own = [metric for metric in metrics if metric in MEASURED]
    return {"summary": [metric for metric in metrics if metric not in own], "trials": own}


def _medians(run: Path, metrics: Sequence[str]) -> dict[tuple[str, str], Median]:
    """Read the medians of some metrics; raise ValueError if a table is none of them."""
    found: dict[tuple[str, str], Median] = {}
    of_table = _tables(metrics)
    if wanted := of_table["summary"]:
        frame = _read(run / "summary.csv", _SUMMARY)
        found |= _taken(frame[frame["metric"].isin(wanted)])
    if wanted := of_table["trials"]:
        frame = _read(run / "trials.csv", {**_TRIALS, **dict.fromkeys(wanted, "float64")})
        trials = counted(frame)
        for metric in wanted:
            by_case = trials.groupby("case_id")[metric].agg(["count", "median"]).reset_index()
            found |= _taken(by_case.rename(columns={"count": "trials"}).assign(metric=metric))
    return found


def _read(path: Path, types: Mapping[str, Any]) -> pd.DataFrame:
    with open(opened(path), "rb") as file:
        return pd.read_csv(
            file, usecols=list(types), dtype=dict(types), keep_default_na=False, na_values=[""]
        )


def _taken(frame: pd.DataFrame) -> dict[tuple[str, str], Median]:
    present = frame[frame["median"].notna() & frame["trials"].notna()]
    rows = zip(*(present[name].tolist() for name in _SUMMARY), strict=True)
    return {
        (case_id, metric): Median(median, trials)
        for case_id, metric, trials, median in rows
        if isfinite(median)
    }
