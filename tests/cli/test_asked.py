"""``--set`` and ``--only`` as a person uses them: with run, plan and resume, on the real program."""

import json
import os
import signal

import pytest

from mprunner.experiment import Experiment
from mprunner.runs import read_journal
from mprunner.runs.folder import RunFolder
from tests.support import PLUGINS, Terminal, command_of, processes_marked, wait_until

BANK = "scenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock, rlock]}\nrepeats: 2\n"


@pytest.fixture
def bank(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text(BANK)
    return file


def latest(tmp_path, name="bank"):
    return (tmp_path / "results" / name / "latest").resolve()


def planned(program, *arguments):
    done = program("plan", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_plan_shows_the_experiment_with_what_was_set_and_selected(program, bank):
    plan = planned(
        program, bank, "--set", "repeats=3", "--set", "params.rounds=2", "--only", "guard=[lock,rlock]"
    )
    assert [case["label"] for case in plan["cases"]] == ["guard lock", "guard rlock"]
    assert {case["params"]["rounds"] for case in plan["cases"]} == {2}
    assert len(plan["trials"]) == 6
    assert (plan["excluded"], plan["not_selected"]) == (0, 1)
    assert plan["experiment"]["overrides"] == ["repeats=3", "params.rounds=2"]
    assert plan["experiment"]["only"] == [{"guard": ["lock", "rlock"]}]


def test_a_filter_makes_no_other_trials(program, bank):
    whole = {trial["trial_id"] for trial in planned(program, bank)["trials"]}
    part = {trial["trial_id"] for trial in planned(program, bank, "--only", "guard=lock")["trials"]}
    assert part < whole
    assert len(part) == 2


def test_a_run_keeps_the_file_and_what_it_was_made_into(program, bank, tmp_path):
    done = program("run", bank, "--set", "repeats=1", "--only", "guard=lock", "-q")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "2 combinations not selected\n"
    folder = latest(tmp_path)
    assert (folder / "experiment.yaml").read_text() == BANK
    resolved = json.loads((folder / "experiment.resolved.json").read_text())
    assert resolved == read_journal(folder / "journal.jsonl").header.experiment
    experiment = Experiment.from_json(resolved)
    assert (experiment.repeats, experiment.overrides) == (1, ("repeats=1",))
    assert len((folder / "trials.csv").read_text().splitlines()) == 2


def test_a_run_of_the_file_alone_has_no_second_experiment(program, bank, tmp_path):
    assert program("run", bank, "-q").returncode == 0
    assert not (latest(tmp_path) / "experiment.resolved.json").exists()


@pytest.mark.parametrize("verb", ["run", "plan"])
@pytest.mark.parametrize(
    ("options", "first", "hint"),
    [
        (
            ["--set", "params.transactions=lots"],
            "--set params.transactions=lots: params.transactions: must be a whole number, not 'lots'",
            "hint: write digits, such as 10",
        ),
        (["--set", "repeats"], "--set repeats: has no value", "hint: write `--set KEY=VALUE`, such as"),
        (
            ["--only", "gaurd=lock"],
            "--only gaurd=lock: gaurd: scenario 'race-bank' has no",
            "did you mean 'guard'?",
        ),
        (["--only", "guard=1"], "--only guard=1: guard: 1 is not one of none, ", "  |       ^"),
    ],
)
def test_a_wrong_option_is_located_and_exit_code_2(in_process, bank, tmp_path, verb, options, first, hint):
    done = in_process(verb, bank, *options)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(first)
    assert hint in done.stderr
    assert not (tmp_path / "results").exists()


def test_bytes_that_are_no_text_are_a_located_error(in_process, bank):
    done = in_process("plan", bank, "--set", os.fsdecode(b"params.transactions=\xff"))
    assert done.returncode == 2
    assert "has no place in YAML" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_filter_that_matches_nothing_is_exit_code_5(program, bank, tmp_path):
    done = program("run", bank, "--only", "guard=semaphore")
    assert done.returncode == 5
    assert done.stderr == (
        "error: no case has what is asked for by --only guard=semaphore\n"
        "hint: the cases have guard none, lock, rlock\n"
    )
    assert not (tmp_path / "results").exists()


def test_strict_judges_what_the_filter_leaves(in_process, bank):
    bank.write_text("scenario: race-bank\nsweep: {mode: [sequential, concurrent], sync: [none, spin]}\n")
    assert in_process("plan", bank, "--strict").returncode == 2
    assert in_process("plan", bank, "--strict", "--only", "mode=concurrent").returncode == 0


HANGS = "name: hangs\nscenario: misbehave\nsweep: {way: [ok, print, raise]}\nrepeats: 1\ntimeout: 600\n"


@pytest.fixture
def interrupted(tmp_path, token):
    """Interrupt a run with options, in its third of three trials; the file alone would give other trials."""
    (tmp_path / "hangs.yaml").write_text(HANGS)
    options = ["--set", "sweep.way[2]=hang-with-children", "--set", "warmup=0", "--set", "description=x"]
    options += ["--only", "way=[ok, hang-with-children]"]
    terminal = Terminal(tmp_path, "run", "hangs.yaml", "--plugin", PLUGINS / "misbehave.py", *options)
    try:
        wait_until(
            lambda: sum("sleep" in command_of(process) for process in processes_marked(token)) >= 2,
            "the trial that hangs has not begun",
        )
        terminal.press(b"\x03")
        assert os.WTERMSIG(terminal.end()) == signal.SIGINT
    finally:
        terminal.kill()
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


def test_a_file_that_means_something_else_with_the_same_options_is_refused(interrupted, tmp_path, program):
    (tmp_path / "hangs.yaml").write_text(HANGS.replace("timeout: 600", "timeout: 5"))
    done = program("resume", "hangs.yaml")
    assert done.returncode == 7
    assert "  timeout_s: 600.0 then, 5.0 now" in done.stderr
    (tmp_path / "hangs.yaml").write_text(HANGS.replace("[ok, print, raise]", "[ok]"))
    done = program("resume", "hangs.yaml")
    assert done.returncode == 7
    assert "sweep.way: has no item [2]" in done.stderr


STOPS = "scenario: misbehave\nsweep: {way: [raise, print, ok]}\nrepeats: 5\n"


def test_the_program_resumes_a_run_with_options(program, tmp_path):
    (tmp_path / "stops.yaml").write_text(STOPS)
    options = ["--set", "on_failure=stop", "--set", "repeats=1", "--only", "way=[raise, ok]"]
    done = program("run", "stops.yaml", "--plugin", PLUGINS / "misbehave.py", *options)
    assert done.returncode == 1
    assert "1 of 2 trials not executed" in done.stderr
    done = program("resume", "stops.yaml")
    assert done.returncode == 1, done.stderr
    assert "1 of 2 trials are missing" in done.stderr
    run = RunFolder(latest(tmp_path, "stops")).read_run().to_json()
    assert (run["state"], run["done"]) == ("finished", 2)
