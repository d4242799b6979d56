"""Signals of the runner that end it at once."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("comes_first", [True, False])
def test_a_signal_that_is_to_end_the_program_at_once_does_whether_it_came_before_or_after_that_was_said(
    comes_first,
):
    steps = [
        "signal.raise_signal(signal.SIGTERM)",
        "interrupt.end_at_once(lambda: print('closed', flush=True))",
    ]
    code = ["import signal", "from mprunner.signals import Interrupt", "interrupt = Interrupt().__enter__()"]
    script = "\n".join([*code, *(steps if comes_first else reversed(steps)), "print('still there')"])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "closed\n", "")
