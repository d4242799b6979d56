"""How often does ``compare`` call a change what is none, and does it find one? On real runs; ``make bench-compare``.

120 short runs of the same code (one case, ten repeats of some 50 ms) and 60 of the same code with a tenth more work
are made in turn, in three minutes. Then neighbouring and distant runs of the same code are compared, with
the earlier runs beside them and without; and three runs of each code with three of the other. On a busy machine the
figures are worth most.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mprunner.analysis.effects import Change
from mprunner.workflow.compare import compare_sides

RUNS, CHANGED = 120, 60
PAIRS = 100
TURNS = 3
APART = (Change.MORE, Change.LESS, Change.UNSURE)
WORK, MORE = 1_000_000, 1_100_000
PLUGIN = '''
from dataclasses import dataclass
from time import perf_counter

from mprunner.scenario import Scenario, Trial

WORK = {work}


@dataclass(frozen=True, kw_only=True)
class Params:
    """Nothing to vary."""


@dataclass(frozen=True, kw_only=True)
class Metrics:
    wall_s: float


class Squares(Scenario[Params, Metrics]):
    """Add squares."""

    name = "squares"

    def run(self, params: Params, trial: Trial) -> Metrics:
        began = perf_counter()
        sum(number * number for number in range(WORK))
        return Metrics(wall_s=perf_counter() - began)


def mprunner_register_scenarios() -> list[type]:
    return [Squares]
'''


def make(folder: Path) -> None:
    """Make all runs: the changed code after each of the first runs, then the same code alone."""
    (folder / "squares.yaml").write_text("scenario: squares\nrepeats: 10\n")
    for number in range(RUNS):
        _run(folder, "same", WORK)
        if number < CHANGED:
            _run(folder, "changed", MORE)


def _run(folder: Path, side: str, work: int) -> None:
    plugin = folder / "squares.py"
    plugin.write_text(PLUGIN.format(work=work))
    command = [
        sys.executable,
        "-m",
        "mprunner",
        "run",
        str(folder / "squares.yaml"),
        "--quiet",
        "--no-report",
    ]
    own = ["--plugin", str(plugin), "--results", str(folder / "results")]
    subprocess.run([*command, *own], stdout=subprocess.DEVNULL, check=True)
    made = (folder / "results" / "squares" / "latest").readlink()
    with open(folder / f"{side}.txt", "a") as file:
        print(made, file=file)


def told(folder: Path, base: Sequence[str], new: Sequence[str], metric: str, *, alone: bool) -> str:
    """Compare runs, in a results folder of their own if they are to be alone, and return what it came to."""
    results = folder / "results"
    with tempfile.TemporaryDirectory() as temporary:
        if alone:
            for run in (*base, *new):
                (Path(temporary) / "squares").mkdir(exist_ok=True)
                shutil.copytree(results / "squares" / run, Path(temporary) / "squares" / run)
            results = Path(temporary)
        (row,) = compare_sides(results, base, new, [metric], [], 0.01).comparison.rows
    return row.change.value


def report(what: str, found: Sequence[str], budget: str) -> None:
    """Print how many comparisons told the sides apart, and how many gave no verdict."""
    apart = sum(change in APART for change in found)
    open_ = found.count(Change.CHANGE_OR_DRIFT)
    print(
        f"{what:<64} told apart {apart:>3} of {len(found):>3}, change or drift {open_:>3}   {budget}",
        flush=True,
    )


def compare(folder: Path, metric: str) -> None:
    """Compare neighbouring and distant runs of the same code, and the same code with the changed one."""
    same, changed = ((folder / f"{side}.txt").read_text().split() for side in ("same", "changed"))
    for what, apart in (("neighbouring", 1), ("ten runs apart", 10), ("30 runs apart", 30)):
        pairs = [([same[n - apart]], [same[n]]) for n in range(len(same) - 1, apart - 1, -1)][:PAIRS]
        with_earlier = [told(folder, *pair, metric, alone=False) for pair in pairs]
        report(f"{metric}, same code, {what}, earlier runs", with_earlier, "≤ 5 %")
        alone = [told(folder, *pair, metric, alone=True) for pair in pairs]
        report(f"{metric}, same code, {what}, alone", alone, "0")
    groups = range(0, len(changed) - TURNS + 1, TURNS)
    blocks = [
        (same[n : n + TURNS], same[n + TURNS : n + 2 * TURNS])
        for n in range(0, len(same) - 2 * TURNS + 1, TURNS)
    ]
    in_turn = [
        (same[n : n + 2 * TURNS : 2], same[n + 1 : n + 2 * TURNS : 2])
        for n in range(0, len(same) - 2 * TURNS + 1, TURNS)
    ]
    slower = [(same[n : n + TURNS], changed[n : n + TURNS]) for n in groups]
    for what, sides, budget in (
        ("same code, three in a row against three", blocks, "≤ 5 %"),
        ("same code, three against three in turn", in_turn, "≤ 5 %"),
        ("a tenth slower, three against three in turn", slower, "18 of 20 on a quiet machine"),
    ):
        report(f"{metric}, {what}", [told(folder, *each, metric, alone=True) for each in sides], budget)


def main() -> None:
    """Make the runs, unless a folder that has them is named, and compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keep the runs there, or take those that are there")
    folder = parser.parse_args().folder
    with tempfile.TemporaryDirectory() as temporary:
        where = folder or Path(temporary)
        where.mkdir(exist_ok=True)
        if not (where / "results").is_dir():
            make(where)
        for metric in ("wall_s", "cpu_user_s"):
            compare(where, metric)


if __name__ == "__main__":
    main()
