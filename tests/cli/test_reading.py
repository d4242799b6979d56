"""What reads a stored run imports nothing that executes one; only a verdict needs plugins and an experiment."""

import json
import shutil
import subprocess
import sys

import pytest

from tests.support import ROOT

READERS = [
    ["show", "bank"],
    ["show", "interrupted", "--json"],
    ["compare", "20261127T041736Z-07536a", "20261127T041737Z-5c8256"],
    ["compare", "compared", "--case", "guard=none", "--case", "guard=lock"],
    ["list"],
]
VERDICT = [["verdict", "bank", "--file", "again.yaml"]]
EXECUTING = ("mprunner.executors", "mprunner.worker")
CODE = """
import contextlib, io, json, sys
import mprunner
from mprunner.cli import main
for arguments in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
        main(arguments)
    assert len(out.getvalue().splitlines()) > 2, arguments
assert len(mprunner.load("bank").trials)
print(*sorted(name for name in sys.modules if name.startswith(tuple(json.loads(sys.argv[2])))))
"""


@pytest.fixture
def stored(tmp_path):
    """A results folder with runs as they were left, without tables."""
    shutil.copytree(ROOT / "tests" / "golden" / "runs", tmp_path / "results")
    (tmp_path / "again.yaml").write_text("scenario: race-bank\n")
    return tmp_path


@pytest.mark.parametrize(
    ("commands", "rooms"),
    [
        (READERS, (*EXECUTING, "mprunner.plugins", "mprunner.experiment", "pluggy", "yaml")),
        (VERDICT, EXECUTING),
    ],
)
def test_reading_or_judging_a_run_imports_nothing_that_executes_one(stored, commands, rooms):
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(commands), json.dumps(rooms)],
        cwd=stored,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
