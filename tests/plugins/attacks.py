"""A scenario whose children try to outlive it, each in a way that has defeated some means of ending a process tree.

Every attack is in place before it goes on, and every one is bounded: in the number of its processes, and in time.
"""

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from mprunner.scenario import Doc, Scenario, Trial

LIMIT_S = 60.0
HYDRA_HEADS = 6
SLEEP = f"import os, sys, time; os.write(int(sys.argv[1]), b'!'); time.sleep({LIMIT_S})"


LAUNCHER = {"kill-launcher": signal.SIGKILL, "stop-launcher": signal.SIGSTOP}


def child(work, writer):
    """Fork a process that does some work, says that it is in place, and stays."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os.write(writer, b"!")
            time.sleep(LIMIT_S)
        finally:
            os._exit(0)
    return pid


def stopped(writer):
    for _ in range(3):
        child(lambda: None, writer)
    return 3


def stop_children():
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            for pid in map(int, file.read().split()):
                os.kill(pid, signal.SIGSTOP)
                os.waitid(os.P_PID, pid, os.WSTOPPED)


def ignore():
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def ignoring_term(writer):
    for _ in range(3):
        child(ignore, writer)
    return 3


def hundred(writer):
    for _ in range(100):
        child(lambda: None, writer)
    return 100


def setsid(writer):
    child(os.setsid, writer)
    return 1


def daemonise():
    os.setsid()
    if os.fork():
        os._exit(0)


def double_fork(writer):
    os.waitpid(child(daemonise, writer), 0)
    return 1


def parent_first(writer):
    """Fork again once the parent is gone, as a daemon does that restarts itself."""

    def work():
        parent = os.getpid()
        if os.fork():
            os._exit(0)
        until = time.monotonic() + LIMIT_S
        while os.getppid() == parent and time.monotonic() < until:
            time.sleep(0.001)
        daemonise()

    os.waitpid(child(work, writer), 0)
    return 1


def nested_subreaper(writer):
    """Keep orphans below a process that is a subreaper itself."""

    def work():
        assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
        os.waitpid(child(daemonise, writer), 0)

    child(work, writer)
    return 2


def empty_environment(writer):
    """Become another program that knows nothing of the run; the test finds it by an argument."""
    if os.fork() == 0:
        os.setsid()
        os.set_inheritable(writer, True)
        token = os.environ.get("MPRUNNER_TEST", "")
        os.execve(sys.executable, [sys.executable, "-I", "-c", SLEEP, str(writer), token], {})
    return 1


def hydra(writer):
    """Heads that each fork one successor and end, in sessions of their own, for a bounded time."""
    until = time.monotonic() + LIMIT_S
    for _ in range(HYDRA_HEADS):
        if os.fork() == 0:
            try:
                os.write(writer, b"!")
                while time.monotonic() < until:
                    if os.fork():
                        os._exit(0)
                    os.setsid()
            finally:
                os._exit(0)
    return HYDRA_HEADS


ATTACKS = {
    "stopped": stopped,
    "ignoring-term": ignoring_term,
    "hundred": hundred,
    "setsid": setsid,
    "double-fork": double_fork,
    "parent-first": parent_first,
    "nested-subreaper": nested_subreaper,
    "empty-environment": empty_environment,
    "hydra": hydra,
    "kill-launcher": double_fork,
    "stop-launcher": double_fork,
}


@dataclass(frozen=True, kw_only=True)
class Params:
    attack: Annotated[Literal[tuple(ATTACKS)], Doc("how the children try to outlive the trial")] = "setsid"
    then: Annotated[Literal["return", "hang"], Doc("what the trial does once they are in place")] = "return"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    left: int


class Attacks(Scenario[Params, Metrics]):
    """Leave processes behind."""

    name = "attacks"

    def run(self, params: Params, trial: Trial) -> Metrics:
        reader, writer = os.pipe()
        left = ATTACKS[params.attack](writer)
        here = 0
        while here < left:
            here += len(os.read(reader, left - here))
        if params.attack == "stopped":
            stop_children()
        if params.attack in LAUNCHER:
            os.kill(os.getppid(), LAUNCHER[params.attack])
        if params.then == "hang":
            time.sleep(LIMIT_S)
        return Metrics(left=left)


def mprunner_register_scenarios():
    return [Attacks]
