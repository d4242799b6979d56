"""How a signal ends the program."""

import signal
import subprocess
import sys

import pytest


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
