"""What reads a stored run imports nothing that executes one, finds plugins or reads experiments."""

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
CODE = """
import contextlib, io, json, sys
import mprunner
from mprunner.cli import main
for arguments in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()) as out:
        main(arguments)
    assert len(out.getvalue().splitlines()) > 2, arguments
assert len(mprunner.load("bank").trials)
rooms = ("mprunner.executors", "mprunner.worker", "mprunner.plugins", "mprunner.experiment", "pluggy", "yaml")
print(*sorted(name for name in sys.modules if name.startswith(rooms)))
"""


@pytest.fixture
def stored(tmp_path):
    """A results folder with runs as they were left, without tables."""
    shutil.copytree(ROOT / "tests" / "golden" / "runs", tmp_path / "results")
    return tmp_path


def test_reading_a_run_imports_no_executor_worker_plugin_or_reader_of_experiments(stored):
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(READERS)],
        cwd=stored,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
