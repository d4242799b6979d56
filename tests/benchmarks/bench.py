"""What mprunner costs, as ratios of medians measured in turn in one call: ``make bench``.

Each line is a figure: what was measured, the ratio with its range over the turns, and the budget.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from time import perf_counter
from typing import Any

from mprunner.executors import Interrupt, ScenarioSource
from mprunner.executors.local import LocalExecutor
from mprunner.experiment.plan import Plan, trial_id
from mprunner.model.declaration import declare
from mprunner.model.provenance import Header
from mprunner.model.records import Attempt, Status
from mprunner.runs import Journal, read_journal
from mprunner.runs.journal_reader import TrialStates, line_of
from mprunner.workflow.prepare import prepare

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]
from tests import made  # noqa: E402 - the repository is no package

NOOP = HERE / "noop.py"

Measure = Callable[[], float]


def main() -> None:
    """Measure everything."""
    # where the extra is installed, a page is made after the last trial, which takes longer than most of this
    os.environ["MPRUNNER_NO_REPORT"] = "1"
    print(f"{'what':<52} {'ratio':>7}  {'range':<15} budget")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        no_op_trial(Path(folder))
        help_text()
        one_trial_run(Path(folder))
        start_and_join(Path(folder))
        journal_of_many_records(Path(folder))
        first_trial_of_many(Path(folder))
        runs_of_many_cases(Path(folder))


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
    source = ScenarioSource(
        module="mprunner_plugin_noop", qualname="Noop", files={"mprunner_plugin_noop": str(NOOP)}
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
    with Interrupt() as interrupt, Journal.create(folder / "journal.jsonl", _header()) as journal:

        def trials() -> float:
            began = perf_counter()
            for _ in range(50):
                attempt = new_attempt(next(numbers))
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


def new_attempt(number: int, params: Mapping[str, Any] | None = None) -> Attempt:
    """Return an attempt with those params."""
    attempt = made.attempt(repeat=number, params=params)
    return replace(attempt, trial_id=trial_id("bench", number, 0), params=params or {})


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
            record = executor.execute(new_attempt(next(numbers)), folder, interrupt)
            assert record.ending.result is not None
            return float(record.ending.result.metrics["wall_s"] or 0)

        def bare() -> float:
            done = subprocess.run(
                [sys.executable, str(HERE / "four_processes.py")], capture_output=True, text=True, check=True
            )
            return float(json.loads(done.stdout))

        report("4 Process start+join in a worker / bare script", inside, bare, 40, "≤ 1.2")
    executor.close()


def journal_of_many_records(folder: Path) -> None:
    """A journal of 100,000 records: what resuming reads and plans, against ``json.loads`` of each line.

    Resuming is what happens before the first missing trial is executed; imports, the plugin and the launcher are
    left out, since they do not depend on the size of the journal. Reading it is also compared with reading a
    tenth of it, ten times: 1 says that the time is linear.
    """
    file = folder / "many.yaml"
    file.write_text("scenario: race-bank\nsweep: {guard: [none, lock]}\nrepeats: 50000\n")
    plan = prepare(file).plan
    whole, tenth = folder / "whole.jsonl", folder / "tenth.jsonl"
    _write_journal(whole, file, plan, len(plan))
    _write_journal(tenth, file, plan, len(plan) // 10)

    def resuming() -> float:
        began = perf_counter()
        trial_states = TrialStates()
        with Journal.reopen(whole, trial_states):
            assert trial_states.tally(retries=0).settled == len(plan)
            assert sum(trial_id in trial_states for trial_id in plan.trial_ids()) == len(plan)
        return perf_counter() - began

    def loading() -> float:
        began = perf_counter()
        with whole.open("rb") as lines:
            for line in lines:
                json.loads(line[9:])
        return perf_counter() - began

    def reading(path: Path, times: int) -> Measure:
        def measure() -> float:
            began = perf_counter()
            for _ in range(times):
                read_journal(path)
            return perf_counter() - began

        return measure

    report("resume 100,000 records / json.loads of each line", resuming, loading, 5, "≤ 2")
    report("read 100,000 records / 10 × 10,000", reading(whole, 1), reading(tenth, 10), 3, "≤ 1.2")


def first_trial_of_many(folder: Path) -> None:
    """From the file to the first trial of a plan of 1,000,000, in its own process: seconds and peak memory."""
    experiment = folder / "many.yaml"
    thousand = "{from: 1, to: 1000, step: 1}"
    experiment.write_text(
        f"scenario: race-bank\nrepeats: 1\nsweep:\n  transactions: {thousand}\n  rounds: {thousand}\n"
    )
    code = (
        "import resource, sys\nfrom time import perf_counter\nfrom pathlib import Path\n"
        "from mprunner.workflow.prepare import prepare\nbegan = perf_counter()\n"
        "plan = prepare(Path(sys.argv[1])).plan\nnext(iter(plan))\n"
        "unit = 2**20 if sys.platform == 'darwin' else 2**10\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit\n"
        "print(f'{perf_counter() - began:.1f} s, {peak:.0f} MiB')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(experiment)], capture_output=True, text=True, check=True
    )
    print(f"{'first trial of a plan of 1,000,000 trials':<52} {done.stdout.strip()}", flush=True)


def runs_of_many_cases(folder: Path) -> None:
    """What telling a run of 2,000 cases × 3 takes, beyond importing pandas, against the same of 200 cases."""
    few, many = (_run_of(folder / f"of-{cases}", cases) for cases in (200, 2_000))
    program = str(Path(sys.executable).with_name("mprunner"))
    pandas = _timed_python("import pandas")

    def beyond_pandas(*command: str) -> Measure:
        timed = _timed(program, *command)
        return lambda: timed() - pandas()

    def showing(run: Path, *options: str) -> Measure:
        return beyond_pandas("show", str(run), *options)

    other = _run_of(folder / "other", 2_000)
    show = _timed(program, "show", str(many))
    as_json = _timed(program, "show", str(many), "--json")
    compare = _timed(program, "compare", str(many), str(other))
    report("show 2,000 cases / import pandas", show, pandas, 5, "≤ 4")
    report("show 2,000 cases --json / import pandas", as_json, pandas, 5, "≤ 6")
    report("compare 2,000 cases / import pandas", compare, pandas, 5, "≤ 6")
    report("show 2,000 cases / 200, less import pandas", showing(many), showing(few), 5, "≤ 10")


def _run_of(folder: Path, cases: int) -> Path:
    """Write a run of so many cases × 3 of the bank below a folder; return its own folder."""
    run = folder / "bank" / made.header().run_id
    run.mkdir(parents=True)
    file = run / "experiment.yaml"
    file.write_text(
        f"scenario: race-bank\nname: bank\nrepeats: 3\nsweep:\n"
        f"  transactions: {{from: 1, to: {cases // 2}, step: 1}}\n  guard: [none, lock]\nbaseline: {{guard: none}}\n"
    )
    plan = prepare(file).plan
    facts = {"experiment": "bank", "run_id": run.name, "state": "finished", "python": "3.12.1"}
    (run / "run.json").write_text(json.dumps(facts))
    _write_journal(run / "journal.jsonl", file, plan, len(plan))
    return run


def _write_journal(path: Path, file: Path, plan: Plan, records: int) -> None:
    """Write the journal of a run of two actors, without the syncs that make it slow."""
    prepared = prepare(file)
    header = replace(prepared.header(made.header().run_id), planned=len(plan))
    metrics = {"final_balance": 100, "lost_updates": 0, "wall_s": 0.123456789, "transactions_per_s": 81_000.5}
    usual = made.record(actors=[made.actor(0), made.actor(1)], outcomes=[made.outcome(100)])
    result = replace(usual.ending.result, metrics=metrics)
    ending = replace(usual.ending, cpu_user_s=0.1, cpu_system_s=0.1, result=result)
    with path.open("wb") as lines:
        lines.write(line_of({"header": header.to_json()}))
        for attempt in islice(plan, records):
            record = replace(usual, attempt=attempt, ending=ending).to_json()
            lines.write(line_of({"started": record["attempt"]}))
            lines.write(line_of({"ended": record}))


def _header() -> Header:
    import noop

    return made.header(declare(noop.Noop), planned=1)


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
