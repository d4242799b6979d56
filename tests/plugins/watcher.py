"""No scenario: a hook that notes, after every trial, what runner and launcher hold."""

import json
import os

import psutil


def held(process):
    return {"descriptors": process.num_fds(), "rss": process.memory_info().rss}


def mprunner_trial_finished(record):
    runner = psutil.Process()
    launchers = [child for child in runner.children() if "mprunner.worker" in child.cmdline()]
    line = {
        "trial": record.attempt.case_label,
        "runner": held(runner),
        "launcher": held(launchers[0]),
        "children": len(runner.children(recursive=True)),
    }
    with open(os.environ["WATCHED"], "a") as file:
        file.write(json.dumps(line) + "\n")
