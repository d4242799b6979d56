"""A run's folder may come from anyone: reading it executes nothing that is in it."""

import json
import re
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


EVIL = "x\x1b]0;owned\x07\x9b31m\u202ey"
STYLE = re.compile(r"\x1b\[[0-9;]*m")


def leaves(value, path=()):
    """Yield the path of every text in a value of JSON."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, (*path, key))


def with_text(value, path, text):
    """Return a value of JSON with another text at a path."""
    if not path:
        return text
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = with_text(value[path[0]], path[1:], text)
    return changed


def changed_everywhere(folder):
    """Write terminal escapes into every text of a run's header and run.json that keeps it readable."""
    run = json.loads((folder / "run.json").read_text())
    for path in leaves(run):
        if path[-1] not in ("state", "verdict"):
            run = with_text(run, path, EVIL)
    (folder / "run.json").write_text(json.dumps(run))
    first, *others = (folder / "journal.jsonl").read_bytes().splitlines(keepends=True)
    header = json.loads(first[9:])["header"]
    for path in leaves(header):
        if path[-1] in ("description", "doc", "unit", "host", "python", "note", "run_id"):
            header = with_text(header, path, EVIL)
    (folder / "journal.jsonl").write_bytes(line_of({"header": header}) + b"".join(others))


@pytest.mark.parametrize("stored", ["bank", "interrupted", "statuses"])
@pytest.mark.parametrize("color", ["never", "always"])
def test_no_escape_sequence_of_a_folder_reaches_the_terminal(in_process, copied, tmp_path, stored, color):
    folder = copied(stored)
    changed_everywhere(folder)
    evil = folder.rename(folder.with_name(folder.name + EVIL))
    options = ("--color", color)
    for command in (
        ("show", evil, *options),
        ("show", evil, "--json"),
        ("list",),
        ("list", "--json"),
        ("verdict", evil, "--file", evil / "experiment.yaml"),
        ("resume", evil),
        ("compare", evil, evil),
        ("show", "no" + EVIL),
    ):
        done = in_process(*command)
        assert done.returncode != 3, done.stderr
        shown = STYLE.sub("", done.stdout + done.stderr) if color == "always" else done.stdout + done.stderr
        assert [c for c in set(shown) if not c.isprintable() and c != "\n"] == [], command
