"""``mprunner resume``: what is missing is executed, nothing is executed twice, and nothing else is mixed in."""

import csv
import importlib
import json
import os
import shutil
import signal
from dataclasses import replace

import pandas as pd
import pytest

from mprunner.errors import ResumeRefusedError
from mprunner.executors import Interrupt
from mprunner.model.provenance import source_hash
from mprunner.model.records import Ending, Result, ResultKind, Status
from mprunner.runs import Journal, Reading, read_journal
from mprunner.runs.folder import RunFolder
from mprunner.runs.journal_reader import line_of
from mprunner.workflow import pipeline
from mprunner.workflow.prepare import prepare
from mprunner.workflow.resume import prepare_rest, reopened
from mprunner.workflow.tabulate import tabulate
from tests.fake_executor import FakeExecutor
from tests.support import check_told, plugin_of

PLUGIN = plugin_of(
    "toy", "size: int = 1; workers: ProcessCount = 2", "number: int", "return Metrics(number=params.size)"
)
EXPERIMENT = "scenario: toy\nsweep: {size: [1, 2, 3]}\nrepeats: 2\nwarmup: 1\n"
PLANNED = 9
OK = Ending(exit_code=0, wall_s=0.1, result=Result(kind=ResultKind.OK, metrics={"number": 1}))


class Executor(FakeExecutor):
    """Ends every trial well, except at the places in the plan for which another ending is given."""

    def __init__(self, **at):
        super().__init__(lambda attempt: at.get(f"at_{attempt.order}", lambda: OK)())


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    return OK


def vanish():
    raise SystemError("stands for SIGKILL: nothing after it is executed")


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy.py").write_text(PLUGIN)
    (tmp_path / "toy.yaml").write_text(EXPERIMENT)
    return tmp_path / "toy.yaml"


@pytest.fixture
def started(tmp_path, toy):
    """Execute the experiment on a fake executor until an ending given ends the run; return its folder."""

    def call(more="", **at):
        toy.write_text(EXPERIMENT + more)
        with Interrupt() as interrupt:
            try:
                pipeline.run(
                    prepare(toy, [tmp_path / "toy.py"]), Executor(**at), tmp_path / "results", interrupt
                )
            except SystemError:
                pass
        (folder,) = (tmp_path / "results" / "toy").glob("2*")
        return RunFolder(folder)

    return call


@pytest.fixture
def folder(started):
    """The folder of a run that was cancelled in its third trial."""
    return started(at_2=press_ctrl_c)


def resumed(folder, executor=None, file=None):
    executor = executor or Executor()
    with Interrupt() as interrupt, reopened(folder) as run:
        rest = prepare_rest(run, [], file or folder.path / "experiment.yaml", allow_changes=True)
        return pipeline.resume(rest, executor, interrupt), executor


def differing(folder, file=None):
    with reopened(folder) as run:
        rest = prepare_rest(run, [], file or folder.path / "experiment.yaml", allow_changes=True)
    return {difference.what: (difference.then, difference.now) for difference in rest.differences}


def final_rows(folder):
    trials = tabulate(folder).frames.trials
    final = trials[trials["is_final"]]
    return sorted(zip(final["case_id"], final["repeat"], final["status"], strict=True))


@pytest.fixture
def whole(toy, tmp_path):
    """The final rows of an uninterrupted run."""
    plan = prepare(toy, [tmp_path / "toy.py"]).plan
    return sorted((attempt.case_id, attempt.repeat, "ok") for attempt in plan)


def test_a_run_cancelled_at_any_trial_ends_with_the_rows_of_an_uninterrupted_one(started, tmp_path, whole):
    for order in range(PLANNED):
        folder = started(**{f"at_{order}": press_ctrl_c})
        executed, executor = resumed(folder)
        assert len(executor.executed) == PLANNED - order
        assert executor.executed[0].attempt == 2
        assert final_rows(folder) == whole
        assert (executed.run.state, executed.failures, executed.done) == ("finished", 0, 9)
        shutil.rmtree(tmp_path / "results")


def test_a_run_whose_runner_vanished_is_the_same_and_tells_the_attempt_as_lost(started, whole):
    folder = started(at_4=vanish)
    assert [status for _, _, status in final_rows(folder)].count("lost") == 1
    resumed(folder)
    assert final_rows(folder) == whole
    records = list(Reading(folder.journal).records())
    assert [(r.attempt.order, r.attempt.attempt, r.status) for r in records[4:6]] == [
        (4, 1, Status.LOST),
        (4, 2, Status.OK),
    ]
    assert read_journal(folder.journal).unfinished == ()


def test_a_run_may_vanish_again_and_again_in_the_same_trial(started, whole):
    folder = started(at_4=vanish)
    for _ in range(3):
        with pytest.raises(SystemError):
            resumed(folder, Executor(at_4=vanish))
    _, executor = resumed(folder)
    assert executor.executed[0].attempt == 5
    assert final_rows(folder) == whole
    trials = tabulate(folder).frames.trials
    assert list(trials[trials["order"] == 4]["status"]) == ["lost"] * 4 + ["ok"]


def test_a_runner_that_ends_between_the_two_lines_of_a_new_attempt_loses_no_trial(started, whole):
    """The new attempt is started, then the one before recorded as lost: cut between the two, both are open."""
    folder = started(at_4=vanish)
    with pytest.raises(SystemError):
        resumed(folder, Executor(at_4=vanish))
    data = folder.journal.read_bytes()
    lines = data.splitlines(keepends=True)
    assert b'"lost"' in lines[-1]
    folder.journal.write_bytes(b"".join(lines[:-1]))
    assert len(read_journal(folder.journal).unfinished) == 2
    resumed(folder)
    assert final_rows(folder) == whole


def test_a_failed_trial_is_a_result_and_is_not_executed_again(started):
    folder = started(at_1=lambda: Ending(timed_out=True), at_5=press_ctrl_c)
    executed, executor = resumed(folder)
    assert [attempt.order for attempt in executor.executed] == [5, 6, 7, 8]
    assert (executed.done, executed.failures) == (9, 1)


def test_a_run_stopped_by_a_failure_goes_on_until_the_next(started):
    stop = {f"at_{order}": lambda: Ending(timed_out=True) for order in (1, 5)}
    folder = started("on_failure: stop\n", **stop)
    executed, executor = resumed(folder, Executor(**stop))
    assert [attempt.order for attempt in executor.executed] == [2, 3, 4, 5]
    assert (executed.run.state, executed.done, executed.failures) == ("stopped", 6, 2)


def test_a_resumed_run_can_be_interrupted_and_resumed_again(folder, whole):
    executed, _ = resumed(folder, Executor(at_6=press_ctrl_c))
    assert (executed.run.state, executed.done) == ("interrupted", 6)
    executed, _ = resumed(folder)
    assert final_rows(folder) == whole
    assert len(executed.run.content["resumed"]) == 2


def test_the_plan_is_the_one_that_the_run_began_with(folder, toy):
    toy.write_text(EXPERIMENT.replace("repeats: 2", "repeats: 7"))
    _, executor = resumed(folder, file=toy)
    assert len(executor.executed) == PLANNED - 2


def test_a_torn_record_is_cut_off_and_its_trial_is_executed_again(started, whole):
    folder = started(at_4=press_ctrl_c)
    os.truncate(folder.journal, folder.journal.stat().st_size - 10)
    _, executor = resumed(folder)
    assert (executor.executed[0].order, executor.executed[0].attempt) == (4, 2)
    assert final_rows(folder) == whole


def test_nothing_differs_where_nothing_has_changed(started):
    assert differing(started(at_2=press_ctrl_c)) == {}


def test_a_changed_plugin_differs_by_its_source(folder, tmp_path):
    (tmp_path / "toy.py").write_text(PLUGIN + "# more\n")
    assert list(differing(folder)) == ["source of the plugin"]


def test_a_changed_module_beside_a_plugin_s_file_differs(tmp_path, started):
    """Also one that only another of them imports; none that the plugin has nothing to do with."""
    for name, text in (
        ("near", "from far import answer\n"),
        ("far", "answer = 1\n"),
        ("other", "answer = 2\n"),
    ):
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "toy.py").write_text("import near\n" + PLUGIN)
    folder = started(at_2=press_ctrl_c)
    for name in ("other", "far"):
        assert differing(folder) == {}
        (tmp_path / f"{name}.py").write_text("answer = 3\n")
    assert list(differing(folder)) == ["modules beside the plugin"]


def test_a_change_anywhere_in_the_package_of_a_plugin_is_seen(tmp_path, monkeypatch):
    package = tmp_path / "a_toy_package"
    (package / "actors").mkdir(parents=True)
    for file in ("__init__.py", "toy.py", "actors/__init__.py", "actors/toy.py"):
        (package / file).write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("a_toy_package.toy")
    before = source_hash(module)
    assert source_hash(module) == before
    (package / "actors" / "toy.py").write_text("changed = True\n")
    assert source_hash(module) != before


@pytest.mark.parametrize("name", ["Python", "implementation of Python", "build of Python"])
def test_another_python_differs(folder, name):
    now = read_journal(folder.journal).header.conditions[name]
    change_header(folder, conditions={name: "another"})
    assert differing(folder) == {name: ("another", now)}


def change_header(folder, *, conditions=None, **changes):
    first, *rest = folder.journal.read_bytes().splitlines(keepends=True)
    header = json.loads(first[9:])["header"]
    header |= changes
    header["conditions"] |= conditions or {}
    folder.journal.write_bytes(line_of({"header": header}) + b"".join(rest))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("repeats: 3\n", {"repeats": ("2", "3")}),
        ("timeout: 5\n", {"timeout_s": ("60.0", "5.0")}),
        ("sweep: {size: [1, 2]}\n", {"sweep": ('[{"size": [1, 2, 3]}]', '[{"size": [1, 2]}]')}),
    ],
)
def test_a_changed_experiment_differs_by_its_keys(folder, toy, more, expected):
    key = more.partition(":")[0]
    kept = [line for line in EXPERIMENT.splitlines(keepends=True) if not line.startswith(f"{key}:")]
    toy.write_text("".join(kept) + more)
    assert differing(folder, toy) == expected
    (folder.path / "experiment.yaml").write_text("".join(kept) + more)
    assert differing(folder) == expected


def test_the_same_said_differently_is_no_change(folder, toy):
    """Params in another order, a default spelled out, a comment: the same trials."""
    toy.write_text(
        "# the same\nwarmup: 1\nrepeats: 2\nparams: {workers: 2}\nsweep: {size: [3, 2, 1]}\nscenario: toy\n"
    )
    assert differing(folder, toy) == {}


@pytest.mark.parametrize("content", [None, "", "scenario: [\n", "scenario: race-bank\n", "scenario: gone\n"])
def test_an_experiment_file_that_can_not_be_compared_differs(folder, content):
    file = folder.path / "experiment.yaml"
    file.unlink() if content is None else file.write_text(content)
    assert differing(folder)


def test_another_number_of_cpus_differs_only_where_cpu_count_means_it(started, tmp_path, monkeypatch):
    folder = started(at_2=press_ctrl_c)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("mprunner.workflow.prepare.usable_cpus", lambda: [*range(77)])
        assert differing(folder) == {}
    shutil.rmtree(tmp_path / "results")
    folder = started("params: {workers: cpu_count}\n", at_2=press_ctrl_c)
    then = read_journal(folder.journal).header.cpus
    monkeypatch.setattr("mprunner.workflow.prepare.usable_cpus", lambda: [*range(77)])
    assert differing(folder) == {"cpu_count": (str(then), "77")}
    _, executor = resumed(folder)
    assert {attempt.params["workers"] for attempt in executor.executed} == {then}


def test_a_default_that_has_changed_makes_no_trial_new(folder, tmp_path, whole):
    (tmp_path / "toy.py").write_text(PLUGIN.replace("workers: ProcessCount = 2", "workers: ProcessCount = 3"))
    _, executor = resumed(folder)
    assert {attempt.params["workers"] for attempt in executor.executed} == {2}
    assert final_rows(folder) == whole


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("number: int", "number: float"),
        ("number: int", "number: int\n    more: int = 0"),
        ("size: int = 1", "size: int | None = 1"),
        (
            'name = "toy"',
            'from mprunner.scenario import Doc\n    name = "toy"\n    outcomes = {"seen": Doc("")}',
        ),
    ],
)
def test_other_columns_are_refused_whatever_is_allowed(folder, tmp_path, old, new):
    (tmp_path / "toy.py").write_text(PLUGIN.replace(old, new))
    with pytest.raises(ResumeRefusedError, match="declares other columns than when the run began:\n"):
        resumed(folder)


def test_a_plan_that_has_become_another_is_refused(folder, tmp_path):
    refusing = (
        "    def __post_init__(self):\n        if self.size == 3:\n            raise ValueError('no')\n"
    )
    (tmp_path / "toy.py").write_text(
        PLUGIN.replace("    workers: ProcessCount = 2\n", "    workers: ProcessCount = 2\n\n" + refusing)
    )
    with pytest.raises(ResumeRefusedError, match="the plan of the run is not what it was"):
        resumed(folder)


def test_a_record_of_a_trial_that_is_not_planned_is_refused(folder):
    (record, *_) = Reading(folder.journal).records()
    with Journal.reopen(folder.journal) as journal:
        journal.ended(replace(record, attempt=replace(record.attempt, trial_id="another")))
    with pytest.raises(ResumeRefusedError, match="other trials are in it"):
        resumed(folder)


def test_a_row_says_which_python_and_host_executed_it(folder):
    change_header(folder, python="3.9.0", host="elsewhere")
    resumed(folder)
    trials = tabulate(folder).frames.trials
    assert list(trials["python"] == "CPython 3.9.0") == [True] * 3 + [False] * 7
    assert list(trials["host"] == "elsewhere") == [True] * 3 + [False] * 7


def test_what_is_kept_of_a_lost_attempt_is_empty_where_no_one_knows(started):
    folder = started(at_2=vanish)
    (row,) = tabulate(folder).frames.trials.query("status == 'lost'").to_dict("records")
    assert row["error_message"] == "mprunner was ended while it was executed"
    unknown = ("exit_code", "signal", "containment", "started_at", "trial_wall_s", "python", "host")
    assert all(pd.isna(row[name]) for name in unknown)


def run_json(folder, **changes):
    """What run.json says, after a change."""
    file = folder.path / "run.json"
    said = json.loads(file.read_text()) | changes
    file.write_text(json.dumps(said))
    return said


def rows(folder):
    with (folder.path / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_program_resumes_a_run_by_its_experiment_s_name(in_process, started, whole):
    folder = started(at_4=vanish)
    done = in_process("resume", "toy")
    check_told(done, 0, "5 of 9 trials are missing")
    assert "toy: toy, 6 trials, all ok; 3 warm-up trials, all ok" in done.stdout
    found = [(r["case_id"], int(r["repeat"]), r["status"]) for r in rows(folder) if r["is_final"] == "True"]
    assert sorted(found) == whole
    assert run_json(folder)["state"] == "finished"


@pytest.mark.parametrize(("ending", "code"), [(OK, 0), (Ending(timed_out=True), 1)])
def test_a_run_of_which_nothing_is_missing_gets_its_tables_and_ends_by_its_verdict(
    in_process, started, ending, code, tmp_path
):
    folder = started(at_1=lambda: ending)
    (tmp_path / "toy.py").unlink()  # nothing is executed: nothing is needed, nothing can be mixed
    done = in_process("resume")
    assert done.returncode == code, done.stderr
    assert done.stderr == "nothing is missing: all 9 trials are done\n"
    assert len(rows(folder)) == PLANNED


def test_a_run_killed_after_its_last_trial_is_finished_by_resuming_it(in_process, started):
    folder = started()
    run_json(folder, state="running", done=0, verdict=None)
    assert in_process("resume").returncode == 0
    run = run_json(folder)
    assert (run["state"], run["verdict"], run["done"]) == ("finished", "passed", PLANNED)


def test_a_changed_plugin_is_refused_and_shown_then_and_now_unless_told_to(in_process, folder, tmp_path):
    before = folder.journal.read_bytes()
    (tmp_path / "toy.py").write_text(PLUGIN + "# more\n")
    done = in_process("resume", "toy")
    assert done.returncode == 7
    assert done.stdout == ""
    error, difference, hint = done.stderr.splitlines()
    assert error == "error: this is not what the run began with:"
    assert difference.startswith("  source of the plugin: ")
    assert difference.endswith(" now")
    assert " then, " in difference
    assert hint.endswith("or mix the results with --allow-changes")
    assert folder.journal.read_bytes() == before
    done = in_process("resume", "toy", "--allow-changes")
    check_told(done, 0, "warning: the results are mixed")
    assert len(rows(folder)) == PLANNED + 1
    assert run_json(folder)["resumed"][0]["differences"] == [difference.strip()]


def test_an_experiment_file_that_was_edited_is_refused_when_it_is_named(in_process, folder, toy):
    toy.write_text(EXPERIMENT.replace("repeats: 2", "repeats: 3"))
    done = in_process("resume", "toy.yaml")
    check_told(done, 7, "  repeats: 2 then, 3 now")


def test_a_plugin_that_has_moved_is_named_again(in_process, folder, tmp_path):
    (tmp_path / "toy.py").rename(tmp_path / "moved.py")
    done = in_process("resume", "toy")
    check_told(done, 4, "--plugin")
    done = in_process("resume", "toy", "--plugin", "moved.py")
    assert done.returncode == 0, done.stderr


def test_a_damaged_journal_is_refused_by_its_byte_and_left_as_it_is(in_process, folder):
    damaged = bytearray(folder.journal.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    folder.journal.write_bytes(damaged)
    done = in_process("resume")
    check_told(done, 6, ", byte ")
    assert folder.journal.read_bytes() == damaged


def test_a_run_that_another_runner_executes_is_not_resumed(in_process, folder):
    with Journal.reopen(folder.journal):
        before = folder.journal.read_bytes()
        done = in_process("resume")
        check_told(done, 6, "another runner is using this run")
        assert folder.journal.read_bytes() == before


def test_an_attempt_in_hand_is_not_shown_as_lost(in_process, started):
    folder = started(at_4=vanish)
    with Journal.reopen(folder.journal):
        assert "lost" not in in_process("show").stdout
    assert "1 lost" in in_process("show").stdout


def test_a_stopped_run_says_what_it_left_and_how_to_execute_it(in_process, tmp_path, toy):
    failing = PLUGIN.replace("        return M", "        assert params.size < 2\n        return M")
    (tmp_path / "toy.py").write_text(failing)
    toy.write_text(EXPERIMENT + "on_failure: stop\n")
    done = in_process("run", "toy.yaml", "--plugin", "toy.py")
    *_, results, last = done.stdout.splitlines()
    rest = f"mprunner resume {results.partition(': ')[2]}"
    assert last == in_process("show").stdout.splitlines()[-1] == f"execute the rest: {rest}"
    assert f"not executed; `{rest}` executes the rest" in done.stderr
    assert "stopped" in in_process("list").stdout
    for left in (7, 6, 4):
        check_told(done, 1, f"stopped after a failure, {left} of 9 trials not executed; ")
        done = in_process("resume")


def test_resuming_without_any_run_is_exit_code_2(in_process):
    done = in_process("resume")
    check_told(done, 2, "there is no run in results")
