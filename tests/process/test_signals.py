"""How a signal ends the program."""

import csv
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support import command


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGPIPE, -signal.SIGPIPE),
        # Its default action ends no process, as that of any signal ends not the first process of a container.
        (signal.SIGCHLD, 128 + signal.SIGCHLD),
    ],
)
def test_a_signal_ends_the_program_also_where_it_is_blocked_or_its_default_action_ends_nothing(number, code):
    program = (
        "import signal; from mprunner.signals import end_by\n"
        f"signal.pthread_sigmask(signal.SIG_BLOCK, [{number}])\n"
        f"try:\n    end_by({number})\nfinally:\n    print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


PLUGIN = """
import os, signal
from dataclasses import dataclass
from mprunner.scenario import Scenario

@dataclass(frozen=True, kw_only=True)
class Params:
    x: int = 1

@dataclass(frozen=True, kw_only=True)
class Metrics:
    n: int

class Ending(Scenario[Params, Metrics]):
    name = "ending"
    def run(self, params, trial):
        if params.x == 2:
            os.kill(1, signal.SIGTERM)
            signal.pause()
        return Metrics(n=params.x)

def mprunner_register_scenarios():
    return [Ending]
"""
CONTAINER = [
    "unshare",
    *([] if os.getuid() == 0 else ["--user", "--map-root-user"]),
    "-p",
    "-f",
    "--mount-proc",
]
SCRIPT = """
import mprunner
try:
    mprunner.run("a.yaml", plugins="p.py")
    print("went on")
finally:
    print("cleaned up")
"""


def containers_can_be_made():
    return bool(shutil.which("unshare")) and subprocess.run([*CONTAINER, "true"], check=False).returncode == 0


@pytest.fixture
def in_container(tmp_path, token):
    """Execute a command as the first process of a container, in a folder with two experiments that end it."""
    if not containers_can_be_made():
        pytest.skip("no process may have ids of its own here")
    (tmp_path / "p.py").write_text(PLUGIN)
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("scenario: ending\nsweep: {x: [1, 2, 3]}\nrepeats: 1\n")

    def call(*command):
        return subprocess.run(
            [*CONTAINER, *command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return call


def test_a_signal_to_the_first_process_of_a_container_ends_the_run_with_its_exit_code(in_container, tmp_path):
    done = in_container(*command("run", "a.yaml", "b.yaml", "--plugin", "p.py"))
    assert done.returncode == 128 + signal.SIGTERM, done.stderr
    assert "not executed: b.yaml" in done.stderr
    (trials,) = tmp_path.glob("results/*/2*/trials.csv")
    assert [row["status"] for row in csv.DictReader(trials.read_text().splitlines())] == ["ok", "cancelled"]


def test_a_signal_to_the_first_process_of_a_container_raises_from_the_api(in_container):
    done = in_container(sys.executable, "-c", SCRIPT)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "cleaned up\n"), done.stderr
