"""A scenario that asks for more than it may have; what it asks for is bounded."""

import multiprocessing
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Literal

from mprunner.scenario import Scenario, Trial

MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Params:
    way: Literal["memory", "many-small", "child-memory", "print", "forks", "nested", "threads"] = "memory"
    mib: int = 512
    wanted: int = 0
    start_method: Literal["fork", "spawn", "forkserver"] = "fork"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    number: int


def _ask(mib):
    return len(bytearray(mib * MIB))


def _ask_for(mib, had):
    try:
        had.value = _ask(mib)
    except MemoryError:
        had.value = -1


MOST_FORKS = 400
LONG_S = 20.0


def _fork(count, sync):
    """Fork children that sleep, until they are ended, or by themselves end soon enough; far from a fork bomb."""
    for _ in range(min(count, MOST_FORKS)):
        if os.fork() == 0:
            time.sleep(LONG_S)
            os._exit(0)
    time.sleep(sync)


NEST = '[ $1 -gt 0 ] && { sh -c "$0" "$0" $(($1 - 1)) $2; exit; }; echo; exec sleep 20'
MOST_NESTED = 1100


def _nest(depth):
    """Have shells wait for one another, each below the one before; they know nothing of the run."""
    token = os.environ.get("MPRUNNER_TEST", "")
    shell = ["sh", "-c", NEST, NEST, str(min(depth, MOST_NESTED)), token]
    outermost = subprocess.Popen(shell, env={}, stdout=subprocess.PIPE)
    assert outermost.stdout.readline() == b"\n"


class Greedy(Scenario[Params, Metrics]):
    """Ask."""

    name = "greedy"

    def run(self, params: Params, trial: Trial) -> Metrics:
        match params.way:
            case "memory":
                return Metrics(number=_ask(params.mib))
            case "many-small":
                return Metrics(number=len([bytearray(1000) for _ in range(params.mib * 1000)]))
            case "nested" | "forks":
                if params.way == "nested":
                    _nest(params.wanted)
                else:
                    _fork(params.wanted, 1.0 if params.wanted < 20 else LONG_S)
                return Metrics(number=params.wanted)
            case "threads":
                threads = [threading.Thread(target=time.sleep, args=(1.0,)) for _ in range(params.wanted)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                return Metrics(number=params.wanted)
            case "print":
                print("x" * (params.mib * MIB), flush=True)
                return Metrics(number=params.mib)
        context = multiprocessing.get_context(params.start_method)
        had = context.Value("q", 0)
        child = context.Process(target=_ask_for, args=(params.mib, had))
        child.start()
        child.join()
        return Metrics(number=had.value)


def mprunner_register_scenarios():
    return [Greedy]
