"""What mprunner costs, as ratios of medians measured in turn in one call: ``make bench``.

Each line is a figure: what was measured, the ratio with its range over the turns, and the budget.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from time import perf_counter

from mprunner.declarations import declare
from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.journal import Header, Journal
from mprunner.plan import trial_id
from mprunner.records import Attempt, Status

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
NOOP = HERE / "noop.py"

Measure = Callable[[], float]


def main() -> None:
    """Measure everything."""
    print(f"{'what':<52} {'ratio':>7}  {'range':<15} budget")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        no_op_trial(Path(folder))
        help_text()
        one_trial_run(Path(folder))
        start_and_join(Path(folder))


def report(what: str, measured: Measure, yardstick: Measure, turns: int, budget: str) -> None:
    """Measure two things in turn and print the ratio of their medians, and the range of the turns' ratios."""
    ours, theirs = [], []
    for _ in range(turns):
        ours.append(measured())
        theirs.append(yardstick())
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(
        f"{what:<52} {ratio:>6.2f}×  {ratios[0]:.2f} … {ratios[-1]:.2f}".ljust(77) + f" {budget}", flush=True
    )


def no_op_trial(folder: Path) -> None:
    """A trial that does nothing, journal included, against what no design can do without.

    The yardstick: fork, setsid, a byte over a pipe and waitpid in a process with the launcher's imports, and
    one fdatasync.
    """
    import noop

    source = ScenarioSource(
        module="mprunner_plugin_noop", qualname="Noop", files={"mprunner_plugin_noop": str(NOOP)}
    )
    header = Header(
        run_id="bench",
        experiment={},
        declaration=declare(noop.Noop),
        planned=1,
        python="",
        host="",
    )
    executor = LocalExecutor(source)
    executor.start()
    numbers = count()
    bare = subprocess.Popen(
        [sys.executable, str(HERE / "bare_fork.py"), str(folder / "synced")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert bare.stdin is not None
    assert bare.stdout is not None
    with Interrupt() as interrupt, Journal.create(folder / "journal.jsonl", header) as journal:

        def trials() -> float:
            began = perf_counter()
            for _ in range(50):
                attempt = _attempt(next(numbers))
                journal.started(attempt)
                record = executor.execute(attempt, folder, interrupt)
                journal.ended(record)
                assert record.status is Status.OK
            return perf_counter() - began

        def forks() -> float:
            print(50, file=bare.stdin, flush=True)
            return float(bare.stdout.readline())

        report("a no-op trial / fork + pipe + waitpid + fdatasync", trials, forks, 20, "≤ 2")
    executor.close()
    bare.communicate()


def _attempt(number: int) -> Attempt:
    return Attempt(
        trial_id=trial_id("noop", number, 0),
        case_id="noop",
        case_label="",
        repeat=number,
        attempt=1,
        order=number,
        is_warmup=False,
        seed=0,
        params={},
        timeout_s=60.0,
    )


def help_text() -> None:
    """``mprunner --help`` against an interpreter that does nothing."""
    program = str(Path(sys.executable).with_name("mprunner"))
    report("mprunner --help / python -c pass", _timed(program, "--help"), _timed_python("pass"), 15, "≤ 6")


def one_trial_run(folder: Path) -> None:
    """A whole run of one no-op trial, from start to finished tables, against importing pandas."""
    experiment = folder / "noop.yaml"
    experiment.write_text("scenario: noop\nrepeats: 1\n")
    program = str(Path(sys.executable).with_name("mprunner"))
    run = _timed(program, "run", str(experiment), "--plugin", str(NOOP), "--results", str(folder / "results"))
    report("a run of one no-op trial / import pandas", run, _timed_python("import pandas"), 15, "≤ 2")


def start_and_join(folder: Path) -> None:
    """Four ``Process`` start+join timed inside a worker, against the same in a bare script."""
    source = ScenarioSource(
        module="mprunner_plugin_four", qualname="Four", files={"mprunner_plugin_four": str(NOOP)}
    )
    executor = LocalExecutor(source)
    executor.start()
    numbers = count()
    with Interrupt() as interrupt:

        def inside() -> float:
            record = executor.execute(_attempt(next(numbers)), folder, interrupt)
            assert record.ending.result is not None
            return float(record.ending.result.metrics["wall_s"] or 0)

        def bare() -> float:
            done = subprocess.run(
                [sys.executable, str(HERE / "four_processes.py")], capture_output=True, text=True, check=True
            )
            return float(json.loads(done.stdout))

        report("4 Process start+join in a worker / bare script", inside, bare, 40, "≤ 1.2")
    executor.close()


def _timed_python(code: str) -> Measure:
    return _timed(sys.executable, "-c", code)


def _timed(*command: str) -> Measure:
    def measure() -> float:
        began = perf_counter()
        subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True, env=os.environ
        )
        return perf_counter() - began

    return measure


if __name__ == "__main__":
    main()
