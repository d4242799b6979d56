"""What tables cost: those of 1,000,000 samples against ``DataFrame.to_csv`` of the same frame; ``make bench``.

Both are measured in turn, each in a process of its own, so that the peak memory is that of one of them.
"""

import multiprocessing
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter

from mprunner.model.declaration import Field
from mprunner.runs import Journal
from mprunner.runs.folder import RunFolder
from mprunner.tables.datapackage import read_package, read_tables
from mprunner.workflow.tabulate import write_tables

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests import made

SAMPLES = 1_000_000
FEW = 100_000
PER_TRIAL = 1_000
TURNS = 3
DECLARATION = replace(
    made.DECLARATION,
    sample=(
        Field(name="task", type="int"),
        Field(name="wall_s", type="float"),
        Field(name="kind", type="str"),
    ),
)


def main() -> None:
    """Measure both, and print the ratio of their times and the peak memory of each."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder, small = RunFolder(Path(name)), RunFolder(Path(name) / "few")
        small.path.mkdir()
        _write_journal(folder, SAMPLES)
        _write_journal(small, FEW)
        measured(_tables, folder)  # so that the yardstick has its frame
        ours, theirs = [], []
        for _ in range(TURNS):
            ours.append(measured(_tables, folder))
            theirs.append(measured(_to_csv, folder))
        _, few = measured(_tables, small)
    seconds, yardstick = (statistics.median(s for s, _ in each) for each in (ours, theirs))
    print(
        f"tables of {SAMPLES:,} samples ÷ to_csv of the frame: {seconds / yardstick:.2f}× (≤ 2×); peak memory "
        f"{ours[0][1]:.0f} MiB, of {FEW:,} samples {few:.0f} MiB, of to_csv with the frame "
        f"{theirs[0][1]:.0f} MiB",
        flush=True,
    )


def measured(what: Callable[[RunFolder], float], folder: RunFolder) -> tuple[float, float]:
    """Call something in a fresh process; return the seconds that it took and the peak memory in MiB."""
    receiver, sender = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_measured, args=(what, folder, sender))
    process.start()
    seconds, peak = receiver.recv()
    process.join()
    return seconds, peak


def _measured(what: Callable[[RunFolder], float], folder: RunFolder, sender: Connection) -> None:
    seconds = what(folder)
    sender.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def _tables(folder: RunFolder) -> float:
    began = perf_counter()
    write_tables(folder)
    return perf_counter() - began


def _to_csv(folder: RunFolder) -> float:
    frame = read_tables(read_package(folder.path))["samples"]
    began = perf_counter()
    frame.to_csv(folder.path / "yardstick.csv", index=False)
    return perf_counter() - began


def _write_journal(folder: RunFolder, samples: int) -> None:
    trials = samples // PER_TRIAL
    with Journal.create(folder.journal, made.header(DECLARATION, name="sampled", planned=trials)) as journal:
        for number in range(trials):
            tasks = range(number * PER_TRIAL, (number + 1) * PER_TRIAL)
            rows = [{"task": task % PER_TRIAL, "wall_s": task / 7e6, "kind": "fast"} for task in tasks]
            journal.ended(made.record("none", number, samples=rows))


if __name__ == "__main__":
    main()
