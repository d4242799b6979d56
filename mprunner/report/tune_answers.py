"""What ``mprunner tune`` answers: which pool is fastest, what it gains, what it costs, and from how many items on."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import pandas as pd

from mprunner.analysis.statistics import Interval
from mprunner.analysis.summary import counted
from mprunner.errors import guarded
from mprunner.model.provenance import Header
from mprunner.model.text import printable
from mprunner.report.wording import bracketed, factor, number, quantity
from mprunner.tables import Frames
from mprunner.values import Scalar

_METRIC: Final = "wall_s"
MOST_ALIKE: Final = 3
HELPS: Final = 1.1
"""A speed-up that is worth a pool."""

_Params = Mapping[str, Scalar]
_Rows = Mapping[str, Mapping[str, Any]]


def tune_answer(header: Header, frames: Frames, summary: pd.DataFrame) -> tuple[str, ...]:
    """Return the answer in sentences, the fastest first; empty where nothing could be measured.

    Args:
        header: of the run's journal.
        frames: its tables.
        summary: case × metric.
    """
    rows = {
        str(row["case_id"]): {str(name): value for name, value in row.items()}
        for row in summary[summary["metric"] == _METRIC].to_dict("records")
        if pd.notna(row["median"])
    }
    loops = [case for case in rows if frames.params[case].get("method") == "serial"]
    if not loops or len(rows) < 2:
        return ()
    parts = (
        partial(_fastest, frames, rows, loops[0]),
        partial(_threads, frames, rows),
        partial(_costs, frames, rows, loops[0]),
    )
    return tuple(told for part in parts if (told := guarded("the answer", part, "")))


def _fastest(frames: Frames, rows: _Rows, loop: str) -> str:
    most = max(row["trials"] for row in rows.values())
    left = [case for case, row in rows.items() if row["trials"] == most]
    best = min(left, key=lambda case: float(rows[case]["median"]))
    found = _speedup(rows[best])
    alike = [case for case in left if case not in (best, loop)]
    told = _and_others(frames, alike)
    if best == loop or found is None or found[1] is None or found[1].low <= 1:
        return f"A plain loop: no pool is clearly faster{f' (not told apart: {told})' if told else ''}."
    gain = f"{factor(found[0], found[1])}×{bracketed(found[1])} faster than a loop"
    return f"{_pool(frames.params[best])}: {gain}{f'; not told apart: {told}' if told else ''}."


def _and_others(frames: Frames, cases: list[str]) -> str:
    """Name some pools, and of more how many there are; those that differ in the chunks alone are one."""
    groups: dict[str, list[str]] = {}
    for case in cases:
        params = frames.params[case]
        groups.setdefault(_pool({**params, "chunksize": 0}), []).append(_chunks(params))
    named = [f"{name[:1].lower()}{name[1:]}, {' or '.join(chunks)}" for name, chunks in groups.items()]
    more = f" and {number(len(named) - MOST_ALIKE)} more" if named[MOST_ALIKE:] else ""
    return "; ".join(named[:MOST_ALIKE]) + more


def _pool(params: _Params) -> str:
    kinds = {"process": "processes", "thread": "threads", "interpreter": "interpreters"}
    kind = kinds.get(str(params["kind"]), str(params["kind"]))
    method = "" if params["method"] == "map" else f" ({printable(str(params['method']))})"
    start = (
        ""
        if params.get("start_method") in ("fork", None) or params["kind"] != "process"
        else (f" by {printable(str(params['start_method']))}")
    )
    chunks = "" if params["chunksize"] == 0 else f", {_chunks(params)}"
    return f"A pool of {params['processes']} {kind}{start}{method}{chunks}"


def _chunks(params: _Params) -> str:
    size = params["chunksize"]
    if size is None:
        return "automatic chunks"
    return "single items" if size == 1 else f"chunks of {number(int(str(size)))}"


def _speedup(row: Mapping[str, Any]) -> tuple[float, Interval | None] | None:
    """Return how many times as fast as the loop a case is."""
    if pd.isna(row["speedup"]):
        return None
    low, high = row["speedup_ci_low"], row["speedup_ci_high"]
    return float(row["speedup"]), None if pd.isna(low) else Interval(float(low), float(high))


def _best_of(frames: Frames, rows: _Rows, kind: str) -> str | None:
    own = [
        case
        for case in rows
        if frames.params[case].get("kind") == kind and frames.params[case].get("method") != "serial"
    ]
    return min(own, key=lambda case: float(rows[case]["median"]), default=None)


def _threads(frames: Frames, rows: _Rows) -> str:
    """Say whether threads help, and why not where processes do."""
    thread, process = (_best_of(frames, rows, kind) for kind in ("thread", "process"))
    if thread is None or process is None:
        return ""
    by_threads, by_processes = _speedup(rows[thread]), _speedup(rows[process])
    if by_threads is None or by_processes is None:
        return ""
    if by_threads[0] >= HELPS:
        ratios = f"{factor(by_threads[0])}× as fast as a loop; processes: {factor(by_processes[0])}×"
        return f"The best pool of threads: {ratios}."
    if by_processes[0] >= HELPS:
        return "Threads don't help here: the function holds the GIL."
    return "Neither threads nor processes help here."


def _costs(frames: Frames, rows: _Rows, loop: str) -> str:
    """Say what starting a pool of processes and sending items cost, and from how many items on it pays."""
    best = _best_of(frames, rows, "process")
    if best is None:
        return ""
    trials = counted(frames.trials)
    mine, alone = (trials[trials["case_id"] == case] for case in (best, loop))
    start = float((mine["pool_start_s"] + mine["shutdown_s"]).median())
    items = float(mine["tasks"].median())
    processes = int(str(frames.params[best]["processes"]))
    of_item = float(mine["map_s"].median()) / items
    work = float(mine["busy_s"].median()) / processes / items
    in_loop = float(alone["map_s"].median()) / float(alone["tasks"].median())
    told = (
        f"Starting and ending the best pool of processes takes {quantity(start, 's')}, sending an item and its "
        f"result {quantity(max(0.0, of_item - work), 's')}, the work on it {quantity(in_loop, 's')}"
    )
    if in_loop <= of_item:
        return f"{told}: so it doesn't pay for any number of items."
    return (
        f"{told}: it pays above some {number(max(1, round(start / (in_loop - of_item))))} items like these."
    )
