"""Signals of the runner: those that end it at once, and a cancel that comes to a launcher together with its order."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from mprunner.executors import Launcher
from mprunner.executors.launcher_client import OVERDUE_S
from mprunner.signals import Interrupt
from mprunner.worker.protocol import Ended, Hello, Order


@pytest.fixture
def launcher():
    """A launcher of the bank, ready for orders."""
    made = Launcher()
    module = "mprunner_scenarios.race_bank"
    made.greet(Hello(module=module, qualname="RaceBank", files={}, sys_path=tuple(sys.path)))
    yield made
    made.close()


def test_a_cancel_that_comes_while_the_launcher_is_busy_ends_the_attempt_at_once(launcher, tmp_path):
    """Both are in its socket when it comes back from forking a worker: stopped, it reads neither meanwhile."""
    params = {"rounds": 1_000_000}
    order = Order(params=params, seed=0, repeat=0, timeout_s=60.0, log=str(tmp_path / "x.log"))
    pid = launcher._process.pid
    os.kill(pid, signal.SIGSTOP)
    goes_on = threading.Timer(0.2, os.kill, (pid, signal.SIGCONT))
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        goes_on.start()
        began = time.monotonic()
        ended = launcher.execute(order, interrupt)
    assert time.monotonic() - began < OVERDUE_S / 2
    assert isinstance(ended, Ended)
    assert ended.facts["cancelled"]


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
