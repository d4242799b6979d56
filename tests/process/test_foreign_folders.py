"""A run's folder may come from anyone: reading it executes nothing that is in it."""

import json
import shutil
from pathlib import Path

import pytest

from mprunner.model.provenance import file_hash
from mprunner.runs.journal_reader import line_of

RUNS = Path(__file__).parents[1] / "golden" / "runs"
PLUGIN = """
from pathlib import Path
Path(__file__).with_name("imported").touch()
def mprunner_run_judged(run): pass
"""
COMMANDS = pytest.mark.parametrize(
    ("command", "stored", "code"), [("verdict", "bank", 4), ("resume", "interrupted", 7)]
)


@pytest.fixture
def copied(tmp_path):
    """Copy a stored run below an empty folder's results, with another header in its journal; return its folder."""

    def call(stored, **header):
        (source,) = (RUNS / stored).iterdir()
        folder = tmp_path / "results" / stored / source.name
        shutil.copytree(source, folder)
        first, *others = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
        changed = {"header": json.loads(first[9:])["header"] | header}
        (folder / "journal.jsonl").write_bytes(line_of(changed) + b"".join(others))
        return folder

    return call


@COMMANDS
def test_a_plugin_in_the_run_s_own_folder_is_not_imported(
    in_process, copied, tmp_path, command, stored, code
):
    (source,) = (RUNS / stored).iterdir()
    evil = tmp_path / "results" / stored / source.name / "evil.py"
    folder = copied(stored, plugin_file=str(evil))
    evil.write_text(PLUGIN)
    done = in_process(command, folder)
    assert done.returncode == 4
    assert "names a plugin in its own folder" in done.stderr
    assert not evil.with_name("imported").exists()


@COMMANDS
def test_a_plugin_that_is_not_what_it_was_is_not_imported(
    in_process, copied, tmp_path, command, stored, code
):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    folder = copied(stored, plugin_file=str(plugin), conditions={"source of the plugin": "another"})
    done = in_process(command, folder)
    assert done.returncode == code
    assert not plugin.with_name("imported").exists()


def test_a_plugin_that_is_what_it_was_judges_again(in_process, copied, tmp_path):
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    then = {"source of the plugin": file_hash(plugin)}
    folder = copied("bank", plugin_file=str(plugin), conditions=then)
    in_process("verdict", folder, "--file", folder / "experiment.yaml")
    assert plugin.with_name("imported").exists()
