"""plan, show, list, JSON and colour: what a person or a program reads beside a run."""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import mprunner
from mprunner.cli import main
from tests.support import check_told, command, marked

BANK = (
    "name: bank\nscenario: race-bank\nparams: {transactions: 10}\nsweep: {guard: [none, lock]}\nrepeats: 2\n"
)


@pytest.fixture
def bank(tmp_path):
    file = tmp_path / "bank.yaml"
    file.write_text(BANK)
    return file


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder in which two runs of one experiment and one of another were executed, and their folders."""
    folder = tmp_path_factory.mktemp("executed")
    (folder / "bank.yaml").write_text(BANK)
    names = ("bank", "bank", "other")
    with marked():
        made = [
            mprunner.run(folder / "bank.yaml", results=folder / "results", overrides=f"name={name}")
            for name in names
        ]
    ids = [results.run["run_id"] for results in made]
    return folder, [f"results/{name}/{run_id}" for name, run_id in zip(names, ids, strict=True)]


@pytest.fixture
def runs(executed, tmp_path):
    """A copy of those runs, for one test alone."""
    folder, runs = executed
    shutil.copytree(folder / "results", tmp_path / "results", symlinks=True)
    (tmp_path / "bank.yaml").write_text(BANK)
    return runs


def test_plan_tells_what_was_left_out_and_why_and_executes_nothing(in_process, bank, tmp_path):
    bank.write_text("scenario: race-bank\nsweep: {guard: [get_lock, none], store: [Value, RawValue]}\n")
    done = in_process("plan", bank)
    assert "3 cases × 5 repeats" in done.stdout
    assert (
        "1 combination left out; guard get_lock, store RawValue: a RawValue has no get_lock()" in done.stderr
    )
    assert not (tmp_path / "results").exists()


def test_plan_tells_what_means_nothing_to_cases(in_process, bank):
    bank.write_text(
        "scenario: race-bank\nparams: {time_lock: true}\n"
        "sweep: {mode: [sequential, concurrent], sync: [none, spin, barrier]}\n"
    )
    done = in_process("plan", bank)
    assert "4 cases × 5 repeats" in done.stdout
    assert done.stderr == (
        "2 combinations with the values of another but for what means nothing there, and no case of its own\n"
        "params.time_lock means nothing to any case: it does not with guard none or value-lock, nor with mode "
        "sequential\n"
    )
    bank.write_text("scenario: race-bank\nparams: {kind: thread, start_method: spawn}\n")
    said = "params.start_method means nothing to any case: it does only with kind process\n"
    assert in_process("plan", bank).stderr == said


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_what_is_excluded_is_told_apart_from_what_is_refused(in_process, bank, verb):
    bank.write_text(
        "scenario: race-bank\nrepeats: 1\nparams: {transactions: 10}\n"
        "sweep: {guard: [get_lock, none], store: [Value, RawValue]}\n"
        "exclude: [{guard: none, store: RawValue}]\n"
    )
    told = in_process(verb, bank).stderr
    assert told.startswith("1 combination excluded\n1 combination left out; guard get_lock, store RawValue: ")


@pytest.mark.parametrize("arguments", [["plan"], ["plan", "--json"], ["run"]])
def test_strict_is_exit_code_2_where_the_scenario_refuses_a_combination(
    in_process, bank, tmp_path, arguments
):
    bank.write_text("scenario: race-bank\nsweep: {guard: [get_lock, none], store: [Value, RawValue]}\n")
    done = in_process(*arguments, "--strict", bank)
    assert done.returncode == 2
    assert done.stdout == ""
    place = f"{bank}:2:1: sweep"
    assert (
        f"error: {place}: scenario 'race-bank' refuses 1 combination of the experiment:\n  guard ge"
        in done.stderr
    )
    assert not (tmp_path / "results").exists()


def test_the_plan_as_json_has_the_trials_that_a_run_executes(in_process, bank, runs, tmp_path):
    planned = json.loads(in_process("plan", "--json", bank).stdout)
    journal = (tmp_path / runs[0] / "journal.jsonl").read_text().splitlines()
    ended = [json.loads(line[9:])["ended"] for line in journal if '"ended"' in line[:20]]
    assert [trial["trial_id"] for trial in planned["trials"]] == [
        record["attempt"]["trial_id"] for record in ended
    ]
    assert planned["experiment"]["sweep"] == [{"guard": ["none", "lock"]}]


@pytest.mark.parametrize("wanted", ["folder", "name", "file", "experiment", "prefix"])
def test_show_finds_a_run_by_its_folder_or_id_or_by_its_experiment(in_process, runs, tmp_path, wanted):
    run_id = runs[1].rpartition("/")[2]
    named = {
        "folder": runs[1],
        "name": "bank",
        "file": "bank.yaml",
        "experiment": "results/bank/",
        "prefix": run_id[:-1],
    }[wanted]
    done = in_process("show", named)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "bank: race-bank, 4 trials, all ok"
    assert run_id in done.stdout.splitlines()[-1]


def test_a_file_whose_experiment_has_another_name_is_found(ran, in_process):
    """Also where an experiment has the name of the file; and what is shown is what the run printed."""
    said = {
        file: ran(BANK.replace("name: bank", f"name: {name}"), "-q", name=file).stdout.splitlines()
        for file, name in {"other": "else", "bank": "other"}.items()
    }
    for file, name in {"other": "else", "bank": "other"}.items():
        *shown, _ = in_process("show", f"{file}.yaml").stdout.splitlines()
        assert shown == said[file][:-1]
        assert shown[0].startswith(f"{name}: ")


@pytest.mark.parametrize("left", ["no header", "no run.json"])
def test_a_run_that_has_not_begun_is_passed_over_and_told(in_process, runs, tmp_path, left):
    """As its runner leaves it when it is killed, or the power is cut, before the first trial."""
    unbegun = tmp_path / runs[1]
    if left == "no header":
        (unbegun / "journal.jsonl").write_bytes(b"12345678 {")
    else:
        (unbegun / "run.json").unlink()
    warning = f"warning: {runs[1]} is passed over: its runner was ended before the first trial\n"
    shown = in_process("show", "bank")
    assert (shown.returncode, runs[0] in shown.stdout) == (0, True)
    assert warning in shown.stderr
    assert in_process("show", "other").stderr == ""
    listed = in_process("list")
    assert len(listed.stdout.splitlines()) == 3
    assert warning in listed.stderr


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [("bnak", "hint: did you mean 'bank'?"), ("zzz", "hint: there are runs of bank, other")],
)
def test_show_of_an_unknown_run_is_exit_code_2_with_a_hint(in_process, runs, wanted, hint):
    done = in_process("show", wanted)
    assert done.returncode == 2
    assert hint in done.stderr


@pytest.mark.parametrize("command", ["show", "resume", "verdict"])
def test_an_empty_name_is_no_run(in_process, runs, command):
    done = in_process(command, "")
    check_told(done, 2, "a run can't have an empty name")


def test_show_refuses_a_damaged_journal_and_names_the_byte(in_process, runs, tmp_path):
    journal = tmp_path / runs[0] / "journal.jsonl"
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1
    journal.write_bytes(data)
    done = in_process("show", runs[0])
    check_told(done, 6, "byte")


def test_a_failed_trial_makes_the_verdict_failed(ran, in_process):
    ran("scenario: misbehave\nparams: {way: raise}\nrepeats: 1\n", plugin="misbehave", code=1)
    assert json.loads(in_process("list", "--json").stdout)[0]["verdict"] == "failed"


def test_a_run_whose_runner_is_gone_is_listed_as_interrupted(in_process, runs, tmp_path):
    file = tmp_path / runs[0] / "run.json"
    file.write_text(file.read_text().replace('"finished"', '"running"'))
    listed = json.loads(in_process("list", "--json").stdout)[0]
    assert (listed["state"], listed["done"], listed["planned"]) == ("interrupted", None, 4)
    assert "  - of 4" in in_process("list").stdout


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_broken_run_json_is_no_traceback(in_process, runs, tmp_path, content):
    (tmp_path / runs[0] / "run.json").write_text(content)
    done = in_process("list")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "other" in done.stdout


ESCAPE = "\x1b["


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_heeds_the_option_then_no_color_then_force_color(
    in_process, runs, monkeypatch, options, environment, colored
):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = in_process("show", "bank", *options)
    assert (ESCAPE in done.stdout) is colored
    assert "lost updates" in done.stdout


def test_an_internal_error_is_exit_code_3(monkeypatch, capsys):
    def broken(*arguments, **options):
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr("mprunner.cli.cli.main", broken)
    with pytest.raises(SystemExit) as ended:
        main(["list"])
    assert ended.value.code == 3
    assert "internal error" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--nonsense"], ["run"], ["resume", "a", "b"], ["nonsense"]])
def test_bad_usage_is_exit_code_2(in_process, arguments):
    done = in_process(*arguments)
    check_told(done, 2, "Usage: ")


@pytest.fixture
def closed():
    """The end of a pipe that no one reads."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize(
    "arguments", ["list", "list --json", "show", "plan bank.yaml", "--help", "run --help", "scenarios"]
)
@pytest.mark.usefixtures("runs")
def test_a_reader_that_is_gone_ends_a_command_by_its_signal_and_not_as_a_failed_trial(
    tmp_path, closed, arguments
):
    line = command(*arguments.split())
    done = subprocess.run(line, cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, "")


@pytest.mark.parametrize("arguments", ["bogus", "run none.yaml", "list --bogus", "show none"])
def test_an_error_that_no_one_reads_has_its_exit_code(tmp_path, closed, arguments):
    done = subprocess.run(command(*arguments.split()), cwd=tmp_path, stderr=closed, check=False)
    assert done.returncode == 2


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        (["runn", "bank.yaml"], "did you mean 'run'?"),
        (["bank.yaml"], "write `mprunner run bank.yaml`"),
        (["frobnicate"], "the commands are run, race, tune, resume, plan"),
        (["run", "bank.yaml", "--repeats", "3"], "write `--set repeats=N`"),
        (["plan", "bank.yaml", "-n", "3"], "write `--set repeats=N`"),
        (["run", "bank.yaml", "--timeout", "3"], "write `--set timeout=VALUE`"),
        (["run", "bank.yaml", "--dry-run"], "write `mprunner plan FILE`"),
    ],
)
def test_a_command_or_option_that_there_is_not_is_told_with_what_there_is(in_process, typed, hint):
    done = in_process(*typed)
    assert done.returncode == 2
    assert f"\nhint: {hint}" in done.stderr


@pytest.mark.parametrize(
    ("named", "message", "hint"),
    [
        ("work.py", "work.py is Python, and no experiment", "`--plugin work.py`"),
        ("-", "standard input is not read", "save the experiment in a file"),
        ("bank", "there is no file bank", "did you mean 'bank.yaml'?"),
        ("race", "there is no file race", "did you mean 'experiments/race.yaml'?"),
        ("bnak.yaml", "there is no file bnak.yaml", "did you mean 'bank.yaml'?"),
    ],
)
def test_what_is_no_experiment_is_told_with_the_file_that_may_be_meant(
    in_process, bank, tmp_path, monkeypatch, named, message, hint
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").mkdir()
    for name in ("work.py", "experiments/race.yaml", "bnk.yaml", "bak.yaml"):
        (tmp_path / name).write_text("")
    done = in_process("plan", named)
    assert (done.returncode, message in done.stderr, hint in done.stderr) == (2, True, True), done.stderr


def test_a_current_folder_that_is_gone_is_told_in_one_line(in_process, bank, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    done = in_process("plan", bank, "--plugin", "x.py")
    assert (
        done.stderr == "error: the current folder is gone\nhint: change to one that is there, and try again\n"
    )


def test_a_lack_of_memory_is_told_in_one_line(in_process, monkeypatch):
    def lack(*args, **options):
        raise MemoryError

    monkeypatch.setattr(mprunner.cli.cli, "main", lack)
    assert (
        in_process("list").stderr == "error: there is not enough memory for mprunner\nhint: see `ulimit -v`\n"
    )


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (0o600, "the launcher can't be started: Permission denied\nhint: see whether {} may be executed"),
        (0o700, "the launcher did not start: no memory\nhint: see the limits of `ulimit -a`"),
    ],
)
def test_a_launcher_that_does_not_start_is_told_in_one_line(
    in_process, bank, tmp_path, monkeypatch, mode, told
):
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho Traceback\necho no memory\n")
    interpreter.chmod(mode)
    monkeypatch.setattr(sys, "executable", str(interpreter))
    done = in_process("run", bank)
    assert (done.returncode, done.stderr) == (3, f"error: {told.format(interpreter)}\n")
