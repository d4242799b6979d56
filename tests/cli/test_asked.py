"""``--set`` and ``--only`` as a person uses them: with run, plan and resume, on the whole program."""

import json
import os
import signal

import pytest

from mprunner.experiment import Experiment
from mprunner.runs import read_journal
from mprunner.runs.folder import RunFolder
from tests.support import PLUGINS, Terminal, check_told, latest, wait_for_the_hanging_trial

BANK = "scenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock, rlock]}\nrepeats: 2\n"


@pytest.fixture
def bank(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text(BANK)
    return file


def planned(in_process, *arguments):
    done = in_process("plan", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plan_shows_the_experiment_with_what_was_set_and_selected(in_process, bank):
    plan = planned(
        in_process, bank, "--set", "repeats=3", "--set", "params.rounds=2", "--only", "guard=[lock,rlock]"
    )
    assert [case["label"] for case in plan["cases"]] == ["guard lock", "guard rlock"]
    assert {case["params"]["rounds"] for case in plan["cases"]} == {2}
    assert len(plan["trials"]) == 6
    assert (plan["excluded"], plan["not_selected"]) == (0, 1)
    assert plan["experiment"]["overrides"] == ["repeats=3", "params.rounds=2"]
    assert plan["experiment"]["only"] == [{"guard": ["lock", "rlock"]}]


def test_a_filter_makes_no_other_trials(in_process, bank):
    whole = {trial["trial_id"] for trial in planned(in_process, bank)["trials"]}
    part = {trial["trial_id"] for trial in planned(in_process, bank, "--only", "guard=lock")["trials"]}
    assert part < whole
    assert len(part) == 2


def test_a_run_keeps_the_file_and_what_it_was_made_into(in_process, bank, tmp_path):
    done = in_process("run", bank, "--set", "repeats=1", "--only", "guard=lock", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "2 combinations not selected\n"
    folder = latest(tmp_path, "bank")
    assert (folder / "experiment.yaml").read_text() == BANK
    resolved = json.loads((folder / "experiment.resolved.json").read_text())
    assert resolved == read_journal(folder / "journal.jsonl").header.experiment
    experiment = Experiment.from_json(resolved)
    assert (experiment.repeats, experiment.overrides) == (1, ("repeats=1",))
    assert len((folder / "trials.csv").read_text().splitlines()) == 2


def test_a_run_of_the_file_alone_has_no_second_experiment(in_process, bank, tmp_path):
    assert in_process("run", bank, "-q").returncode == 0
    assert not (latest(tmp_path, "bank") / "experiment.resolved.json").exists()


@pytest.mark.parametrize(
    ("options", "first"),  # of `plan`, tests/golden says many more
    [
        (
            ["--set", "params.transactions=lots"],
            "--set params.transactions=lots: params.transactions: must be",
        ),
        (["--only", "gaurd=lock"], "--only gaurd=lock: gaurd: scenario 'race-bank' has no"),
    ],
)
def test_a_wrong_option_is_located_and_exit_code_2(in_process, bank, tmp_path, options, first):
    done = in_process("run", bank, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(first)
    assert not (tmp_path / "results").exists()


def test_bytes_that_are_no_text_are_a_located_error(in_process, bank):
    done = in_process("plan", bank, "--set", os.fsdecode(b"params.transactions=\xff"))
    check_told(done, 2, "has no place in YAML")


def test_a_filter_that_matches_nothing_is_exit_code_5(in_process, bank, tmp_path):
    done = in_process("run", bank, "--only", "guard=semaphore")
    assert done.returncode == 5
    assert done.stderr == (
        "error: no case has what is asked for by --only guard=semaphore\n"
        "hint: the cases have guard none, lock, rlock\n"
    )
    assert not (tmp_path / "results").exists()


def test_strict_judges_what_the_filter_leaves(in_process, bank):
    bank.write_text("scenario: race-bank\nsweep: {guard: [get_lock, none], store: [Value, RawValue]}\n")
    assert in_process("plan", bank, "--strict").returncode == 2
    assert in_process("plan", bank, "--strict", "--only", "guard=none").returncode == 0


HANGS = "name: hangs\nscenario: misbehave\nsweep: {way: [ok, print, raise]}\nrepeats: 1\ntimeout: 600\n"


@pytest.fixture
def interrupted(tmp_path, token):
    """Interrupt a run with options, in its third of three trials; the file alone would give other trials."""
    (tmp_path / "hangs.yaml").write_text(HANGS)
    options = ["--set", "sweep.way[2]=hang-with-children", "--set", "warmup=0", "--set", "description=x"]
    options += ["--only", "way=[ok, hang-with-children]"]
    with Terminal(tmp_path, "run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py", *options) as terminal:
        wait_for_the_hanging_trial(token)
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    return RunFolder(latest(tmp_path, "hangs"))


@pytest.mark.parametrize("named", [[], ["hangs.yaml"]])
def test_a_run_with_options_resumes_without_changes_and_with_the_same_trials(interrupted, tmp_path, named):
    from mprunner.workflow.resume import prepare_rest, reopened

    file = tmp_path / named[0] if named else interrupted.path / "experiment.yaml"
    with reopened(interrupted) as run:
        rest = prepare_rest(run, [], file)
        assert rest.differences == ()
        assert [attempt.params["way"] for attempt in rest] == ["hang-with-children"]
        assert run.header.planned == 2


def test_a_file_that_means_something_else_with_the_same_options_is_refused(interrupted, tmp_path, in_process):
    (tmp_path / "hangs.yaml").write_text(HANGS.replace("timeout: 600", "timeout: 5"))
    done = in_process("resume", "hangs.yaml")
    check_told(done, 7, "  timeout_s: 600.0 then, 5.0 now")
    (tmp_path / "hangs.yaml").write_text(HANGS.replace("[ok, print, raise]", "[ok]"))
    done = in_process("resume", "hangs.yaml")
    check_told(done, 7, "sweep.way: has no item [2]")


STOPS = "scenario: misbehave\nsweep: {way: [raise, print, ok]}\nrepeats: 5\n"


def test_the_program_resumes_a_run_with_options(in_process, tmp_path):
    (tmp_path / "stops.yaml").write_text(STOPS)
    options = ["--set", "on_failure=stop", "--set", "repeats=1", "--only", "way=[raise, ok]"]
    done = in_process("run", "stops.yaml", "--plugin", PLUGINS / "misbehave.py", *options)
    check_told(done, 1, "1 of 2 trials not executed")
    done = in_process("resume", "stops.yaml")
    check_told(done, 1, "1 of 2 trials are missing")
    run = RunFolder(latest(tmp_path, "stops")).read_run().to_json()
    assert (run["state"], run["done"]) == ("finished", 2)
