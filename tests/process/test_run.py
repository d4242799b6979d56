"""``mprunner run`` as a person uses it: the real program, real files, real processes."""

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.support import GENEROUS_S, PLUGINS, ROOT, check_told, command, latest, trials_of

FAMILY = (PLUGINS / "family.py").read_text()

SMALL_BANK = """
name: small-bank
scenario: race-bank
params: {transactions: 200}
sweep:
  - {mode: sequential}
  - {guard: [none, lock], sync: spin, rounds: 20}
baseline: {mode: concurrent, guard: none}
repeats: 5
warmup: 1
"""


TINY = "name: tiny\nscenario: race-bank\nparams: {transactions: 10}\nrepeats: 1\n"


@pytest.fixture
def tiny(tmp_path):
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return file


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small bank executed once, for all that look at what such a run prints and leaves."""
    folder = tmp_path_factory.mktemp("finished")
    file = folder / "small.yaml"
    file.write_text(SMALL_BANK)
    done = subprocess.run(
        command("run", file), cwd=folder, capture_output=True, text=True, timeout=GENEROUS_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return done, file, latest(folder, "small-bank")


def misbehaving(ways, more=""):
    return f"scenario: misbehave\nsweep: {{way: [{ways}]}}\nrepeats: 2\n{more}"


def test_a_run_leaves_every_file_that_is_documented(finished):
    done, file, folder = finished
    assert {path.name for path in folder.iterdir()} == {
        "actors.csv",
        "experiment.yaml",
        "journal.jsonl",
        "logs",
        "outcomes.csv",
        "run.json",
        "verdict.json",
        "datapackage.json",
        "summary.csv",
        "trials.csv",
    }
    assert (folder / "experiment.yaml").read_bytes() == file.read_bytes()
    assert list((folder / "logs").iterdir()) == []
    assert f"results: results/small-bank/{folder.name}" in done.stdout


def test_trials_csv_has_a_row_per_attempt_with_params_and_metrics_as_columns(finished):
    table = trials_of(finished[-1])
    assert len(table) == 3 * (5 + 1)
    assert set(table.status) == {"ok"}
    assert table.is_final.all()
    assert table.is_warmup.sum() == 3
    assert {"mode", "guard", "rounds", "final_balance", "lost_updates", "wall_s"} <= set(table.columns)
    assert (table[table.guard == "lock"].lost_updates == 0).all()
    assert (table[table["mode"] == "sequential"].final_balance == 100).all()
    assert set(table.containment) == {"subreaper" if sys.platform == "linux" else "process-group"}


def test_the_tables_agree_with_one_another(finished):
    folder = finished[-1]
    table = trials_of(folder)
    actors = pd.read_csv(folder / "actors.csv")
    outcomes = pd.read_csv(folder / "outcomes.csv")
    summary = pd.read_csv(folder / "summary.csv")
    concurrent = table[table["mode"] == "concurrent"]
    assert sorted(set(actors.trial_id)) == sorted(concurrent.trial_id)
    assert len(actors) == 2 * len(concurrent)
    assert outcomes.groupby("case_id")["count"].sum().to_dict() == (
        table.groupby("case_id")["rounds"].sum().to_dict()
    )
    assert set(summary.case_id) == set(table.case_id)
    measured = summary[~summary.metric.str.startswith("lock_")]
    assert set(measured.trials) == {5}


def test_run_json_says_where_and_how_the_run_was_executed(finished):
    _, file, folder = finished
    run = json.loads((folder / "run.json").read_text())
    assert run["run_id"] == folder.name
    assert run["state"] == "finished"
    assert run["planned"] == 18
    assert run["plugin"]["name"] == "race-bank"
    assert len(run["plugin"]["source_hash"]) == 64
    assert run["argv"][1:] == ["run", str(file)]
    assert run["finished_at"] > run["started_at"]


def test_progress_goes_to_stderr_and_the_summary_to_stdout(finished):
    done = finished[0]
    assert "[18/18]" in done.stderr
    assert "[18/18]" not in done.stdout
    assert "guard lock" in done.stdout
    assert "guard lock" in done.stdout
    assert "0 of 5" in done.stdout


def test_quiet_leaves_the_summary_only_and_a_second_run_is_a_second_folder_and_the_latest(ran):
    first, second = ran(TINY, "--quiet", name="tiny"), ran(TINY, "--quiet", name="tiny")
    assert first.stderr == second.stderr == ""
    assert "0 of 1 trial lost updates" in first.stdout
    assert first.folder != second.folder
    assert set(first.trials.trial_id) == set(second.trials.trial_id)


def test_a_failing_trial_is_a_row_and_exit_code_1_and_has_what_it_printed_in_a_log(ran):
    text = misbehaving("ok, raise, killed, hang", "timeout: 0.3")
    done = ran(text, plugin="misbehave", code=1)
    table = done.trials
    assert table.groupby("way").status.agg(list).to_dict() == {
        "ok": ["ok", "ok"],
        "raise": ["error", "error"],
        "killed": ["signal", "signal"],
        "hang": ["timeout", "timeout"],
    }
    assert "Traceback" not in done.stderr + done.stdout
    message = table[table.way == "raise"].error_message.iloc[0]
    assert message == "it went wrong\\nin two lines, with 'quotes', \"more\" and a tab\\t"
    printing = table[table.way.isin(["raise", "hang"])].trial_id  # the one its traceback, the other its stack
    assert {path.name for path in (done.folder / "logs").iterdir()} == {f"{each}.1.log" for each in printing}


def test_a_lost_trial_is_executed_again_and_only_its_last_attempt_counts(ran, tmp_path):
    text = f"scenario: fragile\nparams: {{marker: {tmp_path / 'marker'}}}\nrepeats: 3\nretries: 1\n"
    done = ran(text, plugin="fragile")
    assert "[1/3] the only case, repeat 1: lost" in done.stderr
    table = done.trials
    assert list(zip(table.repeat, table.attempt, table.status, table.is_final, strict=True)) == [
        (0, 1, "ok", True),
        (1, 1, "lost", False),
        (1, 2, "ok", True),
        (2, 1, "ok", True),
    ]


def test_the_actors_of_a_plugin_in_one_file_work_under_every_start_method(program, tmp_path):
    """Also with a module beside it, and one named like a module of the standard library, which must hide nothing."""
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / "queue.py").write_text("raise RuntimeError('this is not the standard library')\n")
    plugin = folder / "random.py"
    source = (PLUGINS / "onefile.py").read_text()
    (folder / "doubling.py").write_text("def double(number):\n    return 2 * number\n")
    own = "def double(number):\n    return 2 * number\n"
    assert own in source
    plugin.write_text(source.replace(own, "from doubling import double\n"))
    sweep = "sweep: {start_method: [fork, spawn, forkserver]}\nrepeats: 1\n"
    (tmp_path / "onefile.yaml").write_text(f"scenario: one-file\n{sweep}")
    done = program("run", "onefile.yaml", "--plugin", plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = trials_of(latest(tmp_path, "onefile"))
    assert rows[["by_actor", "by_pool", "by_process"]].to_numpy().tolist() == [[6, 6, 6]] * 3


def test_the_runner_forks_nothing_but_its_launcher(ran):
    """Rows say who the workers' parent was only indirectly: no actor has the runner as its parent."""
    table = ran("scenario: family\nrepeats: 2\n", plugin="family").trials
    assert table.worker.nunique() == 2
    assert table.launcher.nunique() == 1
    assert table.session_is_own.all()


BAD_INPUT = [  # what is said of many more is in tests/golden/broken.yaml.txt
    ("missing.yaml", None, r"there is no file missing\.yaml", 2),
    ("folder", "folder", r"folder", 2),
    ("empty.yaml", b"", r"empty", 2),
    ("value.yaml", b"scenario: race-bank\nsweep: {guard: [none, lokc]}\n", r"value\.yaml:2:23: .*lock", 2),
    ("binary.yaml", b"\xff\xfe\x00", r"binary\.yaml", 2),
    (
        "refused.yaml",
        b"scenario: race-bank\nparams: {guard: get_lock, store: RawValue}\n",
        r"every combination",
        5,
    ),
]


@pytest.mark.parametrize(
    ("name", "content", "expected", "code"), BAD_INPUT, ids=[row[0] for row in BAD_INPUT]
)
def test_bad_input_is_one_located_error_with_a_hint_and_leaves_nothing(
    in_process, tmp_path, name, content, expected, code
):
    file = tmp_path / name
    if content == "folder":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    done = in_process("run", name)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert re.search(expected, done.stderr, re.DOTALL), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("blocked", ["results", "results/tiny"])
def test_results_that_can_not_be_written_are_exit_code_6(in_process, tiny, tmp_path, blocked):
    path = tmp_path / blocked
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file where a folder should be")
    done = in_process("run", tiny)
    check_told(done, 6, "can't be written", "hint: ")
    assert path.read_text() == "a file where a folder should be"


def test_a_plugin_that_only_the_worker_can_not_import_is_exit_code_4(in_process, tmp_path):
    (tmp_path / "fickle.py").write_text(
        "import sys\nif sys.argv[0].endswith('worker/__main__.py'):\n    raise ImportError('not in here')\n"
        + FAMILY
    )
    (tmp_path / "family.yaml").write_text("scenario: family\n")
    done = in_process("run", "family.yaml", "--plugin", "fickle.py")
    assert done.returncode == 4
    assert "not in here" in done.stderr
    assert not (tmp_path / "results").exists()


HOOKS = {
    "an error": "def mprunner_trial_finished(record):\n    raise RuntimeError('a hook broke')\n",
    "an environment that is no mapping": "def mprunner_environment():\n    return object()\n",
    "an environment that is no number": "def mprunner_environment():\n    return {'a': float('nan')}\n",
    "a run that is changed": "def mprunner_run_started(run):\n    run['x'] = object()\n",
    "an exit": "def mprunner_trial_finished(record):\n    raise SystemExit(5)\n",
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS.keys())
def test_nothing_that_a_hook_does_costs_a_row_or_another_plugin_s_hook(ran, tmp_path, hook):
    (tmp_path / "bad.py").write_text(hook)
    said = "\nimport sys\ndef mprunner_trial_finished(record):\n    print('told', file=sys.stderr)\n"
    done = ran("scenario: family\nrepeats: 3\n", "--plugin", "bad.py", plugin=FAMILY + said)
    assert done.stderr.count("told") == 3
    assert done.stderr.count("a hook broke") == ("a hook broke" in hook)
    assert len(done.trials) == 3
    assert done.json["state"] == "finished"


def test_what_a_plugin_prints_when_it_is_imported_is_no_output_of_the_program(program, tmp_path):
    (tmp_path / "family.py").write_text("print('imported')\n" + FAMILY)
    done = program("scenarios", "--json", "--plugin", "family.py")
    assert "family" in [scenario["name"] for scenario in json.loads(done.stdout)]
    assert "imported" in done.stderr


def test_a_terminal_without_the_signs_of_the_summary_loses_nothing(program, tiny):
    tiny.write_text(TINY.replace("repeats: 1", "repeats: 2\nsweep: {guard: [none, lock]}"))
    done = program("run", "-q", tiny, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert "lost updates" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_costs_nothing_of_the_run(tiny, tmp_path, token, closed):
    line = " ".join([*command("run", "tiny.yaml"), closed])
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(trials_of(latest(tmp_path, "tiny"))) == 1


def test_an_output_that_is_full_is_an_error_and_costs_nothing_of_the_run(tiny, tmp_path, token):
    with Path("/dev/full").open("w") as full:
        line = command("run", "-q", tiny)
        done = subprocess.run(line, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: the output can't be written: ")
    assert len(trials_of(latest(tmp_path, "tiny"))) == 1


def test_a_plugin_that_ignores_its_children_s_end_keeps_its_statuses(program, tmp_path):
    ignored = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    (tmp_path / "family.py").write_text(ignored + FAMILY)
    (tmp_path / "family.yaml").write_text("scenario: family\nrepeats: 2\n")
    assert program("run", "family.yaml", "--plugin", "family.py").returncode == 0


def test_a_results_folder_with_bytes_that_are_no_text_is_used(in_process, tiny, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9s")
    assert in_process("run", "-q", tiny, "--results", folder).returncode == 0
    assert (Path(folder) / "tiny" / "latest" / "trials.csv").is_file()


def test_a_run_whose_journal_can_not_begin_leaves_nothing(program, tiny, tmp_path):
    """A limit on the size of files stands for a disk that is full."""
    limited = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))}
    done = program("run", tiny, **limited)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "results" / "tiny").iterdir()) == []


def test_the_launcher_imports_nothing_heavy(ran):
    done = ran("scenario: family\nrepeats: 1\n", plugin="family")
    assert done.trials.heavy_modules.iloc[0] == "none"


def test_the_bank_of_the_repository_runs_and_says_its_lesson(ran):
    """The experiment as it is given, with fewer repeats and rounds: the lesson must hold, its numbers may differ."""
    text = (ROOT / "experiments" / "bank.yaml").read_text()
    done = ran(text, "--set", "repeats=2", "--set", "sweep[2].rounds=300", name="bank")
    table = done.trials
    gated = table[table.sync == "spin"]
    assert (gated[gated.guard == "none"].lossy_rounds > 0).all()
    assert (table[(table.guard == "lock") | (table["mode"] == "sequential")].lost_updates == 0).all()
    assert "Updates were lost: guard none" in done.stdout
