"""Several experiments on one command line, on the whole program."""

import json
import os
import signal

import pytest

from tests.support import PLUGINS, Terminal, check_told, latest, wait_for_the_hanging_trial

BANK = "scenario: race-bank\nparams: {transactions: 10}\nrepeats: 1\n"
WAY = "scenario: misbehave\nsweep: {way: [WAY]}\nrepeats: 1\ntimeout: 600\n"
PLUGIN = ["--plugin", PLUGINS / "misbehave.py"]


@pytest.fixture
def written(tmp_path):
    """Write files; return nothing."""

    def write(**texts):
        for name, text in texts.items():
            file = tmp_path / f"{name.replace('__', '/')}.yaml"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    return write


def way(name):
    return WAY.replace("WAY", name)


def executed(tmp_path):
    """The names of the experiments that have runs, a name for each, in the order in which they began."""
    files = sorted((tmp_path / "results").glob("*/2*/experiment.yaml"), key=lambda f: f.stat().st_mtime_ns)
    return [file.parent.parent.name for file in files]


def test_files_and_folders_are_executed_one_after_the_other_each_file_once(in_process, tmp_path, written):
    written(b=BANK, more__d=BANK, more__c=BANK, more__e=BANK)
    (tmp_path / "more" / "e.yaml").rename(tmp_path / "more" / "a.yml")
    (tmp_path / "more" / "notes.txt").write_text("no experiment")
    (tmp_path / "more" / ".hidden.yaml").write_text("no experiment")
    (tmp_path / "more" / "deeper.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to("b.yaml")
    done = in_process("run", "b.yaml", "more", "./b.yaml", "link.yaml", "more/c.yaml", "--set", "repeats=2")
    assert done.returncode == 0, done.stderr
    assert executed(tmp_path) == ["b", "a", "c", "d"]
    assert [line for line in done.stderr.splitlines() if " of 4: " in line] == [
        "1 of 4: b.yaml",
        "2 of 4: more/a.yml",
        "3 of 4: more/c.yaml",
        "4 of 4: more/d.yaml",
    ]
    assert done.stdout.count("race-bank, 2 trials, all ok") == 4
    assert done.stdout.count("\nresults: ") == 4
    assert all((tmp_path / "results" / name / "latest" / "trials.csv").exists() for name in "abcd")


def test_files_whose_experiments_have_one_name_are_warned_of(in_process, written):
    written(a__bank=BANK, b__bank=BANK, b__cash=BANK)
    done = in_process("plan", "a/bank.yaml", "b")
    check_told(done, 0, "warning: a/bank.yaml and b/bank.yaml share the results folder of bank\nhint: ")
    assert "cash" not in done.stderr


def test_a_folder_with_a_pipe_is_refused(in_process, tmp_path, written):
    written(more__a=BANK)
    os.mkfifo(tmp_path / "more" / "b.yaml")
    done = in_process("plan", "more")
    check_told(done, 2, "error: more/b.yaml is no regular file")


def test_one_file_is_told_nothing_of_several(in_process, written):
    written(b=BANK)
    assert " of 1" not in in_process("run", "b.yaml").stderr


def test_everything_that_is_wrong_is_told_before_anything_is_executed(in_process, tmp_path, written):
    written(a=BANK, b="scenario: race-bnak\n", c="scenario: [\n", d=BANK + "order: random\nwarmup: lots\n")
    (tmp_path / "empty").mkdir()
    done = in_process("run", "a.yaml", "b.yaml", "c.yaml", "d.yaml", "empty", "gone.yaml")
    assert done.returncode == 2
    for said in (
        "b.yaml:1:11: scenario: there is no scenario 'race-bnak'",
        "c.yaml:2:1: ",
        "d.yaml:4:8: order: 'random' is not one of",
        "d.yaml:5:9: warmup: must be",
        "error: there is no experiment in the folder empty\nhint: ",
        "error: there is no file gone.yaml\nhint: ",
    ):
        assert said in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--only", "guard=manager"], 5), (["--only", "guard=nothing"], 2), (["--only", "gaurd=lock"], 2)],
)
def test_errors_of_one_kind_keep_their_exit_code(in_process, written, arguments, code):
    written(a=BANK, b=BANK)
    assert in_process("run", "a.yaml", "b.yaml", *arguments).returncode == code


def test_errors_of_several_kinds_are_exit_code_2(in_process, written):
    written(a=BANK, b="scenario: race-bnak\n")
    done = in_process("run", "a.yaml", "b.yaml", "--only", "guard=manager")
    check_told(done, 2, "in a.yaml:\nerror: no case has what is asked for by --only guard=manager")


def test_a_folder_without_experiments_is_exit_code_2(in_process, tmp_path):
    (tmp_path / "empty").mkdir()
    for verb in ("run", "plan"):
        done = in_process(verb, "empty")
        assert done.returncode == 2
        assert done.stderr == (
            "error: there is no experiment in the folder empty\n"
            "hint: name a folder with *.yaml or *.yml files, or a file\n"
        )


def test_a_failure_is_exit_code_1_and_keeps_nothing_from_being_executed(in_process, tmp_path, written):
    written(a=way("raise") + "on_failure: stop\n", b=way("ok"))
    done = in_process("run", "a.yaml", "b.yaml", *PLUGIN)
    assert done.returncode == 1
    assert executed(tmp_path) == ["a", "b"]


def test_results_that_can_not_be_written_end_it_all(in_process, tmp_path, written):
    written(a=BANK, b=BANK, c=BANK)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "b").write_text("in the way of a folder")
    done = in_process("run", "a.yaml", "b.yaml", "c.yaml")
    check_told(done, 6, "not executed: c.yaml\n")
    assert executed(tmp_path) == ["a"]


def test_ctrl_c_ends_the_run_in_hand_and_names_those_that_were_not_begun(tmp_path, token, written):
    written(a=way("ok"), b=way("hang-with-children"), c=way("ok"), d=way("ok"))
    with Terminal(tmp_path, "run", "a.yaml", "b.yaml", "c.yaml", "d.yaml", *PLUGIN) as terminal:
        wait_for_the_hanging_trial(token)
        terminal.press(b"\x03")
        assert terminal.end() == -signal.SIGINT
    assert executed(tmp_path) == ["a", "b"]
    assert terminal.text.rstrip().endswith("not executed: c.yaml, d.yaml")
    assert "Traceback" not in terminal.text
    assert json.loads((latest(tmp_path, "b") / "run.json").read_text())["state"] == "interrupted"


def test_each_run_on_a_terminal_has_its_own_live_line_of_progress_and_leaves_its_summary(
    tmp_path, token, written
):
    written(a=way("ok, print"), b=way("ok, print"))
    with Terminal(tmp_path, "run", "a.yaml", "b.yaml", *PLUGIN) as terminal:
        assert terminal.end() == 0
    assert [f"{n} of 2: {file}.yaml" in terminal.text for n, file in ((1, "a"), (2, "b"))] == [True, True]
    assert terminal.text.count("0/2") >= 2
    assert [f"results: results/{name}/" in terminal.text for name in ("a", "b")] == [True, True]
    assert "Traceback" not in terminal.text


def test_what_is_left_out_is_told_with_the_name_where_there_are_several(in_process, written):
    written(a=BANK + "sweep: {guard: [none, lock]}\n", b=BANK + "sweep: {guard: [lock, none]}\n")
    for verb in ("plan", "run"):
        told = in_process(verb, "a.yaml", "b.yaml", "--only", "guard=lock").stderr.splitlines()
        assert {"a: 1 combination not selected", "b: 1 combination not selected"} <= set(told)


def test_json_is_a_list_where_several_files_or_a_folder_may_be_meant(in_process, written):
    written(only__a=BANK)
    one = json.loads(in_process("plan", "--json", "only/a.yaml").stdout)
    assert one["experiment"]["name"] == "a"
    for arguments in (["only"], ["only/a.yaml", "only/a.yaml"]):
        assert json.loads(in_process("plan", "--json", *arguments).stdout) == [
            one | {"experiment": one["experiment"] | {"path": "only/a.yaml"}}
        ]


def test_an_empty_name_is_not_the_current_folder(in_process, tmp_path, written):
    written(bank=BANK)
    done = in_process("run", "")
    assert (done.returncode, executed(tmp_path)) == (2, [])
    assert "a file can't have an empty name" in done.stderr
