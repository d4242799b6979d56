"""What a plugin does when it is imported stays its own: the folder, the output, the names of other threads."""

import csv
import json
import os
import threading

import pytest

import mprunner
from mprunner.plugins.registry import load_registry

PLUGIN = """
import os, subprocess, sys
from dataclasses import dataclass
from mprunner.scenario import Scenario

{at_import}

@dataclass(frozen=True, kw_only=True)
class Params:
    x: int = 1

@dataclass(frozen=True, kw_only=True)
class Metrics:
    n: int

class S(Scenario[Params, Metrics]):
    name = "s"
    def run(self, params, trial):
        return Metrics(n=params.x)

def mprunner_register_scenarios():
    return [S]
"""
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
        file.write_text(PLUGIN.format(at_import=at_import))
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
