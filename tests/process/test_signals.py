"""How a signal ends the program."""

import csv
import signal
import subprocess
import sys

import pytest

from tests.support import OWN_NAMESPACES, command, has_own_namespaces, plugin_of


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


PLUGIN = "import os, signal\n" + plugin_of(
    "ending",
    "x: int = 1",
    "n: int",
    "if params.x == 2: os.kill(1, signal.SIGTERM), signal.pause(); return Metrics(n=params.x)",
)
SCRIPT = """
import mprunner
try:
    mprunner.run("a.yaml", plugins="p.py")
    print("went on")
finally:
    print("cleaned up")
"""


@pytest.fixture
def in_container(tmp_path, token):
    """Execute a command as the first process of a container, in a folder with two experiments that end it."""
    if not has_own_namespaces():
        pytest.skip("no process may have ids of its own here")
    (tmp_path / "p.py").write_text(PLUGIN)
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("scenario: ending\nsweep: {x: [1, 2, 3]}\nrepeats: 1\n")

    def call(*command):
        return subprocess.run(
            [*OWN_NAMESPACES, "--mount-proc", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
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
