"""Executed by test_orphans.py in a namespace of process ids of its own, so that no other test meets its orphans.

Kills runner and launcher of a run whose trial hangs with children, then begins other runs, and writes what came of
it as JSON.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.support import GENEROUS_S, PLUGINS, command

ATTACKS = PLUGINS / "attacks.py"
ARGUMENTS = command("run", "attacks.yaml", "--plugin", ATTACKS)


def wait_until(true) -> None:
    limit = time.monotonic() + GENEROUS_S
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)  # polling


def run(*more: str) -> dict:
    done = subprocess.run([*ARGUMENTS, *more], capture_output=True, text=True, check=False)
    return {"code": done.returncode, "stderr": done.stderr}


def others() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE
    ]


def main() -> None:
    Path("attacks.yaml").write_text("scenario: attacks\nparams: {attack: setsid, then: hang}\nrepeats: 1\n")
    runner = subprocess.Popen(ARGUMENTS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = psutil.Process(runner.pid)
    wait_until(lambda: len(tree.children(recursive=True)) == 3)
    launcher, *_ = tree.children()
    launcher.send_signal(signal.SIGSTOP)  # so that it can't clean up when its runner is gone
    runner.kill()
    runner.wait()
    launcher.kill()
    wait_until(lambda: len(others()) == 1)  # the worker ends with its launcher, its daemon does not
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
    main()
