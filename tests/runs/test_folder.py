"""Which run is the newest, whatever the clock said, and which repository a run was made from."""

import errno
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from mprunner.errors import ResultsError
from mprunner.runs import all_runs, asked_git, find_run, written_atomically
from mprunner.runs.atomic import sync_folder
from mprunner.runs.folder import create_run_folder


@pytest.fixture
def made(tmp_path):
    """Return what makes a run that begins hours from now, as far as its id says; ``latest`` names the last made."""

    def call(experiment, hours):
        folder = create_run_folder(tmp_path, experiment, b"")
        began = datetime.now(UTC) + timedelta(hours=hours)
        path = folder.path.rename(folder.path.with_name(f"{began:%Y%m%dT%H%M%SZ}-{folder.run_id[-6:]}"))
        (path / "run.json").touch()
        folder = type(folder)(path)
        folder.point_latest()
        return folder

    return call


def test_a_run_from_the_future_is_not_the_newest_and_is_warned_about(made, tmp_path):
    ahead, newest = made("bank", 3), made("bank", -1)
    told = []
    for wanted in ("bank", None):
        assert find_run(tmp_path, wanted, lambda *text: told.append(text)) == newest
    assert os.readlink(tmp_path / "bank" / "latest") == newest.run_id
    assert len(told) == 2
    assert all(str(ahead.path) in message for message, _ in told)
    assert find_run(tmp_path, ahead.run_id) == ahead


def test_the_newest_is_what_latest_names_after_that_time_has_passed(made, tmp_path):
    made("bank", -1)
    last = made("bank", -2)  # the clock had been an hour ahead
    assert find_run(tmp_path, "bank") == last
    assert all_runs(tmp_path)[-1] == last


def test_without_a_link_the_newest_is_the_one_that_began_last(made, tmp_path):
    older, newer = made("bank", -2), made("bank", -1)
    (tmp_path / "bank" / "latest").unlink()
    assert all_runs(tmp_path) == [older, newer]


def test_the_newest_of_all_experiments_began_last(made, tmp_path):
    made("aa", -3)
    newest = made("bb", -1)
    made("cc", -2)
    assert find_run(tmp_path, None) == newest


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_revision_is_that_of_the_folder_whatever_a_hook_says(tmp_path, monkeypatch):
    revisions = {}
    for name in ("mine", "other"):
        here = ("git", "-C", tmp_path / name, "-c", "user.name=x", "-c", "user.email=x@x")
        subprocess.run(["git", "init", "-q", tmp_path / name], check=True)
        subprocess.run([*here, "commit", "-q", "--allow-empty", "-m", name], check=True)
        done = subprocess.run([*here, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
        revisions[name] = done.stdout.strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    with asked_git(tmp_path / "mine") as answer:
        assert answer() == {"revision": revisions["mine"], "dirty": False}


def test_only_what_processes_that_are_gone_left_of_this_file_is_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    living, mine = os.getppid(), os.getpid()
    kept = {
        f".a.csv.{living}.tmp",
        f".b.csv.{gone.pid}.tmp",
        f".aXcsv.{gone.pid}.tmp",
        ".a.csv.x.tmp",
        "a.csv.1.tmp",
    }
    for name in {*kept, f".a.csv.{gone.pid}.tmp"}:
        (tmp_path / name).touch()
    (tmp_path / "victim").write_text("precious")
    (tmp_path / f".a.csv.{mine}.tmp").symlink_to(tmp_path / "victim")
    with written_atomically(tmp_path / "a.csv") as file:
        file.write("new")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "a.csv", "victim"}
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_file_system_that_can_not_sync_folders_is_told_as_that(tmp_path, monkeypatch):
    def refuse(fd):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ResultsError, match="is on a file system that can't sync folders") as caught:
        sync_folder(tmp_path)
    assert caught.value.hint == "choose another folder with --results"
