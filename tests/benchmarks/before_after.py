"""Does experiments/before-after.yaml find a revision that is 5 % slower, and call no difference where there is none?

``make bench-before-after``: in turn, runs of it in which the files as they are have five words more in a hundred than
the last commit, and runs in which both are the same. It says in how many runs of each kind they were told apart:

- by the summary: the 95 % interval of the ratio of wall_s excludes 1;
- by compare: `mprunner compare --case variant=before --case variant=after` calls `after` slower, or faster.

On a busy machine the figures are worth little.
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
GIT = ("git", "-c", "user.name=some", "-c", "user.email=some@where")
METRIC = "wall_s"


def main() -> None:
    """Make the runs, and say what they came to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, help="of each kind")
    parser.add_argument("--slower", type=float, default=0.05, help="by what share, in the runs where it is")
    parser.add_argument("--kind", choices=("slower", "same"), help="make runs of one kind alone")
    parser.add_argument("--set", action="append", default=[], help="as of `mprunner run`, such as repeats=40")
    options = parser.parse_args()
    os.environ["MPRUNNER_NO_REPORT"] = "1"
    kinds = {"slower": "18 of 20 or more", "same": "1 of 20 or fewer"}
    told: dict[str, list[tuple[bool, bool, float]]] = {
        kind: [] for kind in kinds if options.kind in (None, kind)
    }
    with tempfile.TemporaryDirectory() as folder:
        for kind in told:
            _make_repository(Path(folder) / kind, options.slower if kind == "slower" else 0.0)
        for number in range(options.runs):
            for kind, found in told.items():
                found.append(_told_apart(Path(folder) / kind, options.set, is_slower=kind == "slower"))
                by_summary, by_compare, ratio = found[-1]
                by = f"summary {by_summary}, compare {by_compare}"
                print(f"{number + 1:>3} {kind:<7} ratio {ratio:.3f}, told apart by {by}", flush=True)
    for kind, found in told.items():
        summary, compare = (sum(each[place] for each in found) for place in (0, 1))
        what = f"{options.slower:.0%} slower" if kind == "slower" else "the same"
        counts = f"by the summary in {summary}, by compare in {compare} of {options.runs}"
        print(f"{what}: told apart {counts}   {kinds[kind]}")


def _make_repository(folder: Path, slower: float) -> None:
    """Make a repository with the experiment; its function has more work now than at the last commit."""
    folder.mkdir()
    for name in ("before-after.yaml", "before_after.py"):
        shutil.copy(EXPERIMENTS / name, folder)
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "before")):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    file = folder / "before_after.py"
    text = file.read_text()
    (words,) = re.findall(r"^WORDS = ([0-9_]+)$", text, re.MULTILINE)
    file.write_text(text.replace(f"WORDS = {words}", f"WORDS = {round(int(words) * (1 + slower))}"))


def _told_apart(folder: Path, settings: list[str], *, is_slower: bool) -> tuple[bool, bool, float]:
    """Execute the experiment; return whether the summary, and compare, tell the variants apart, and their ratio.

    Where `after` is slower, to call it faster is not to have found it.
    """
    own = [part for each in settings for part in ("--set", each)]
    _mprunner(folder, "run", "-q", "before-after.yaml", *own)
    with (folder / "results" / "before-after" / "latest" / "summary.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if (row["variant"], row["metric"]) == ("after", METRIC)]
    low, high = float(row["ratio_ci_low"]), float(row["ratio_ci_high"])
    cases = ("--case", "variant=before", "--case", "variant=after")
    compared = json.loads(_mprunner(folder, "compare", "before-after", *cases, "--metric", METRIC, "--json"))
    (row_of,) = compared["rows"]
    by_summary = low > 1 or (high < 1 and not is_slower)
    by_compare = row_of["change"] == "more" or (row_of["change"] in ("less", "unsure") and not is_slower)
    return by_summary, by_compare, float(row["ratio"])


def _mprunner(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "mprunner", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


if __name__ == "__main__":
    main()
