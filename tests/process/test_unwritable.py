"""A full disk and a read-only folder: a clear message, what is whole is kept, old tables stay, resuming goes on."""

import os
import resource
import shutil
import subprocess
from itertools import product

import pytest

from mprunner.runs import Reading, read_journal
from tests.support import PLUGINS, latest, trials_of

PLUGIN = PLUGINS / "acknowledging.py"
EXPERIMENT = "scenario: acknowledging\nsweep: {size: [1, 2]}\nrepeats: 20\n"
TABLES = ("trials.csv", "actors.csv", "outcomes.csv", "summary.csv")


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.setenv("ACKNOWLEDGED", os.devnull)
    file = tmp_path / "small.yaml"
    file.write_text(EXPERIMENT)
    return file


@pytest.fixture
def finished(in_process, experiment, tmp_path):
    """A run that is finished, whose tables say ``old``."""
    assert in_process("run", "-q", experiment, "--plugin", PLUGIN).returncode == 0
    folder = latest(tmp_path, "small")
    for name in TABLES:
        (folder / name).write_text("old")
    return folder


@pytest.fixture
def mounted(tmp_path):
    """A small file system of its own, for those who may mount one."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", "size=64k")
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    if subprocess.run(["mount", *options, "test", folder], check=False, capture_output=True).returncode:
        pytest.skip("root may not mount a file system here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def limited(size):
    """Return what keeps a program from writing files larger than that; it stands for a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def numbers(folder):
    return [record.attempt.order for record in Reading(folder / "journal.jsonl").records()]


def check_whole(folder):
    assert sorted(set(numbers(folder))) == list(range(40))
    final = trials_of(folder).query("is_final")
    assert not final.trial_id.duplicated().any()
    assert set(zip(final.repeat, final["size"], strict=True)) == {*product(range(20), (1, 2))}
    assert set(final.status) == {"ok"}


def check_told(done, *parts):
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    for part in ("error: ", "can't be written", "hint: ", *parts):
        assert part in done.stderr


def test_a_disk_that_is_full_in_the_middle_of_a_run_keeps_every_record_and_the_rest_is_resumed(
    program, in_process, experiment, tmp_path
):
    done = program("run", "-q", experiment, "--plugin", PLUGIN, preexec_fn=limited(12_000))
    check_told(done, "journal.jsonl", "`mprunner resume results/small/")
    folder = latest(tmp_path, "small")
    kept = numbers(folder)
    assert 0 < len(kept) < 40
    assert read_journal(folder / "journal.jsonl").torn_bytes == 0
    assert in_process("resume", "-q").returncode == 0
    check_whole(folder)


def test_a_disk_that_is_full_when_tables_are_written_leaves_the_old_ones(program, in_process, finished):
    done = program("resume", preexec_fn=limited(500))
    check_told(done, "trials.csv")
    assert {name: (finished / name).read_text() for name in TABLES} == dict.fromkeys(TABLES, "old")
    assert not [name for name in os.listdir(finished) if name.endswith(".tmp")]
    assert in_process("resume").returncode == 0
    assert (finished / "trials.csv").read_text().startswith("run_id,")


def test_a_file_system_that_is_full_is_told_and_the_rest_is_resumed_once_there_is_room(
    in_process, experiment, mounted
):
    ballast = mounted / "ballast"
    ballast.write_bytes(b"x" * 40_000)
    done = in_process("run", "-q", experiment, "--plugin", PLUGIN, "--results", mounted)
    check_told(done, "free some space; then `mprunner resume ")
    folder = (mounted / "small" / "latest").resolve()
    kept = numbers(folder)
    assert kept == list(range(len(kept)))
    subprocess.run(["mount", "-o", "remount,size=1m", mounted], check=True)
    assert in_process("resume", "-q", "--results", mounted).returncode == 0
    check_whole(folder)
    assert (folder / "trials.csv").is_file()


def test_a_read_only_file_system_is_told_and_can_be_shown(in_process, experiment, mounted):
    subprocess.run(["mount", "-o", "remount,size=1m", mounted], check=True)
    in_process("run", "-q", experiment, "--plugin", PLUGIN, "--results", mounted)
    folder = (mounted / "small" / "latest").resolve()
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    for arguments in (("run", experiment, "--plugin", PLUGIN), ("resume",)):
        check_told(in_process(*arguments, "--results", mounted), "the file system is read-only")
    assert in_process("show", "--results", mounted).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_folder_without_permission_to_write_is_told_and_keeps_its_tables(in_process, finished):
    finished.chmod(0o555)
    try:
        if os.access(finished, os.W_OK):
            pytest.skip("root may write into any folder")
        check_told(in_process("resume"), "you lack the permission")
    finally:
        finished.chmod(0o755)
    assert {name: (finished / name).read_text() for name in TABLES} == dict.fromkeys(TABLES, "old")
