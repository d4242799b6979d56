"""What run.json says of the machine and the source tree."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from mprunner.runs import machine as environment
from mprunner.runs.machine import asked_git, describe_environment, machine_counters


def git(folder, *arguments):
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(
        ["git", *named, *arguments], cwd=folder, env={**os.environ, **quiet}, check=True, capture_output=True
    )


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "one")
    return tmp_path


def state_of(folder):
    with asked_git(folder) as answer:
        return answer()


def test_the_revision_of_a_folder_is_told_and_that_nothing_has_changed(repository):
    state = state_of(repository)
    assert len(state["revision"]) == 40
    assert state["dirty"] is False


def test_a_changed_file_makes_a_folder_dirty_and_an_unknown_one_does_not(repository):
    (repository / "results.csv").write_text("new")
    assert state_of(repository)["dirty"] is False
    (repository / "file").write_text("two")
    assert state_of(repository)["dirty"] is True


def test_a_folder_outside_git_or_that_is_not_there_has_no_state(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert state_of(tmp_path) is None
    assert state_of(tmp_path / "missing") is None


def test_without_git_there_is_no_state(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert state_of(tmp_path) is None


def test_a_git_that_takes_too_long_is_ended_and_tells_nothing(tmp_path, monkeypatch):
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(environment, "GIT_LIMIT_S", 0.01)
    assert state_of(tmp_path) is None


def test_a_question_that_no_one_waits_for_leaves_no_process(repository):
    with asked_git(repository):
        pass
    assert [child for child in psutil.Process().children() if "git" in child.name()] == []


def test_what_the_machine_counts_is_a_number_or_unknown():
    assert machine_counters().keys() == {"swapped_pages", "throttled"}
    assert all(count is None or count >= 0 for count in machine_counters().values())


def test_counters_are_read_where_the_system_has_them(tmp_path, monkeypatch):
    for cpu, count in ((0, 3), (1, 4)):
        folder = tmp_path / f"cpu{cpu}" / "thermal_throttle"
        folder.mkdir(parents=True)
        (folder / "core_throttle_count").write_text(f"{count}\n")
    (tmp_path / "cpufreq").mkdir()
    monkeypatch.setattr(environment, "_CPUS", tmp_path)
    assert machine_counters()["throttled"] == 7
    monkeypatch.setattr(environment, "_CPUS", Path("/missing"))
    assert machine_counters()["throttled"] is None


def test_the_environment_names_the_versions_of_what_mprunner_depends_on():
    packages = describe_environment()["packages"]
    assert {"click", "pandas", "psutil", "rich"} <= packages.keys()
    assert all(packages.values())
