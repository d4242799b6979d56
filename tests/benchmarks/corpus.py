"""How long each race of tests/corpus takes to show, and whether its safe classes stay clean: ``make corpus``.

For each class that races: the rounds, and the seconds from the first round's start, until it first ended in a state
that no serial order gives; the median of some tries, each in a process of its own, each given up after ``--rounds``.
For each safe class: how many of ``--rounds`` raced. Prints a table in Markdown: a row for each class, a column for
each kind of actors and Python.

The interpreters need nothing installed: ``--python python3.13 --python python3.14t``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from random import Random
from time import perf_counter

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from mprunner.scenario import Scenario, Trial  # noqa: E402 - the repository is no package
from mprunner_scenarios.actors.own_race import Call, Settle, Shared, Slots  # noqa: E402
from mprunner_scenarios.races.subject import Subject, find_subject, make_object, serial  # noqa: E402
from tests.corpus import CORPUS, Entry  # noqa: E402

SWITCH_S = 1e-6
"""As often as own-race has threads let go of the GIL, unless told otherwise."""

KINDS = ("thread", "process", "interpreter")
LIMIT_S = 300
"""What one try may take: a class that waits for ever would otherwise keep all others from being measured."""


def main() -> None:
    """Measure in each Python, and print the table."""
    asked = _arguments()
    if asked.one is not None:
        name, kind = asked.one
        (entry,) = [each for each in CORPUS if each.name == name]
        print(json.dumps(measured(entry, kind, asked.rounds)))
        return
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    columns = [
        (python, kind) for kind in asked.kind or KINDS[:2] for python in asked.python or [sys.executable]
    ]
    for (python, kind), entry in ((each, entry) for entry in CORPUS for each in columns):
        if kind in entry.kinds and (not asked.only or entry.name in asked.only):
            tries = 1 if entry.safe else asked.tries
            found = [_in_a_process(python, entry, kind, asked.rounds) for _ in range(tries)]
            cells[entry.name][f"{kind}, {found[0]['python']}"] = cell(entry, found, asked.rounds)
            print(
                f"{entry.name:<22} {kind:<8} {found[0]['python']:<14}",
                cell(entry, found, asked.rounds),
                flush=True,
            )
    print(*table(cells), sep="\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100_000, help="the most rounds of a try")
    parser.add_argument("--tries", type=int, default=5, help="of each class that races; a safe one has one")
    parser.add_argument("--kind", action="append", choices=KINDS, help="thread and process unless given")
    parser.add_argument("--python", action="append", help="an interpreter; this one unless given")
    parser.add_argument("--only", action="append", help="a class's name")
    parser.add_argument("--one", nargs=2, metavar=("CLASS", "KIND"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _in_a_process(python: str, entry: Entry, kind: str, rounds: int) -> dict:
    command = [python, __file__, "--one", entry.name, kind, "--rounds", str(rounds)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return {"python": "?", "error": f"no end within {LIMIT_S} s"}
    if done.returncode:
        return {"python": "?", "error": (done.stderr.strip() or "died").splitlines()[-1]}
    return json.loads(done.stdout)


def cell(entry: Entry, found: list[dict], rounds: int) -> str:
    """Say what the tries of a class came to."""
    if errors := [each["error"] for each in found if "error" in each]:
        return errors[0]
    if entry.safe:
        raced, took = found[0]["raced"], found[0]["seconds"]
        return f"{raced:,} of {found[0]['rounds']:,} in {took:.0f} s"
    shown = [each for each in found if each["raced"]]
    if 2 * len(shown) <= len(found):  # then the median is a try in which it did not show
        return f"not in {rounds:,}" if not shown else f"{len(shown)} of {len(found)} tries in {rounds:,}"
    # A try in which it did not show has the highest number of all: the median is a number where more than half do.
    middle = statistics.median_high(each["rounds"] if each["raced"] else rounds + 1 for each in found)
    took = statistics.median_high(each["seconds"] for each in found)
    return f"{middle:,} ({_seconds(took)})"


def _seconds(took: float) -> str:
    return f"{took * 1000:.0f} ms" if took < 1 else f"{took:.1f} s"


def table(cells: dict[str, dict[str, str]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    columns = list(dict.fromkeys(chain.from_iterable(cells.values())))
    for safe in (False, True):
        rows = [each.name for each in CORPUS if each.safe is safe and each.name in cells]
        if rows:
            yield f"\n| {'safe' if safe else 'unsafe'} | {' | '.join(columns)} |"
            yield "|---" * (len(columns) + 1) + "|"
            for name in rows:
                yield f"| `{name}` | {' | '.join(cells[name].get(column, '–') for column in columns)} |"


class Shown(Exception):  # noqa: N818 - it ends the rounds
    """A race has shown."""


class Watch:
    """Settles each round, and in an unsafe class gives up the rest as soon as one has raced."""

    def __init__(self, settle: Callable[[], object], fine: frozenset, once: bool) -> None:
        self.settle, self.fine, self.once = settle, fine, once
        self.rounds = self.raced = 0
        self.began = None

    def __call__(self) -> bool:
        """Return whether the round raced."""
        self.rounds += 1
        state = self.settle()
        if state in self.fine:
            return False
        if self.once:
            raise Shown(json.dumps([self.rounds, state]))
        return True


class NoScenario(Scenario):
    """What a trial is of."""

    name = "none"


def measured(entry: Entry, kind: str, rounds: int) -> dict:
    """Execute the rounds of a class in this process."""
    sys.setswitchinterval(SWITCH_S)
    subject = find_subject(entry.place, None)
    fine = serial(subject, Random(0)).states
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder  # where the classes have their files
        return {"python": _python()} | _executed(subject, fine, kind, rounds, Path(folder), not entry.safe)


def _executed(subject: Subject, fine: frozenset, kind: str, rounds: int, folder: Path, once: bool) -> dict:
    actors = len(subject.methods)
    texts = [None] * actors if kind == "thread" else Slots(str(folder / "texts"), actors)
    shared = Shared(make_object(subject), texts)
    calls = [Call(shared, index, method) for index, method in enumerate(subject.methods)]
    settle = Settle(shared, subject.parts, None if subject.has_reset else subject.make)
    trial = Trial(NoScenario, seed=0, repeat=0, tmp_path=folder)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - Shown is no mistake, and a thread tells its traceback
    began = perf_counter()
    done = trial.run_actors(calls, kind=kind, sync="spin", rounds=rounds, settle=Watch(settle, fine, once))
    sys.stderr.close()
    sys.stderr = sys.__stderr__
    first = done.actors[0]
    if first.error_type == "Shown":
        number, state = json.loads(first.error_message)
        return {"rounds": number, "raced": 1, "seconds": first.wall_s, "state": state}
    done.raise_failures()
    return {"rounds": rounds, "raced": done.settled.get(True, 0), "seconds": perf_counter() - began}


def _python() -> str:
    free = "" if getattr(sys, "_is_gil_enabled", lambda: True)() else "t"
    name = "" if sys.implementation.name == "cpython" else f"{sys.implementation.name} "
    return f"{name}{sys.version_info.major}.{sys.version_info.minor}{free}"


if __name__ == "__main__":
    main()
