"""`outcomes` and `expect` on the real program: the exit code, what the run keeps, and judging it again."""

import json
import shutil
import signal
import subprocess

import pandas as pd
import pytest

from mprunner.runs.journal_reader import line_of
from tests.support import ROOT, check_told, command, latest

BANK = (
    "name: bank\nscenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock]}\nrepeats: 2\n"
)
KEEPS_ALL = """\
outcomes:
  final_balance:
    - {equals: {param: initial_balance}, verdict: VERDICT, note: every update arrived}
    - {otherwise: true, where: {guard: none}, verdict: interesting}
    - {otherwise: true, verdict: forbidden}
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder with a run that expects nothing."""
    folder = tmp_path_factory.mktemp("executed")
    (folder / "bank.yaml").write_text(BANK)
    subprocess.run(command("run", "-q", "bank.yaml"), cwd=folder, capture_output=True, check=True)
    return folder


@pytest.fixture
def bank(executed, tmp_path):
    """A copy of that run for one test alone: a function that changes its file, and its folder."""
    shutil.copytree(executed / "results", tmp_path / "results", symlinks=True)

    def expecting(text):
        (tmp_path / "bank.yaml").write_text(BANK + text)

    expecting("")
    folder = latest(tmp_path, "bank")
    changed(folder, file=str(tmp_path / "bank.yaml"))
    return expecting, folder


def changed(folder, **changes):
    """Write a run.json that says something else, or nothing where that is None."""
    run = json.loads((folder / "run.json").read_text()) | changes
    (folder / "run.json").write_text(json.dumps({k: v for k, v in run.items() if k not in changes or v}))


def kept(folder):
    return tuple(json.loads((folder / name).read_text())["verdict"] for name in ("run.json", "verdict.json"))


FAILED, PASSED = ("failed", "failed"), ("passed", "passed")


def test_a_forbidden_outcome_fails_the_run(ran):
    done = ran(BANK + KEEPS_ALL.replace("VERDICT", "forbidden"), "-q", code=1)
    assert "verdict: failed" in done.stdout
    assert "forbidden: guard lock: final_balance 100 in 2 of 2 observations (100%): every" in done.stdout
    assert kept(done.folder) == FAILED
    table = pd.read_csv(done.folder / "outcomes.csv")
    assert set(table.loc[table["guard"] == "lock", "verdict"]) == {"forbidden"}


@pytest.mark.parametrize("bound", [0, 1])
def test_a_missed_expectation_fails_the_run_and_a_met_one_does_not(ran, bound):
    ran(BANK + f"expect:\n  - {{metric: lost_updates, min: {bound}, where: {{guard: lock}}}}\n", code=bound)


def test_a_timeout_that_is_expected_passes(ran):
    hangs = "scenario: misbehave\nparams: {way: hang}\ntimeout: 0.5\nrepeats: 1\n"
    done = ran(hangs + "expect:\n  - {status: timeout}\n", plugin="misbehave")
    assert "the expectation is met" in done.stdout


def test_a_run_is_judged_again_by_the_file_as_it_is_now(in_process, bank):
    expecting, folder = bank
    assert kept(folder) == PASSED
    expecting(KEEPS_ALL.replace("VERDICT", "forbidden"))
    done = in_process("verdict", "bank")
    assert done.returncode == 1
    assert done.stdout.startswith("verdict: failed\n")
    assert kept(folder) == FAILED
    assert "forbidden" in (folder / "outcomes.csv").read_text()
    expecting(KEEPS_ALL.replace("VERDICT", "acceptable"))
    assert in_process("verdict", "bank.yaml").returncode == 0
    assert kept(folder) == PASSED


def test_a_file_that_expects_nothing_any_more_is_judged_by_as_it_is(in_process, bank):
    expecting, folder = bank
    expecting("expect:\n  - {metric: wall_s, max: 0}\n")
    assert in_process("verdict").returncode == 1
    expecting("")
    done = in_process("verdict")
    assert done.returncode == 0
    assert "verdict: passed\n  nothing is expected but that every trial ends ok\n" in done.stdout
    assert kept(folder) == PASSED


def test_the_file_is_the_run_s_own_wherever_the_command_is_given(in_process, bank, tmp_path, monkeypatch):
    expecting, folder = bank
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "bank.yaml").write_text(BANK + "expect:\n  - {metric: wall_s, max: 0}\n")
    expecting("expect:\n  - {metric: wall_s, min: 0}\n")
    monkeypatch.chdir(elsewhere)
    assert f"judged by: {tmp_path / 'bank.yaml'}" in in_process("verdict", folder).stdout


def test_a_file_of_another_experiment_is_taken_only_if_it_is_asked_for(in_process, bank, tmp_path):
    _, folder = bank
    (tmp_path / "bank.yaml").write_text(BANK.replace("name: bank", "name: other"))
    done = in_process("verdict", folder)
    check_told(done, 2, "bank.yaml is the experiment other, and the run is one of bank")
    assert in_process("verdict", folder, "--file", "bank.yaml").returncode == 0


def test_show_tells_the_verdict_that_was_given_last(in_process, bank):
    expecting, _ = bank
    expecting(KEEPS_ALL.replace("VERDICT", "forbidden"))
    in_process("verdict")
    assert "verdict: failed" in in_process("show").stdout
    assert json.loads(in_process("show", "--json").stdout)["judgement"]["verdict"] == "failed"
    assert json.loads(in_process("list", "--json").stdout)[0]["verdict"] == "failed"


def test_a_run_may_be_judged_by_another_file(in_process, bank, tmp_path):
    (tmp_path / "other.yaml").write_text(BANK + "expect:\n  - {metric: wall_s, max: 0}\n")
    done = in_process("verdict", "bank", "--file", "other.yaml", "--json")
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert shown["verdict"] == "failed"
    assert [finding["found"] for finding in shown["findings"]] == ["missed", "missed"]


def test_judging_changes_nothing_but_the_verdict(in_process, bank):
    expecting, folder = bank
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    expecting(KEEPS_ALL.replace("VERDICT", "forbidden"))
    in_process("verdict")
    other = {name for name, content in before.items() if (folder / name).read_bytes() != content}
    has_hashes = "datapackage.json"
    assert other == {"run.json", "verdict.json", "outcomes.csv", has_hashes}


def test_a_mistake_in_the_file_is_located_and_the_old_verdict_stays(in_process, bank):
    expecting, folder = bank
    expecting("expect:\n  - {metric: lost_update, max: 0}\n")
    done = in_process("verdict")
    assert done.returncode == 2
    assert done.stderr.startswith("bank.yaml:7:14: expect[0].metric: scenario 'race-bank' has no such metric")
    assert kept(folder) == PASSED


def test_a_run_that_does_not_say_its_file_is_judged_by_one_that_is_named(in_process, bank):
    """As one of an earlier version."""
    _, folder = bank
    changed(folder, file=None)
    done = in_process("verdict")
    assert done.returncode == 2
    assert done.stderr == (
        "error: run.json does not say which file the run was made from\nhint: name one with --file\n"
    )
    assert in_process("verdict", "bank.yaml").returncode == 0


def test_a_file_that_is_gone_or_of_another_scenario_is_refused(in_process, bank, tmp_path):
    (tmp_path / "bank.yaml").unlink()
    done = in_process("verdict")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, "hint: name one with --file")
    (tmp_path / "other.yaml").write_text("scenario: spawn-count\n")
    done = in_process("verdict", "--file", "other.yaml")
    check_told(done, 2, "other.yaml is about spawn-count, and the run about race-bank")


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
def test_a_run_with_missing_trials_is_not_judged(in_process, bank, state):
    _, folder = bank
    changed(folder, state=state)
    done = in_process("verdict")
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"error: the run is {state}: it is judged when all of its trials are done\nhint: `mprunner resume "
    )


def test_a_damaged_verdict_is_told_and_not_passed_over(in_process, bank):
    _, folder = bank
    (folder / "verdict.json").write_text("[]")
    done = in_process("show")
    check_told(done, 6, "hint: remove it: the experiment's own expectations count then")


def test_a_run_goes_on_though_its_file_expects_something_else_now(in_process, bank):
    expecting, folder = bank
    changed(folder, state="running")
    lines = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "journal.jsonl").write_bytes(b"".join(lines[:-1]))
    expecting("expect:\n  - {metric: wall_s, max: 0}\n")
    done = in_process("resume", "-q", "bank.yaml")
    assert done.returncode == 0, done.stderr
    assert in_process("verdict", "bank.yaml").returncode == 1


INTERRUPTS = """
import os, signal
def mprunner_register_scenarios():
    os.kill(os.getpid(), signal.SIGINT)
    return []
"""


def test_ctrl_c_ends_judging_again_when_the_verdict_is_whole(program, bank, tmp_path):
    expecting, folder = bank
    expecting(KEEPS_ALL.replace("VERDICT", "forbidden"))
    (tmp_path / "interrupting.py").write_text(INTERRUPTS)
    done = program("verdict", "bank", "--plugin", "interrupting.py")
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""
    assert kept(folder) == FAILED
    assert "forbidden" in set(pd.read_csv(folder / "outcomes.csv").verdict)


@pytest.mark.parametrize("build", ["main, Apr  1 2026", "main, Apr  1 2026, free-threaded"])
def test_beside_a_pass_of_threads_under_a_gil_stands_what_it_does_not_show(in_process, tmp_path, build):
    shutil.copytree(ROOT / "tests" / "golden" / "runs" / "threads-or-processes", tmp_path / "results" / "x")
    (journal,) = tmp_path.glob("results/x/*/journal.jsonl")
    first, *others = journal.read_bytes().splitlines(keepends=True)
    header = json.loads(first[9:])["header"]
    conditions = header["conditions"] | {"build of Python": build}
    journal.write_bytes(line_of({"header": header | {"conditions": conditions}}) + b"".join(others))
    done = in_process("show", journal.parent)
    assert ("threads under the GIL take turns (2 cases): a race" in done.stdout) == ("free" not in build)
