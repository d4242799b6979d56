"""What a plugin does when it is imported stays its own: the folder, the output, the names of other threads."""

import csv
import importlib
import json
import os
import sys
import threading

import pytest

import mprunner
from mprunner.model.provenance import SourceWatch
from mprunner.plugins.registry import load_registry
from tests.support import plugin_of

PLUGIN = plugin_of("s", "x: int = 1", "n: int", "return Metrics(n=params.x)")
LOUD = """
print("printed")
print("kept", file=sys.__stdout__)
os.write(1, b"written")
subprocess.run(["echo", "started"])
"""
MOVING = """
os.chdir(os.path.dirname(os.path.abspath(__file__)))
os.umask(0)
"""


@pytest.fixture
def plugin(tmp_path):
    """Write a plugin that does something when it is imported, and an experiment of it beside; return its file."""

    def write(at_import=""):
        (tmp_path / "code").mkdir()
        (tmp_path / "exp").mkdir()
        (tmp_path / "exp" / "s.yaml").write_text("scenario: s\nrepeats: 1\nsweep: {x: [1, 2]}\n")
        file = tmp_path / "code" / "p.py"
        file.write_text(f"import os, subprocess, sys\n{at_import}\n{PLUGIN}")
        return file

    return write


def test_an_import_keeps_the_folder_and_the_umask(plugin, tmp_path, monkeypatch):
    plugin(MOVING)
    monkeypatch.chdir(tmp_path / "exp")
    umask = os.umask(0o027)
    try:
        load_registry([tmp_path / "code" / "p.py"])
        assert os.getcwd() == str(tmp_path / "exp")
        assert os.umask(umask) == 0o027
    finally:
        os.umask(umask)


def test_a_plugin_that_changes_the_folder_is_executed_from_relative_paths(program, plugin, tmp_path):
    plugin(MOVING)
    done = program("run", "exp/s.yaml", "--plugin", "code/p.py", "--results", "out")
    assert done.returncode == 0, done.stderr
    (trials,) = (tmp_path / "out").glob("s/2*/trials.csv")
    assert [row["status"] for row in csv.DictReader(trials.read_text().splitlines())] == ["ok", "ok"]


def test_what_an_import_prints_is_no_part_of_json(program, plugin):
    done = program("plan", "exp/s.yaml", "--plugin", plugin(LOUD), "--json")
    assert len(json.loads(done.stdout)["cases"]) == 2
    assert {"printed", "kept", "started"} <= set(done.stderr.replace("written", "").split())


def test_threads_that_run_experiments_of_one_plugin_at_once_do_not_meet(plugin, tmp_path, token):
    file, ended = plugin(), []

    def execute():
        try:
            frames = mprunner.run(tmp_path / "exp" / "s.yaml", plugins=file, results=tmp_path / "results")
            ended.append(sorted(frames.trials["n"]))
        except BaseException as error:
            ended.append(error)
            raise

    threads = [threading.Thread(target=execute) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == [[1, 2]] * 3


EDITED = """
import pathlib
FILE = pathlib.Path(__file__)

def value():
    return {value}
"""


def test_a_plugin_that_is_edited_while_its_run_is_executed_is_told_and_recorded(program, plugin, tmp_path):
    """The second trial edits it: what that trial spawns executes the new source, and the worker the old one."""
    file = plugin(EDITED.format(value=1))
    source = file.read_text()
    body = (
        "if params.x == 1: FILE.write_text(FILE.read_text().replace('return 1', 'return 2'))\n        return"
    )
    file.write_text(source.replace("return Metrics", f"{body} Metrics"))
    done = program("run", "exp/s.yaml", "--plugin", file)
    assert done.returncode == 0, done.stderr
    assert f"warning: {file} has changed while the run is executed" in done.stderr
    assert "the plugin's source changed after 1 trial:" in done.stdout
    (run,) = tmp_path.glob("results/s/2*/run.json")
    assert json.loads(run.read_text())["source_changed_after"] == 1


def test_a_file_that_is_written_again_as_it_was_has_not_changed(tmp_path, monkeypatch):
    (tmp_path / "watched.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("watched")
    watch = SourceWatch(["watched", "no_such_module"])
    (tmp_path / "watched.py").unlink()
    (tmp_path / "watched.py").write_text("x = 1\n")
    assert watch.changed() is None
    (tmp_path / "watched.py").write_text("x = 2\n")
    assert watch.changed() == tmp_path / "watched.py"
    del sys.modules["watched"]
