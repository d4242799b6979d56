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

from tests.support import GENEROUS_S, PLUGINS, ROOT, command

MISBEHAVE = PLUGINS / "misbehave.py"

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


@pytest.fixture
def small_bank(tmp_path):
    file = tmp_path / "small.yaml"
    file.write_text(SMALL_BANK)
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


def experiment(tmp_path: Path, ways: str, more: str = "") -> Path:
    file = tmp_path / "misbehave.yaml"
    file.write_text(f"scenario: misbehave\nsweep: {{way: [{ways}]}}\nrepeats: 2\n{more}")
    return file


def latest(tmp_path: Path, name: str) -> Path:
    return (tmp_path / "results" / name / "latest").resolve()


def trials(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "trials.csv", keep_default_na=False, na_values=[""])


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
    table = trials(finished[-1])
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
    table = trials(folder)
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
    assert "0 of 5 trials lost updates" in done.stdout


def test_quiet_leaves_the_summary_only(program, small_bank):
    done = program("run", "--quiet", small_bank)
    assert done.stderr == ""
    assert "guard lock" in done.stdout


def test_a_failing_trial_is_a_row_and_exit_code_1(program, tmp_path):
    done = program(
        "run", experiment(tmp_path, "ok, raise, killed, hang", "timeout: 0.3"), "--plugin", MISBEHAVE
    )
    assert done.returncode == 1
    table = trials(latest(tmp_path, "misbehave"))
    assert table.groupby("way").status.agg(list).to_dict() == {
        "ok": ["ok", "ok"],
        "raise": ["error", "error"],
        "killed": ["signal", "signal"],
        "hang": ["timeout", "timeout"],
    }
    assert "Traceback" not in done.stderr + done.stdout
    message = table[table.way == "raise"].error_message.iloc[0]
    assert message == "it went wrong\\nin two lines, with 'quotes', \"more\" and a tab\\t"


def test_what_failed_trials_printed_is_in_logs(program, tmp_path):
    program("run", experiment(tmp_path, "ok, raise"), "--plugin", MISBEHAVE)
    folder = latest(tmp_path, "misbehave")
    table = trials(folder)
    failed = table[table.way == "raise"].trial_id
    assert {path.name for path in (folder / "logs").iterdir()} == {f"{trial_id}.1.log" for trial_id in failed}


def test_on_failure_stop_executes_nothing_after_the_first_failure(program, tmp_path):
    file = experiment(tmp_path, "ok, raise, print", "on_failure: stop")
    done = program("run", file, "--plugin", MISBEHAVE)
    assert done.returncode == 1
    assert list(trials(latest(tmp_path, "misbehave")).status) == ["ok", "error"]


def test_a_lost_trial_is_executed_again_and_only_its_last_attempt_counts(program, tmp_path):
    file = tmp_path / "fragile.yaml"
    file.write_text(f"scenario: fragile\nparams: {{marker: {tmp_path / 'marker'}}}\nrepeats: 3\nretries: 1\n")
    done = program("run", file, "--plugin", PLUGINS / "fragile.py")
    assert done.returncode == 0, done.stderr
    assert "[1/3] the only case, repeat 1: lost" in done.stderr
    table = trials(latest(tmp_path, "fragile"))
    assert list(zip(table.repeat, table.attempt, table.status, table.is_final, strict=True)) == [
        (0, 1, "ok", True),
        (1, 1, "lost", False),
        (1, 2, "ok", True),
        (2, 1, "ok", True),
    ]


def test_two_runs_are_two_folders_and_latest_is_the_second(program, small_bank, tmp_path):
    program("run", small_bank)
    first = latest(tmp_path, "small-bank")
    program("run", small_bank)
    second = latest(tmp_path, "small-bank")
    assert first != second
    assert set(trials(first).trial_id) == set(trials(second).trial_id)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_actors_of_a_plugin_in_one_file_work_under_every_start_method(program, tmp_path, method):
    """Also beside a file named like a module of the standard library, which must hide nothing."""
    folder = tmp_path / "with space"
    folder.mkdir()
    (folder / "queue.py").write_text("raise RuntimeError('this is not the standard library')\n")
    plugin = folder / "random.py"
    plugin.write_text((PLUGINS / "onefile.py").read_text())
    file = tmp_path / "onefile.yaml"
    file.write_text(f"scenario: one-file\nparams: {{start_method: {method}}}\nrepeats: 1\n")
    done = program("run", file, "--plugin", plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    row = trials(latest(tmp_path, "onefile")).iloc[0]
    assert (row.by_actor, row.by_pool, row.by_process) == (6, 6, 6)


def test_the_runner_forks_nothing_but_its_launcher(program, small_bank, tmp_path):
    """Rows say who the workers' parent was only indirectly: no actor has the runner as its parent."""
    plugin = tmp_path / "family.py"
    plugin.write_text((PLUGINS / "family.py").read_text())
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\nrepeats: 2\n")
    done = program("run", file, "--plugin", plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    table = trials(latest(tmp_path, "family"))
    assert table.worker.nunique() == 2
    assert table.launcher.nunique() == 1
    assert table.session_is_own.all()


BAD_INPUT = [
    ("missing.yaml", None, r"there is no file missing\.yaml", 2),
    ("folder", "folder", r"folder", 2),
    ("empty.yaml", "", r"empty", 2),
    ("comments.yaml", "# nothing\n", r"empty", 2),
    ("key.yaml", "scenario: race-bank\nrepeat: 3\n", r"key\.yaml:2:1: .*repeats", 2),
    ("param.yaml", "scenario: race-bank\nparams: {gaurd: lock}\n", r"param\.yaml:2:10: .*guard", 2),
    ("scenario.yaml", "scenario: race-bnak\n", r"scenario\.yaml:1:11: .*race-bank", 2),
    ("type.yaml", "scenario: race-bank\nrepeats: many\n", r"type\.yaml:2:10: ", 2),
    ("value.yaml", "scenario: race-bank\nsweep: {guard: [none, lokc]}\n", r"value\.yaml:2:23: .*lock", 2),
    ("sweep.yaml", "scenario: race-bank\nsweep: {guard: []}\n", r"sweep\.yaml:2:16: ", 2),
    ("nothing.yaml", "scenario: race-bank\nsweep: {}\n", r"nothing\.yaml:2:8: ", 2),
    ("syntax.yaml", "scenario: [race-bank\n", r"syntax\.yaml:", 2),
    ("binary.yaml", b"\xff\xfe\x00", r"binary\.yaml", 2),
    (
        "refused.yaml",
        "scenario: race-bank\nparams: {mode: sequential, sync: spin}\n",
        r"refuses every combination",
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
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = in_process("run", name)
    assert done.returncode == code, done.stderr
    assert re.search(expected, done.stderr, re.DOTALL), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("blocked", ["results", "results/small-bank"])
def test_results_that_can_not_be_written_are_exit_code_6(program, small_bank, tmp_path, blocked):
    path = tmp_path / blocked
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file where a folder should be")
    done = program("run", small_bank)
    assert done.returncode == 6
    assert "can't be written" in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == "a file where a folder should be"


def test_a_plugin_that_only_the_worker_can_not_import_is_exit_code_4(program, tmp_path):
    plugin = tmp_path / "fickle.py"
    plugin.write_text(
        "import sys\nif sys.argv[0].endswith('worker/__main__.py'):\n    raise ImportError('not in here')\n"
        + (PLUGINS / "family.py").read_text()
    )
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\n")
    done = program("run", file, "--plugin", plugin)
    assert done.returncode == 4
    assert "not in here" in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_plugin_s_failing_hook_is_a_warning_and_stops_nothing(program, tmp_path):
    plugin = tmp_path / "family.py"
    plugin.write_text(
        (PLUGINS / "family.py").read_text()
        + "\ndef mprunner_trial_finished(record):\n    raise RuntimeError('a hook broke')\n"
    )
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\nrepeats: 3\n")
    done = program("run", file, "--plugin", plugin)
    assert done.returncode == 0
    assert done.stderr.count("a hook broke") == 1
    assert len(trials(latest(tmp_path, "family"))) == 3


HOOKS = {
    "an environment that is no mapping": "def mprunner_environment():\n    return object()\n",
    "an environment that is no number": "def mprunner_environment():\n    return {'a': float('nan')}\n",
    "a run that is changed": "def mprunner_run_started(run):\n    run['x'] = object()\n",
    "an exit": "def mprunner_trial_finished(record):\n    raise SystemExit(5)\n",
}


@pytest.mark.parametrize("hook", HOOKS.values(), ids=HOOKS.keys())
def test_nothing_that_a_hook_does_costs_a_row_or_another_plugin_s_hook(program, tmp_path, hook):
    bad, good = tmp_path / "bad.py", tmp_path / "family.py"
    bad.write_text(hook)
    said = "\nimport sys\ndef mprunner_trial_finished(record):\n    print('told', file=sys.stderr)\n"
    good.write_text((PLUGINS / "family.py").read_text() + said)
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\nrepeats: 3\n")
    done = program("run", file, "--plugin", bad, "--plugin", good)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("told") == 3
    assert len(trials(latest(tmp_path, "family"))) == 3
    assert json.loads((latest(tmp_path, "family") / "run.json").read_text())["state"] == "finished"


def test_what_a_plugin_prints_when_it_is_imported_is_no_output_of_the_program(program, tmp_path):
    plugin = tmp_path / "family.py"
    plugin.write_text("print('imported')\n" + (PLUGINS / "family.py").read_text())
    done = program("scenarios", "--json", "--plugin", plugin)
    assert "family" in [scenario["name"] for scenario in json.loads(done.stdout)]
    assert "imported" in done.stderr


def test_a_terminal_without_the_signs_of_the_summary_loses_nothing(program, small_bank):
    done = program(
        "run", "-q", small_bank, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert done.returncode == 0, done.stderr
    assert "guard lock" in done.stdout


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_costs_nothing_of_the_run(small_bank, tmp_path, token, closed):
    line = " ".join([*command("run", "small.yaml"), closed])
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(trials(latest(tmp_path, "small-bank"))) == 18


def test_an_output_that_is_full_is_an_error_and_costs_nothing_of_the_run(program, small_bank, tmp_path):
    with Path("/dev/full").open("w") as full:
        arguments = command("run", "-q", small_bank)
        done = subprocess.run(
            arguments, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 3
    assert done.stderr.startswith("error: the output can't be written: ")
    assert len(trials(latest(tmp_path, "small-bank"))) == 18


def test_a_plugin_that_ignores_its_children_s_end_keeps_its_statuses(program, tmp_path):
    plugin = tmp_path / "family.py"
    ignored = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    plugin.write_text(ignored + (PLUGINS / "family.py").read_text())
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\nrepeats: 2\n")
    assert program("run", file, "--plugin", plugin).returncode == 0


def test_a_results_folder_with_bytes_that_are_no_text_is_used(program, small_bank, tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9s")
    assert program("run", "-q", small_bank, "--results", folder).returncode == 0
    assert (Path(folder) / "small-bank" / "latest" / "trials.csv").is_file()


def test_a_run_whose_journal_can_not_begin_leaves_nothing(program, small_bank, tmp_path):
    """A limit on the size of files stands for a disk that is full."""
    done = program(
        "run", small_bank, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
    )
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "results" / "small-bank").iterdir()) == []


def test_help_imports_nothing_heavy(token):
    script = (
        "import sys; from mprunner.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('pandas', 'numpy', 'pydantic', 'rich', 'yaml', 'scipy', 'pluggy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_launcher_imports_nothing_heavy(program, tmp_path):
    plugin = PLUGINS / "family.py"
    file = tmp_path / "family.yaml"
    file.write_text("scenario: family\nrepeats: 1\n")
    program("run", file, "--plugin", plugin)
    assert trials(latest(tmp_path, "family")).heavy_modules.iloc[0] == "none"


def test_the_bank_of_the_repository_runs_and_says_its_lesson(program, tmp_path):
    """The experiment as it is given, with fewer repeats: the lesson must hold, its numbers may differ."""
    text = (ROOT / "experiments" / "bank.yaml").read_text().replace("repeats: 10", "repeats: 3")
    file = tmp_path / "bank.yaml"
    file.write_text(text)
    done = program("run", file)
    assert done.returncode == 0, done.stderr
    table = trials(latest(tmp_path, "bank"))
    gated = table[table.sync == "spin"]
    assert (gated[gated.guard == "none"].lossy_rounds > 0).all()
    assert (table[(table.guard == "lock") | (table["mode"] == "sequential")].lost_updates == 0).all()
    assert "3 of 3 trials lost updates" in done.stdout
