"""Repeats that go on until an interval is narrow: exactly, on a fake executor and without processes."""

import os
import signal
import statistics
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mprunner.analysis.statistics import median_interval, precision
from mprunner.errors import ExperimentError
from mprunner.executors import Interrupt
from mprunner.executors.schedule import schedule_for
from mprunner.experiment import Experiment
from mprunner.experiment.plan import Case, Plan
from mprunner.model.adaptive import AdaptiveRepeats, Until
from mprunner.model.records import Ending, Record, Result, ResultKind, Status
from mprunner.report.layout import plain
from mprunner.report.run_summary import digest, summary_lines
from mprunner.report.wording import wide_intervals
from mprunner.runs.folder import RunFolder
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from mprunner.workflow.resume import prepare_rest, reopened
from mprunner.workflow.tabulate import tabulate
from tests.fake_executor import FakeExecutor
from tests.support import plugin_of

MOST = 12
UNTIL = Until(least=5, metric="wall_s", ci_ratio=0.0973)


def plan_of(cases=3, most=MOST, warmup=0, order="interleaved"):
    made = (Case(case_id=f"c{i}", label=f"case {i}", params={"size": i}) for i in range(cases))
    return Plan(cases=tuple(made), refused=(), repeats=most, warmup=warmup, order=order, seed=0, timeout_s=1)


def record(attempt, value, status=Status.OK):
    result = Result(kind=ResultKind.OK, metrics={"wall_s": value}) if status is Status.OK else None
    return Record(
        attempt=attempt, status=status, ending=Ending(result=result), containment=None, started_at=None
    )


def schedule_of(attempts, before=(), *, until=UNTIL, most=MOST, cases=3, **options):
    experiment = Experiment(name="toy", scenario="toy", until=until, repeats=most, **options)
    adaptive = AdaptiveRepeats(until, most, precision, cases)
    for each in before:
        adaptive.take(each)
    adaptive.look_at_all()
    return schedule_for(experiment, experiment.rules, attempts, adaptive=adaptive)


def carried_out(schedule, ends, most=None):
    """Execute what a schedule gives, or the first of it; return the records."""
    records = []
    while (most is None or len(records) < most) and (attempt := schedule.next()) is not None:
        records.append(ends(attempt))
        schedule.feed(records[-1])
    return records


def repeats_of(records):
    return Counter(each.attempt.case_id for each in records if not each.attempt.is_warmup)


def scattered(seed, failing):
    """How trials end, by case and repeat alone: case 0 is always narrow, the others scatter more and more."""

    def ends(attempt):
        number = int(attempt.case_id[1:])
        wobble = ((attempt.repeat * 7919 + seed) % 13 - 6) / 6
        failed = (attempt.case_id, attempt.repeat) in failing
        return record(attempt, 1 + 0.1 * number * wobble, Status.ERROR if failed else Status.OK)

    return ends


ENDS = st.builds(
    scattered,
    st.integers(0, 1000),
    st.frozensets(st.tuples(st.sampled_from(["c0", "c1", "c2"]), st.integers(0, MOST - 1)), max_size=8),
)
ORDERS = st.sampled_from(["interleaved", "shuffled", "sequential"])


@given(ENDS, ORDERS, st.integers(0, 2))
def test_no_case_has_fewer_repeats_than_the_least_or_more_than_the_most(ends, order, warmup):
    records = carried_out(schedule_of(plan_of(warmup=warmup, order=order)), ends)
    assert set(repeats_of(records)) == {"c0", "c1", "c2"}
    assert all(UNTIL.least <= count <= MOST for count in repeats_of(records).values())
    assert sum(each.attempt.is_warmup for each in records) == 3 * warmup


@given(ENDS, ORDERS)
def test_a_case_has_exactly_the_repeats_after_which_its_interval_is_first_narrow(ends, order):
    records = carried_out(schedule_of(plan_of(order=order)), ends)
    for case_id, count in repeats_of(records).items():
        own = [each for each in records if each.attempt.case_id == case_id]
        assert [each.attempt.repeat for each in own] == list(range(count))
        for repeats in range(UNTIL.least, count + 1):
            ok = [each.ending.result.metrics["wall_s"] for each in own[:repeats] if each.status is Status.OK]
            is_narrow = False
            if (interval := median_interval(ok)) is not None:
                median = statistics.median(ok)
                is_narrow = (interval.high - interval.low) / 2 <= UNTIL.ci_ratio * abs(median)
            assert is_narrow == (repeats == count and count < MOST) or repeats == MOST


@given(ENDS, ORDERS)
def test_the_order_is_that_of_the_plan_with_trials_left_out(ends, order):
    orders = [each.attempt.order for each in carried_out(schedule_of(plan_of(order=order)), ends)]
    assert orders == sorted(set(orders))


@given(ENDS, ORDERS)
def test_what_is_executed_and_what_is_spared_are_what_was_planned(ends, order):
    plan = plan_of(order=order)
    schedule = schedule_of(plan)
    assert len(carried_out(schedule, ends)) + schedule.spared == len(plan)


@given(ENDS, ORDERS, st.integers(0, 3 * MOST))
def test_a_run_that_is_interrupted_anywhere_goes_on_as_it_would_have(ends, order, at):
    plan = plan_of(order=order)
    whole = carried_out(schedule_of(plan), ends)
    first = carried_out(schedule_of(plan), ends, most=at)
    done = {each.attempt.trial_id for each in first}
    rest = schedule_of([attempt for attempt in plan if attempt.trial_id not in done], first)
    assert first + carried_out(rest, ends) == whole


def test_a_case_that_fails_always_ends_at_the_most_and_never_stops_the_others():
    records = carried_out(schedule_of(plan_of()), scattered(0, {("c0", i) for i in range(MOST)}))
    assert repeats_of(records)["c0"] == MOST


def test_a_failed_repeat_has_no_part_in_the_interval():
    ends = scattered(0, {("c0", 0)})
    assert repeats_of(carried_out(schedule_of(plan_of(1)), ends))["c0"] == UNTIL.least + 1


def test_a_lost_trial_is_one_repeat_however_often_it_is_tried():
    losses = iter([Status.LOST])
    schedule = schedule_of(plan_of(1), retries=2)
    records = carried_out(schedule, lambda attempt: record(attempt, 1.0, next(losses, Status.OK)))
    executed = [(each.attempt.repeat, each.attempt.attempt) for each in records]
    assert executed == [(0, 1), (0, 2), (1, 1), (2, 1), (3, 1), (4, 1)]


def test_the_rest_of_a_large_plan_is_not_made_once_every_case_is_done():
    made = 0

    def attempts():
        nonlocal made
        for attempt in plan_of(most=10_000):
            made += 1
            yield attempt

    schedule = schedule_of(attempts(), most=10_000)
    assert len(carried_out(schedule, lambda attempt: record(attempt, 1.0))) == 3 * UNTIL.least
    assert schedule.next() is None
    assert made == 3 * (UNTIL.least + 1)
    assert schedule.spared == 3 * (10_000 - UNTIL.least)


def test_a_failure_stops_it_where_that_is_asked():
    schedule = schedule_of(plan_of(1), on_failure="stop")
    assert len(carried_out(schedule, scattered(0, {("c0", 2)}))) == 3


@settings(max_examples=30)
@given(st.integers(5, 10_000))
def test_no_case_has_over_five_percent_more_repeats_than_it_needs(needed):
    until = replace(UNTIL, least=5)
    look = next(repeats for repeats in range(needed, 2 * needed) if until.looks_after(repeats))
    assert look <= needed * 1.05


def test_the_precision_of_equal_values_is_0_and_around_a_median_of_0_infinite():
    assert precision([0.0] * 5) == precision([3.0] * 5) == 0
    assert precision([-1.0, 0.0, 0.0, 1.0, 1.0, -1.0]) == float("inf")
    assert precision([1.0] * 4) is None


PLUGIN = plugin_of("toy", "size: int = 1", "number: float; wide: bool; remark: str")
EXPERIMENT = """\
scenario: toy
sweep: {size: [0, 1, 8]}
warmup: 1
repeats: {min: 5, max: 9, until: {metric: number, ci_ratio: 0.1}}
expect: [{metric: number, max: 100}]
"""
WHOLE = {0: 5, 1: 5, 8: 9}
TRIALS = sum(WHOLE.values()) + len(WHOLE)


def ending(attempt):
    size = attempt.params["size"]
    value = 10 + size * (attempt.repeat % 3 - 1)
    metrics = {"number": float(value), "wide": False, "remark": "none"}
    return Ending(exit_code=0, wall_s=0.1, result=Result(kind=ResultKind.OK, metrics=metrics))


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy.py").write_text(PLUGIN)
    (tmp_path / "toy.yaml").write_text(EXPERIMENT)

    def call(until=None):
        """Execute the experiment, and press Ctrl-C in the trial of that number; return the run's folder."""
        count = 0

        def script(attempt):
            nonlocal count
            if count == until:
                os.kill(os.getpid(), signal.SIGINT)
            count += 1
            return ending(attempt)

        with Interrupt() as interrupt:
            prepared = prepare(tmp_path / "toy.yaml", [tmp_path / "toy.py"])
            executed = pipeline.run(prepared, FakeExecutor(script), tmp_path / "results", interrupt)
        return executed.folder

    return call


def resumed(folder: RunFolder):
    with Interrupt() as interrupt, reopened(folder) as run:
        rest = prepare_rest(run, [], folder.path / "experiment.yaml")
        return pipeline.resume(rest, FakeExecutor(ending), interrupt)


def rows(folder):
    trials = tabulate(folder).frames.trials
    final = trials[trials["is_final"] & (trials["status"] == "ok")]
    return [*zip(final["order"], final["trial_id"], strict=True)]


def summary(folder):
    tabled = tabulate(folder)
    told = digest(tabled.header, tabled.frames, tabled.summary, tabled.judgement)
    return plain(summary_lines(told, 120))


def test_a_run_that_has_narrowed_is_finished_and_says_so_everywhere(toy):
    folder = toy()
    run = folder.read_run().to_json()
    assert (run["state"], run["done"], run["planned"], run["spared"]) == ("finished", TRIALS, 30, 30 - TRIALS)
    told = summary(folder)
    assert "not executed" not in told
    assert "so far" not in told
    assert "verdict: passed" in told
    with reopened(folder) as reopened_run:
        assert reopened_run.missing == 0


def test_the_summary_says_which_cases_did_not_get_there(toy):
    wide = [line for line in summary(toy()).splitlines() if "still" in line]
    assert wide == ["size 8: interval of number still ±80% of the median after 9 repeats"]


def test_a_case_without_enough_values_is_told_even_if_all_of_its_trials_were_ok():
    adaptive = AdaptiveRepeats(Until(least=5, metric="number", ci_ratio=0.1), 9, precision, 1)
    for repeat in range(9):
        adaptive.add("a", 1.0 if repeat < 4 else None)
    assert [*wide_intervals(adaptive, {"a": "size 8"})] == [
        "size 8: no interval of number after 9 repeats: too few ok trials have a value"
    ]


@pytest.mark.parametrize("at", [0, 2, 10, 17, 18, TRIALS - 1])
def test_an_interrupted_run_says_what_is_open_and_its_resume_executes_what_it_would_have(toy, at):
    folder = toy(until=at)
    assert folder.read_run().state == "interrupted"
    assert "planned not executed" in summary(folder) or at == TRIALS - 1
    executed = resumed(folder)
    assert executed.run.state == "finished"
    assert (executed.done, executed.run.spared) == (TRIALS, 30 - TRIALS)
    assert "not executed" not in summary(folder)
    assert sorted(rows(folder)) == sorted(rows(toy()))


def test_hooks_learn_what_follows_and_of_ever_fewer_trials(toy, tmp_path):
    class Listening:
        def __init__(self):
            self.told = []

        def mprunner_run_started(self, run, planned, following):
            self.told.append((0, planned, following))

        def mprunner_trial_finished(self, record, done, planned, following):
            self.told.append((done, planned, following))

    prepared = prepare(tmp_path / "toy.yaml", [tmp_path / "toy.py"])
    prepared.registry.manager.register(listening := Listening())
    executor = FakeExecutor(ending)
    with Interrupt() as interrupt:
        pipeline.run(prepared, executor, tmp_path / "results", interrupt)
    assert [attempt for *_, attempt in listening.told] == [*executor.executed, None]
    planned = [planned for _, planned, _ in listening.told]
    assert planned == sorted(planned, reverse=True)
    assert (planned[0], planned[-1]) == (30, TRIALS)


def test_an_experiment_with_adaptive_repeats_is_itself_after_a_trip_through_json(toy, tmp_path):
    experiment = prepare(tmp_path / "toy.yaml", [tmp_path / "toy.py"]).experiment
    assert experiment.until == Until(least=5, metric="number", ci_ratio=0.1)
    assert Experiment.from_json(experiment.to_json(), experiment.source) == experiment


NARROW = "until: {metric: number, ci_ratio: 1}"


@pytest.mark.parametrize(
    ("repeats", "told"),
    [
        (f"{{min: 4, max: 9, {NARROW}}}", ":2:16: repeats.min: must be at least 5, not 4"),
        (f"{{min: 9, max: 6, {NARROW}}}", ":2:10: repeats: `min` 9 is more than `max` 6"),
        (f"{{max: 10001, {NARROW}}}", ":2:16: repeats.max: must be at most 10,000"),
        (f"{{max: 9, {NARROW[:-2]}0}}}}", ":2:53: repeats.until.ci_ratio: must be more than 0"),
        ("{max: 9, until: {metric: numbr, ci_ratio: 1}}", "did you mean 'number'?"),
        ("{max: 9, until: {metric: wide, ci_ratio: 1}}", "wide is true or false, not a number"),
        ("{max: 9, until: {metric: remark, ci_ratio: 1}}", "remark is text, not a number"),
        ("{max: 9, until: {metric: 3, ci_ratio: 1}}", "repeats.until.metric: must be text, not 3"),
        ("{max: 9, until: {ci_ratio: 1}}", ":2:19: repeats.until: required key 'metric' is missing"),
        ("{max: 9, until: {metric: number, ratio: 1}}", ":2:43: repeats.until.ratio: unknown key"),
        ("{max: 9}", ":2:1: repeats: required key 'until' is missing"),
        ("{least: 9}", ":2:11: repeats.least: unknown key"),
        ("{max: 9, until: 3}", ":2:26: repeats.until: must be a mapping of names to values, not 3"),
        ("many", ":2:10: repeats: must be a whole number, not 'many'"),
        ("0", ":2:10: repeats: must be at least 1, not 0"),
        ("{a mapping: {min: 3}}", ":2:11: repeats['a mapping']: unknown key"),
    ],
)
def test_each_mistake_is_told_where_it_is(toy, tmp_path, repeats, told):
    (tmp_path / "toy.yaml").write_text(f"scenario: toy\nrepeats: {repeats}\n")
    with pytest.raises(ExperimentError) as caught:
        prepare(tmp_path / "toy.yaml", [tmp_path / "toy.py"])
    said = caught.value.message
    assert told in said
    assert "hint: " in said or "required key" in said or "repeats: must be at least" in said
    assert caught.value.exit_code == 2


def test_the_most_of_all_trials_is_of_the_most_repeats(toy, tmp_path, in_process):
    text = "scenario: toy\nsweep: {size: {from: 1, to: 101, step: 1}}\n"
    repeats = "repeats: {max: 10000, until: {metric: number, ci_ratio: 1}}\n"
    (tmp_path / "toy.yaml").write_text(text + repeats)
    assert "makes 1,010,000 trials" in in_process("plan", "toy.yaml", "--plugin", "toy.py").stderr


def test_the_plan_and_the_list_say_that_the_number_of_trials_is_open(toy, in_process):
    planned = in_process("plan", "toy.yaml", "--plugin", "toy.py").stdout
    assert planned.startswith("toy: toy, 3 cases × (5 to 9 repeats + 1 warm-up) = at most 30 trials")
    toy()
    assert in_process("list").stdout.rstrip().endswith(f"{TRIALS} of at most 30")
    assert f"all {TRIALS} trials are done" in in_process("resume").stderr


def test_the_plan_has_a_fixed_number_of_trials_where_the_least_is_the_most(tmp_path, toy, in_process):
    repeats = "repeats: {min: 9, max: 9, until: {metric: number, ci_ratio: 1}}\n"
    (tmp_path / "toy.yaml").write_text("scenario: toy\n" + repeats)
    planned = in_process("plan", "toy.yaml", "--plugin", "toy.py").stdout
    assert planned.startswith("toy: toy, 1 case × 9 repeats = 9 trials, ")
