"""Is what a scenario measures what a hand-written script measures? ``make bench`` asks it of all four.

In each turn the script is executed twice and the scenario once, so that all see the same minutes. The script
against itself, A/A, says what chance alone makes of the ratio. Work of one actor should be within 3 %; of several,
the ratio's interval should overlap that of A/A.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from mprunner.analysis.statistics import Interval, median_interval
from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from bench import new_attempt  # noqa: E402 - it stands beside this script

SCRIPTS = Path(__file__).parent / "scripts"
TURNS = 5


@dataclass(frozen=True)
class Pair:
    """The same work as a scenario's params and as the arguments of the script that is called as its module."""

    script: str
    what: str
    params: Mapping[str, Any]
    arguments: tuple[object, ...]

    @property
    def name(self) -> str:
        """What is told of it."""
        return f"{self.script.replace('_', '-')}, {self.what}"

    @property
    def is_single(self) -> bool:
        """Whether one actor does all of it."""
        return self.what in ("sequential", "serial")

    def executor(self) -> LocalExecutor:
        """Return what executes the scenario."""
        qualname = self.script.title().replace("_", "")
        return LocalExecutor(
            ScenarioSource(module=f"mprunner_scenarios.{self.script}", qualname=qualname, files={})
        )


PAIRS = (
    Pair("race_bank", "sequential", {"mode": "sequential", "transactions": 100_000}, ("sequential", 100_000)),
    Pair("race_bank", "two actors, no guard", {"transactions": 50_000}, ("none", 50_000)),
    Pair("race_bank", "two actors, lock", {"guard": "lock", "transactions": 50_000}, ("lock", 50_000)),
    Pair(
        "locked_counter",
        "sequential",
        {"mode": "sequential", "guard": "lock", "iterations": 20},
        ("sequential", 20, 0.01),
    ),
    Pair("locked_counter", "two actors, lock", {"guard": "lock", "iterations": 20}, ("lock", 20, 0.01)),
    Pair(
        "spawn_count", "serial", {"mode": "serial", "processes": 2, "n": 2_000_000}, ("serial", 2, 2_000_000)
    ),
    Pair("spawn_count", "two processes", {"processes": 2, "n": 2_000_000}, ("concurrent", 2, 2_000_000)),
    Pair("pool_map", "serial", {"method": "serial", "numbers": 4_000}, (4_000, 2, "serial")),
    Pair("pool_map", "Pool(2).map", {"numbers": 4_000, "processes": 2}, (4_000, 2, "map")),
)


def main() -> None:
    """Compare every pair."""
    print(f"{'what, over the hand-written script of the same work':<52} {'ratio':>6}  interval     A/A")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for pair in PAIRS:
            compare(pair, Path(folder))
        rounds(Path(folder))


def compare(pair: Pair, folder: Path) -> None:
    """Print the ratio of a scenario's time to its script's, with the script's own over itself."""
    executor = pair.executor()
    executor.start()
    try:
        first, second, ours = [], [], []
        for turn in range(TURNS):
            first.append(_scripted(pair))
            ours.append(_executed(executor, pair.params, folder, turn)["wall_s"])
            second.append(_scripted(pair))
    finally:
        executor.close()
    against = [a / (b + c) * 2 for a, b, c in zip(ours, first, second, strict=True)]
    itself = [a / b for a, b in zip(second, first, strict=True)]
    report(pair.name, against, itself, "0.97 … 1.03" if pair.is_single else "overlaps A/A")


def report(name: str, against: list[float], itself: list[float], budget: str) -> None:
    """Print one line."""
    print(
        f"{name:<52} {statistics.median(against):>6.3f}  {_shown(median_interval(against))}  "
        f"{_shown(median_interval(itself))}  {budget}",
        flush=True,
    )


def _shown(interval: Interval | None) -> str:
    assert interval is not None
    return f"{interval.low:.2f} … {interval.high:.2f}"


def _scripted(pair: Pair) -> float:
    return float(_output(pair.script, *pair.arguments))


def _output(script: str, *arguments: object) -> str:
    command = [sys.executable, str(SCRIPTS / f"{script}.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _executed(
    executor: LocalExecutor, params: Mapping[str, Any], folder: Path, number: int
) -> Mapping[str, Any]:
    with Interrupt() as interrupt:
        record = executor.execute(new_attempt(number, params), folder, interrupt)
    assert record.ending.result is not None, record
    assert not record.ending.result.error_message, record.ending.result.error_message
    return record.ending.result.metrics


def rounds(folder: Path) -> None:
    """Compare gated rounds with an inline loop, and say how many lost an update."""
    number = 3_000
    params = {"store": "RawValue", "sync": "spin", "rounds": number, "transactions": 100}
    executor = PAIRS[0].executor()
    executor.start()
    rates: list[float] = []
    lossy: list[float] = []
    turns = count()
    try:
        for _ in range(TURNS):
            inline_s, _ = json.loads(_output("race_rounds", number, 100))
            metrics = _executed(executor, params, folder, next(turns))
            rates.append(metrics["rounds_per_s"] / (number / inline_s))
            lossy.append(100 * metrics["lossy_share"])
    finally:
        executor.close()
    print(f"{'gated rounds/s of race-bank / an inline loop':<52} {statistics.median(rates):>6.2f}  ≥ 0.8")
    print(
        f"{'rounds of 100 transactions that lose an update':<52} {statistics.median(lossy):>5.1f} %  "
        f"{min(lossy):.1f} … {max(lossy):.1f}  ≥ 95"
    )


if __name__ == "__main__":
    main()
