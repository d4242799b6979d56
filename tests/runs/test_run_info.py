"""run.json: what it says is kept, whatever version wrote it, and means the same everywhere."""

import json

import pytest

from mprunner.errors import ResultsError
from mprunner.runs import RunFolder, RunInfo

LEAST = {"run_id": "1-a", "experiment": "bank", "state": "running"}


def of(**more):
    return RunInfo.from_json(LEAST | more)


def test_what_an_earlier_version_did_not_say_keeps_nothing_from_being_read():
    info = of()
    assert (info.planned, info.done, info.spared, info.file, info.is_adaptive) == (None, None, 0, None, False)
    assert info.planned_in_words() == "-"
    assert info.sessions == [LEAST]


def test_what_a_later_version_says_is_written_again_in_its_place(tmp_path):
    folder = RunFolder(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps({"later": [1, {"a": None}], **LEAST, "more": "ä"}))
    folder.write_run(folder.read_run().resumed({"python": "3.14"}, 1, 0))
    again = folder.read_run().to_json()
    assert [*again][:5] == ["later", "run_id", "experiment", "state", "more"]
    assert (again["later"], again["more"]) == ([1, {"a": None}], "ä")


@pytest.mark.parametrize("text", ["", "[]", "3", '{"run_id": "1-a", "experiment": "bank"}'])
def test_what_is_no_run_json_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ResultsError, match=r"run\.json can't be read: "):
        RunFolder(tmp_path).read_run()


@pytest.mark.parametrize(
    ("missing", "by_signal", "state"),
    [(0, False, "finished"), (0, True, "finished"), (2, False, "stopped"), (2, True, "interrupted")],
)
def test_how_a_run_ended_follows_from_what_is_missing_and_from_the_signal(missing, by_signal, state):
    ended = of(planned=5).ended(done=5 - missing, failures=0, missing=missing, spared=0, by_signal=by_signal)
    assert (ended.state, ended.missing) == (state, missing)
    assert "spared" not in ended.to_json()
    assert ended.judged("passed").to_json().get("verdict") == (None if state == "interrupted" else "passed")


def test_trials_that_are_spared_are_not_missing():
    ended = of(planned=1_000, spared=0).ended(done=400, failures=0, missing=0, spared=600, by_signal=False)
    assert (ended.spared, ended.missing, ended.is_finished) == (600, 0, True)
    assert ended.planned_in_words("{:,}".format) == "at most 1,000"


def test_each_session_says_what_is_of_it_and_what_is_of_the_run():
    info = of(python="3.11", resumed=[{"python": "3.12"}])
    assert [(session["python"], session["run_id"]) for session in info.sessions] == [
        ("3.11", "1-a"),
        ("3.12", "1-a"),
    ]
