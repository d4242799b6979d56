"""The stages of a run on a fake executor: order, failures, interrupts, exactly and without processes."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from mprunner.errors import ResultsError
from mprunner.executors import Interrupt
from mprunner.model.records import Attempt, Ending, Record, Result, ResultKind, Status
from mprunner.runs import Reading
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from mprunner.workflow.tabulate import tabulate, write_tables
from tests.fake_executor import FakeExecutor

METRICS = {
    "final_balance": 100,
    "lost_updates": 0,
    "lossy_rounds": 0,
    "lossy_share": 0.0,
    "wall_s": 0.5,
    "transactions_per_s": 40_000.0,
}
OK = Ending(exit_code=0, wall_s=0.5, result=Result(kind=ResultKind.OK, metrics=METRICS))


@pytest.fixture
def prepared(tmp_path):
    def make(text: str = ""):
        file = tmp_path / "bank.yaml"
        file.write_text(f"scenario: race-bank\nsweep: {{guard: [none, lock]}}\nrepeats: 3\n{text}")
        return prepare(file)

    return make


def run(prepared, tmp_path: Path, script):
    executor = script if isinstance(script, FakeExecutor) else FakeExecutor(script)
    with Interrupt() as interrupt:
        return pipeline.run(prepared, executor, tmp_path / "results", interrupt), executor


def test_every_planned_trial_is_executed_once_in_the_order_of_the_plan(prepared, tmp_path):
    plan = prepared().plan
    executed, executor = run(prepared(), tmp_path, lambda attempt: OK)
    assert [attempt.trial_id for attempt in executor.executed] == [attempt.trial_id for attempt in plan]
    assert executed.done == len(plan) == 6
    assert executed.failures == 0
    assert executed.run.state == "finished"


def test_a_failure_is_counted_and_the_run_goes_on(prepared, tmp_path):
    def script(attempt: Attempt) -> Ending:
        return Ending(timed_out=True) if attempt.params["guard"] == "lock" else OK

    executed, _ = run(prepared(), tmp_path, script)
    assert (executed.done, executed.failures) == (6, 3)


def test_on_failure_stop_ends_the_run_after_the_failure(prepared, tmp_path):
    executed, executor = run(prepared("on_failure: stop\n"), tmp_path, lambda attempt: Ending(signal=9))
    assert len(executor.executed) == 1
    assert (executed.run.state, executed.run.content["failures"], executed.run.done) == ("stopped", 1, 1)


def test_a_run_whose_last_trial_fails_is_finished_though_it_stops_on_failure(prepared, tmp_path):
    def script(attempt: Attempt) -> Ending:
        return Ending(signal=9) if attempt.order == 5 else OK

    executed, _ = run(prepared("on_failure: stop\n"), tmp_path, script)
    assert (executed.run.state, executed.run.content["failures"], executed.run.done) == ("finished", 1, 6)


def test_a_status_that_is_expected_stops_nothing(prepared, tmp_path):
    text = "on_failure: stop\nexpect:\n  - {status: signal}\n"
    executed, executor = run(prepared(text), tmp_path, lambda attempt: Ending(signal=9))
    assert len(executor.executed) == 6
    assert executed.run.state == "finished"


class LosingExecutor(FakeExecutor):
    """Loses the first ``lost`` attempts of every trial of one case."""

    def __init__(self, lost: int) -> None:
        super().__init__(lambda attempt: OK)
        self.lost = lost

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        record = super().execute(attempt, logs, interrupt)
        if attempt.params["guard"] == "lock" and attempt.attempt <= self.lost:
            return replace(record, status=Status.LOST, ending=Ending())
        return record


@pytest.mark.parametrize(("retries", "attempts", "failures"), [(0, 1, 3), (1, 2, 3), (2, 3, 0), (3, 3, 0)])
def test_a_lost_trial_is_counted_once_when_its_retries_are_over(
    prepared, tmp_path, retries, attempts, failures
):
    executed, executor = run(prepared(f"retries: {retries}\n"), tmp_path, LosingExecutor(2))
    assert (executed.done, executed.failures) == (6, failures)
    assert len(executor.executed) == 3 + 3 * attempts
    trials = tabulate(executed.folder).frames.trials
    assert trials["is_final"].sum() == 6
    final = trials[trials["is_final"] & (trials["guard"] == "lock")]
    assert set(final["attempt"]) == {attempts}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_attempt_in_hand_and_starts_no_other(prepared, tmp_path, number):
    def script(attempt: Attempt) -> Ending:
        if attempt.order == 2:
            os.kill(os.getpid(), number)
        return OK

    executor = FakeExecutor(script)
    with Interrupt() as interrupt:
        executed = pipeline.run(prepared(), executor, tmp_path / "results", interrupt)
    assert interrupt.signal == number
    assert executed.run.state == "interrupted"
    assert [record.status for record in Reading(executed.folder.journal).records()] == [
        Status.OK,
        Status.OK,
        Status.CANCELLED,
    ]
    assert executor.closed


def test_a_record_is_in_the_journal_before_the_next_attempt_begins(prepared, tmp_path):
    seen = []

    def script(attempt: Attempt) -> Ending:
        (journal,) = tmp_path.glob("results/bank/2*/journal.jsonl")
        seen.append(len(list(Reading(journal).records())))
        return OK

    run(prepared(), tmp_path, script)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_the_tables_are_rebuilt_from_the_run_s_folder_alone(prepared, tmp_path):
    executed, _ = run(prepared(), tmp_path, lambda attempt: OK)
    first = write_tables(executed.folder)
    before = (executed.folder.path / "trials.csv").read_bytes()
    (executed.folder.path / "trials.csv").unlink()
    again = write_tables(executed.folder)
    assert (executed.folder.path / "trials.csv").read_bytes() == before
    assert again.summary.equals(first.summary)


def test_the_executor_is_closed_when_the_results_can_not_be_written(prepared, tmp_path):
    (tmp_path / "results").write_text("a file")
    executor = FakeExecutor(lambda attempt: OK)
    with Interrupt() as interrupt, pytest.raises(ResultsError, match="can't be written"):
        pipeline.run(prepared(), executor, tmp_path / "results", interrupt)
    assert executor.closed
    assert executor.executed == []


@pytest.mark.parametrize("what", ["moved", "removed"])
def test_a_run_whose_folder_is_gone_begins_no_other_trial_and_names_no_command_for_it(
    prepared, tmp_path, what
):
    results, elsewhere = tmp_path / "results", tmp_path / "elsewhere"

    def script(attempt: Attempt) -> Ending:
        if attempt.order == 2:
            results.rename(elsewhere)
            if what == "removed":
                shutil.rmtree(elsewhere)
        return OK

    executor = FakeExecutor(script)
    with (
        Interrupt() as interrupt,
        pytest.raises(ResultsError, match=f" was {what} while the run was") as caught,
    ):
        pipeline.run(prepared(), executor, results, interrupt)
    assert [attempt.order for attempt in executor.executed] == [0, 1, 2]
    assert str(results) not in (caught.value.hint or "")
    assert executor.closed
    if what == "moved":
        (journal,) = elsewhere.glob("bank/2*/journal.jsonl")
        assert len(list(Reading(journal).records())) == 3
