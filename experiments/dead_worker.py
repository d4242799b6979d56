"""Pools that lose a worker, for dead-worker.yaml."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor


def die_at_once(item):
    """Do what a worker does that runs out of memory, or is killed by hand."""
    os.kill(os.getpid(), signal.SIGKILL)


class PoolLosesAWorker:
    """A Pool starts another worker, and never says that the task of the dead one is gone: `map` waits for ever."""

    def actor_map(self):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            return pool.map(die_at_once, [1])


class FuturesLoseAWorker:
    """An executor of concurrent.futures notices, and raises BrokenProcessPool."""

    def actor_map(self):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            return list(pool.map(die_at_once, [1]))
