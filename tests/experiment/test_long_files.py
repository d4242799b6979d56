"""Files near the limits take little time and memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

YARDSTICKS = 100  # the longest takes 40, 2 s of CPU time on an idle machine; what is quadratic takes hundreds
MEBIBYTES = 200
WORST = (  # of each kind, what takes the longest
    "refused keys",
    "refused values",
    "open brackets",
    "empty expectations",
    "empty products",
    "lists for values",
    "a where that nothing matches",
    "wheres of many blocks",
    "ranges of long decimals",
    "CPUs",
)


def check_worst(*names):
    """Have them read in one process of its own, without the modules that the tests import; all of them by default."""
    command = [sys.executable, "-m", "tests.experiment.worst_files", *names]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, check=True, cwd=root, timeout=380)
    measured = json.loads(done.stdout)
    assert {name: took for name, took in measured["yardsticks"].items() if took > YARDSTICKS} == {}
    assert measured["mebibytes"] < MEBIBYTES


@pytest.mark.timeout(400)
def test_the_worst_files_take_little_time_and_memory():
    check_worst(*WORST)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_file_near_the_limits_takes_seconds_and_little_memory():
    check_worst()
