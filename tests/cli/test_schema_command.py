"""``mprunner schema`` as a person uses it: the whole program, in an empty folder."""

import json
import os
import stat
from pathlib import Path

from tests.support import ROOT, plugin_of


def test_the_schema_goes_to_stdout_with_one_line_break_at_its_end(in_process):
    done = in_process("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n}\n")
    assert done.stdout == (ROOT / "experiments" / "experiment.schema.json").read_text(), "`make schema`"


def test_a_plugin_s_scenario_is_in_the_schema(in_process, tmp_path):
    (tmp_path / "mine.py").write_text(plugin_of("dig", "depth: int = 3", "wall_s: float"))
    done = in_process("schema", "--plugin", "mine.py")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    assert "dig" in schema["properties"]["scenario"]["enum"]
    assert schema["definitions"]["dig.params"]["properties"]["depth"] == {"type": "integer", "default": 3}


def test_output_takes_the_place_of_a_file_and_nothing_is_printed(in_process, tmp_path):
    file = tmp_path / "experiment.schema.json"
    file.write_text('{"$schema": "old"}')
    done = in_process("schema", "--output", "experiment.schema.json")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert file.read_text() == in_process("schema").stdout
    assert list(tmp_path.glob("*.json")) == [file]


def test_an_output_that_can_t_be_written_ends_with_6_and_a_hint(in_process, tmp_path):
    (tmp_path / "file").touch()
    done = in_process("schema", "--output", "file/schema.json")
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr.startswith(f"error: {tmp_path}/file/schema.json can't be written: ")
    assert done.stderr.endswith("\nhint: name another file with --output\n")


def test_an_output_replaces_nothing_but_a_schema(in_process, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bank.yaml").write_text("scenario: race-bank\n")
    (tmp_path / "link").symlink_to("bank.yaml")
    for there in ("/dev/null", "pipe", "bank.yaml", "link", "."):
        done = in_process("schema", "--output", there)
        assert (done.returncode, done.stdout) == (2, "")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / "link").read_text() == "scenario: race-bank\n"


def test_an_output_that_is_a_folder_is_refused(in_process):
    done = in_process("schema", "--output", ".")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is a directory" in done.stderr


def test_help_says_how_an_editor_finds_the_schema(in_process):
    assert "# yaml-language-server: $schema=experiment.schema.json\n" in in_process("schema", "--help").stdout
