"""Executed by test_orphans.py in a namespace of process ids of its own, so that no other test meets its orphans.

Kills runner and launcher of a run whose trial hangs with children, then begins other runs, and writes what came of
it as JSON.
"""

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import psutil

from mprunner.cli import main
from mprunner.executors import orphans
from tests.support import PLUGINS, command, wait_until

ARGUMENTS = ("run", "attacks.yaml", "--plugin", str(PLUGINS / "attacks.py"))


def run(*more: str) -> dict:
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as told:
        try:
            main([*ARGUMENTS, *more])
        except SystemExit as ended:
            return {"code": ended.code, "stderr": told.getvalue()}


def others() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
    ]


def orphan() -> None:
    orphans.GRACE_S = 0.1  # no one cleans up here
    Path("attacks.yaml").write_text("scenario: attacks\nparams: {attack: setsid, then: hang}\nrepeats: 1\n")
    runner = subprocess.Popen(command(*ARGUMENTS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = psutil.Process(runner.pid)
    wait_until(lambda: len(tree.children(recursive=True)) == 3, "no trial hangs")
    launcher, *_ = tree.children()
    launcher.send_signal(signal.SIGSTOP)  # so that it can't clean up when its runner is gone
    runner.kill()
    runner.wait()
    launcher.kill()
    wait_until(
        lambda: len(others()) == 1, "not one is left"
    )  # the worker ends with its launcher, its daemon does not
    left = [process.pid for process in others()]
    refused = run()
    Path("attacks.yaml").write_text("scenario: attacks\nrepeats: 1\n")
    told_to = run("--beside-orphans")
    noted = json.loads(Path("results/attacks/latest/run.json").read_text())["beside_orphans"]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    after = run()
    json.dump(
        {"left": left, "refused": refused, "told_to": told_to, "noted": noted, "after": after}, sys.stdout
    )


if __name__ == "__main__":
    orphan()
