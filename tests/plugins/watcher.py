"""No scenario: a hook that notes what runner and launcher hold, after each early trial and now and then later."""

import json
import os

import psutil


def held(process):
    return {"descriptors": process.num_fds(), "rss": process.memory_info().rss}


def mprunner_trial_finished(record, done, planned):
    if done > 60 and done % 100 and done != planned:
        return
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
