"""mprunner from Python: what load returns is what was written, and run executes an experiment from any program."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading

import pandas as pd
import pytest

import mprunner.api
from mprunner.errors import ExperimentError, MprunnerError, ResultsError
from mprunner.model.columns import MEASURED
from mprunner.runs.folder import RunFolder
from mprunner.tables.csv import make_frame
from mprunner.tables.datapackage import FILE, concatenated, read_package, read_tables, write_package
from mprunner.workflow.tabulate import write_tables
from tests.made import header, record, run
from tests.support import (
    GENEROUS_S,
    a_trial_has_started,
    check_told,
    latest,
    marked,
    plugin_of,
    printed,
    wait_until,
)
from tests.tables.test_datapackage import DECLARED, frames_of, tricky_records, written_whole

EXPERIMENT = "name: bank\nscenario: race-bank\nrepeats: 2\nparams: {transactions: 10}\n"


@pytest.fixture
def experiment(tmp_path, token, monkeypatch):
    """The file of an experiment, in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "bank.yaml"
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder in which a run was executed."""
    folder = tmp_path_factory.mktemp("executed")
    (folder / "bank.yaml").write_text(EXPERIMENT)
    with marked():
        mprunner.run(folder / "bank.yaml", results=folder / "results")
    return folder


@pytest.fixture
def folder(executed, tmp_path, monkeypatch):
    """The folder of a copy of that run, where it was executed."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(executed / "results", tmp_path / "results", symlinks=True)
    return latest(tmp_path, "bank")


@pytest.fixture
def made(folder):
    """What is loaded of that run."""
    return mprunner.load("bank")


CONDITIONAL = "from typing import Annotated\nfrom mprunner.scenario import Unless\n" + plugin_of(
    "loops",
    "alone: bool = False; processes: Annotated[int, Unless(alone=True)] = 3; n: Annotated[int, Unless(alone=True)]",
    "seen: int; seen_n: int",
    "return Metrics(seen=params.processes, seen_n=params.n)",
)


def test_a_param_that_means_nothing_to_a_case_reaches_its_scenario_as_the_default(tmp_path, token):
    """The tables keep what the file says, which is part of the identity; one without a default has no other."""
    file = tmp_path / "loops.yaml"
    file.write_text("scenario: loops\nrepeats: 1\nsweep: {alone: [false, true], processes: [7, 8], n: [5]}\n")
    (tmp_path / "loops.py").write_text(CONDITIONAL)
    trials = mprunner.run(file, plugins=tmp_path / "loops.py", results=tmp_path / "results").trials
    columns = ["alone", "processes", "seen", "seen_n"]
    assert trials[columns].values.tolist() == [[False, 7, 7, 5], [False, 8, 8, 5], [True, 7, 3, 5]]


def test_what_is_read_is_what_was_written_to_the_type_and_the_bit(tmp_path):
    made = run(*tricky_records(), header=header(DECLARED))
    frames = frames_of(made)
    write_package(tmp_path, made.header, written_whole(frames))
    read = read_tables(read_package(tmp_path))
    assert list(read) == list(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(read[name], frame, check_exact=True)


def test_a_table_without_rows_has_its_types(tmp_path):
    made = run(header=header(DECLARED))
    frames = frames_of(made)
    write_package(tmp_path, made.header, written_whole(frames))
    for name, frame in read_tables(read_package(tmp_path)).items():
        pd.testing.assert_frame_equal(frame, frames[name])


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("trials.csv", None, r"trials\.csv can't be read: No such file"),
        ("actors.csv", "a,b\n1,2\n", r"actors\.csv is not what its datapackage\.json says"),
        ("trials.csv", "run_id,repeat\nx,y\n", r"trials\.csv is not what its datapackage\.json says"),
        (FILE, "{", r"datapackage\.json is damaged"),
        (FILE, '{"resources": [1]}', r"datapackage\.json is damaged"),
        (FILE, "{}", r"datapackage\.json is damaged: it has no 'resources'$"),
        (FILE, '{"resources": []}', r"datapackage\.json is damaged: it describes no actors, no outcomes, "),
    ],
)
def test_a_file_that_is_not_what_was_written_is_named(tmp_path, file, content, message):
    made = run(*tricky_records(), header=header(DECLARED))
    write_package(tmp_path, made.header, written_whole(frames_of(made)))
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)
    with pytest.raises(ResultsError, match=message):
        read_tables(read_package(tmp_path))


def test_runs_with_other_columns_are_put_below_each_other_without_losing_a_type():
    old = make_frame({"run_id": "str", "number": "int"}, [{"run_id": "a", "number": 2**53 + 1}])
    new = make_frame({"run_id": "str", "flag": "bool"}, [{"run_id": "b", "flag": True}])
    both = concatenated([old, new])
    assert list(both.columns) == ["run_id", "number", "flag"]
    assert list(both.dtypes.astype(str)) == ["string", "Int64", "boolean"]
    assert both["number"].tolist() == [2**53 + 1, pd.NA]
    assert both["flag"].tolist() == [pd.NA, True]


def test_run_returns_what_load_finds(experiment):
    made = mprunner.run(experiment)
    assert made.run["state"] == "finished"
    assert list(made.trials["status"]) == ["ok", "ok"]
    assert len(made.actors) == 4
    assert made.samples is None
    for found in (
        mprunner.load(),
        mprunner.load("bank"),
        mprunner.load(made.run["run_id"]),
        mprunner.load(f"results/bank/{made.run['run_id']}"),
        mprunner.load("results/bank/latest"),
        mprunner.load("results/bank"),
    ):
        assert found.run == made.run
        for name in ("trials", "actors", "outcomes", "summary"):
            pd.testing.assert_frame_equal(getattr(found, name), getattr(made, name))


@pytest.mark.parametrize("several", [False, True])
def test_run_takes_what_set_and_only_take(experiment, several):
    experiment.write_text(EXPERIMENT + "sweep: {guard: [none, lock]}\n")
    overrides = ["repeats=3", "params.transactions=5"] if several else "repeats=3"
    only = ["guard=lock"] if several else "guard=lock"
    trials = mprunner.run(experiment, overrides=overrides, only=only).trials
    assert list(trials.guard) == ["lock"] * 3
    assert set(trials.transactions) == ({5} if several else {10})


def test_a_wrong_override_is_an_error_of_mprunner_s(experiment):
    with pytest.raises(ExperimentError, match="--set repeats=x: repeats: must be a whole number"):
        mprunner.run(experiment, overrides="repeats=x")


def test_an_experiment_s_folder_is_all_of_its_runs(experiment):
    experiment.write_text(EXPERIMENT + "sweep: {guard: [none, lock]}\n")
    ids = [mprunner.run(experiment, overrides=f"repeats={number}").run["run_id"] for number in (1, 2)]
    both = mprunner.load("results/bank")
    assert list(both.trials["run_id"]) == [ids[0]] * 2 + [ids[1]] * 4
    assert [facts["run_id"] for facts in both.runs] == ids
    with pytest.raises(ResultsError, match=r"^these are 2 runs, not one$"):
        _ = both.run
    shown, rows = both._repr_html_(), len(both.summary[~both.summary["metric"].isin(MEASURED)])
    assert rows > 20
    assert all(run_id in shown for run_id in ids)
    assert f"<p>{rows - 20} more rows in" in shown
    (latest(experiment.parent, "bank") / "journal.jsonl").write_bytes(b"")  # as of a run that has not begun
    with pytest.warns(UserWarning, match=rf"{ids[1]} is passed over: its runner was ended before the first"):
        assert [facts["run_id"] for facts in mprunner.load("results/bank").runs] == ids[:1]
    with pytest.warns(UserWarning, match=rf"{ids[1]} is passed over"):
        assert mprunner.load("bank").run["run_id"] == ids[0]


def test_several_experiments_are_loaded_below_each_other_with_the_columns_of_all(experiment):
    experiment.write_text(EXPERIMENT + "sweep: {guard: [none, lock], sync: none}\n")
    other = experiment.with_name("count.yaml")
    other.write_text("scenario: spawn-count\nrepeats: 1\nparams: {n: 10, processes: 2}\n")
    ids = [mprunner.run(file).run["run_id"] for file in (experiment, other)]
    both = mprunner.load(["bank", other])
    assert [facts["run_id"] for facts in both.runs] == ids
    assert [facts["swept"] for facts in both.runs] == [["guard", "sync"], []]
    assert json.loads((latest(experiment.parent, "bank") / FILE).read_text())["swept"] == ["guard", "sync"]
    trials = both.trials
    assert list(trials["experiment"]) == ["bank"] * 4 + ["count"]
    assert list(trials["scenario"].unique()) == ["race-bank", "spawn-count"]
    assert trials["case_label"].isna().tolist() == [False] * 4 + [True]
    assert trials.groupby("experiment")["n"].count().to_dict() == {"bank": 0, "count": 1}
    assert str(trials["n"].dtype) == str(trials["lost_updates"].dtype) == "Int64"
    assert len(both.actors) == 2 * 4 + 2
    for everything in (mprunner.load("results"), mprunner.load(["results", "bank", "results/bank"])):
        assert {facts["run_id"] for facts in everything.runs} == set(ids)
        assert len(everything.trials) == 5
    with pytest.raises(ExperimentError, match=r"^an empty list names no run$"):
        mprunner.load([])


def test_tables_of_an_earlier_version_are_read_with_the_columns_of_this_one(made, folder):
    """By then actors.csv had the column ``kind``."""
    package = json.loads((folder / FILE).read_text())
    (actors,) = (table for table in package["resources"] if table["name"] == "actors")
    old = (folder / "actors.csv").read_bytes().replace(b"started_by", b"kind", 1)
    (folder / "actors.csv").write_bytes(old)
    actors["hash"] = f"sha256:{hashlib.sha256(old).hexdigest()}"
    (field,) = (field for field in actors["schema"]["fields"] if field["name"] == "started_by")
    field["name"] = "kind"
    (folder / FILE).write_text(json.dumps(package))
    pd.testing.assert_frame_equal(mprunner.load("bank").actors, made.actors)
    assert (folder / "actors.csv").read_bytes() == old
    (folder / "journal.jsonl").unlink()
    assert "kind" in mprunner.load(folder).actors


def test_a_run_without_tables_is_read_from_its_journal(made, folder):
    for file in (*folder.glob("*.csv"), folder / FILE):
        file.unlink()
    before = sorted(folder.iterdir())
    pd.testing.assert_frame_equal(mprunner.load(folder).trials, made.trials)
    assert sorted(folder.iterdir()) == before


def test_tables_that_were_cut_are_told(folder):
    trials = folder / "trials.csv"
    trials.write_text("".join(trials.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(ResultsError, match=r"trials\.csv is not what .* says: it was changed$"):
        mprunner.load(folder.name)


def test_tables_that_are_older_than_the_journal_are_not_taken(made, folder):
    """As after a resume that was killed: here the tables are those of the run's beginning."""
    run = RunFolder(folder)
    whole = run.journal.read_bytes()
    run.journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    (folder / FILE).unlink()
    write_tables(run)
    assert list(mprunner.load(folder).trials["status"]) == ["ok", "lost"]  # the second was begun
    run.journal.write_bytes(whole)
    pd.testing.assert_frame_equal(mprunner.load(folder).trials, made.trials)


def test_a_journal_that_was_cut_is_told_and_its_tables_are_opened(made, folder, in_process):
    journal = folder / "journal.jsonl"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    with pytest.warns(UserWarning, match=r"journal\.jsonl was cut"):
        pd.testing.assert_frame_equal(mprunner.load("bank").trials, made.trials)
    for arguments in (["show"], ["verdict"], ["compare", "--case", "guard=none", "--case", "guard=lock"]):
        done = in_process(*arguments, "bank")
        check_told(done, 6, "journal.jsonl was cut: it has ")


def test_tables_without_a_journal_are_read(made, folder):
    (folder / "journal.jsonl").unlink()
    pd.testing.assert_frame_equal(mprunner.load("bank").trials, made.trials)


def test_the_current_folder_may_be_a_run_s_or_an_experiment_s(made, monkeypatch):
    for folder in ("results/bank", "latest"):
        monkeypatch.chdir(folder)
        assert mprunner.load(".").runs == made.runs


@pytest.mark.parametrize("content", ["{}", "[]", "1", '{"state": "finished"}'])
def test_a_run_json_that_says_nothing_is_told(folder, content):
    (folder / "run.json").write_text(content)
    with pytest.raises(ResultsError, match=r"run\.json can't be read: "):
        mprunner.load("bank")


def test_a_folder_that_is_no_run_is_told_and_one_that_has_an_experiment_s_name_is_not_meant(made, tmp_path):
    for name in ("other", "bank"):
        (tmp_path / name).mkdir()
    assert mprunner.load("bank").runs == made.runs
    with pytest.raises(ResultsError, match=r"^other is neither a run's folder nor an experiment's$"):
        mprunner.load("other")


@pytest.mark.usefixtures("folder")
def test_a_run_that_is_not_there_is_told():
    for name, told in (("bnak", r"^there is no run 'bnak' in results$"), ("", "can't have an empty name")):
        with pytest.raises(ExperimentError, match=told):
            mprunner.load(name)
    with pytest.raises(ExperimentError, match=r"^there is no run in nowhere$"):
        mprunner.load(results="nowhere")


def test_a_wrong_experiment_is_an_error_of_mprunner_s(experiment):
    experiment.write_text("scenario: race-bnak\n")
    with pytest.raises(MprunnerError, match="race-bnak"):
        mprunner.run(experiment)


def test_it_runs_outside_the_main_thread(experiment):
    made = []
    thread = threading.Thread(target=lambda: made.append(mprunner.run(experiment)))
    thread.start()
    thread.join(GENEROUS_S)
    assert list(made[0].trials["status"]) == ["ok", "ok"]


def test_it_shows_itself_in_a_line_and_in_a_notebook(made):
    said = f"results of bank, {made.run['run_id']}: 2 trials (2 ok), 4 actors"
    assert repr(made) == f"<{said}>"
    assert made._repr_html_().startswith(f"<p>{said}</p><table")
    assert "lost_updates" in made._repr_html_()
    assert "NA&gt;" not in made._repr_html_()


def test_a_notebook_shows_a_duration_of_nanoseconds(tmp_path):
    frames = frames_of(run(record(metrics={"wall_s": 1.25e-7})))
    found = mprunner.api.Results(runs=({"run_id": "x"},), **{"samples": None, **frames})
    assert "<td>1.25e-07</td>" in found._repr_html_()


SCRIPT = """
import mprunner

for method in ("fork", "spawn"):
    found = mprunner.run(f"{method}.yaml")
    print(method, *found.trials["status"])
"""


def test_a_script_needs_no_guard_and_nothing_is_printed(token, tmp_path):
    text = "scenario: race-bank\nrepeats: 1\nparams: {transactions: 10, start_method: METHOD}\n"
    for method in ("fork", "spawn"):
        (tmp_path / f"{method}.yaml").write_text(text.replace("METHOD", method))
    (tmp_path / "script.py").write_text(SCRIPT)
    script = "import runpy; runpy.run_path('script.py', run_name='__main__')"
    assert printed(script, folder=tmp_path) == "fork ok\nspawn ok\n"


INTERRUPTED = """
import mprunner

try:
    mprunner.run("bank.yaml")
except KeyboardInterrupt:
    print(mprunner.load().run["state"], set(mprunner.load().trials["status"]) <= {"ok", "cancelled"})
"""


def test_ctrl_c_ends_the_run_with_its_tables_and_is_raised_again(experiment, tmp_path):
    experiment.write_text(EXPERIMENT.replace("repeats: 2", "repeats: 100000"))
    (tmp_path / "script.py").write_text(INTERRUPTED)
    with subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: a_trial_has_started(tmp_path), "no trial was started")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=GENEROUS_S)
    assert said == "interrupted True\n"
    assert list(tmp_path.glob("results/bank/2*/datapackage.json"))
