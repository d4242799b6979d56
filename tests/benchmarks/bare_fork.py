"""The yardstick of a trial: for each number read, so many forks and syncs with the launcher's imports."""

import gc
import importlib
import os
import sys
from time import perf_counter

from mprunner.worker import launcher, trial  # noqa: F401 - the launcher brings all that it imports


def bare(file: int) -> None:
    """Fork, setsid, a byte over a pipe, waitpid, one fdatasync."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.write(writer, b"!")
        os._exit(0)
    os.close(writer)
    os.read(reader, 1)
    os.waitpid(pid, 0)
    os.close(reader)
    os.write(file, b"x" * 1000)
    os.fdatasync(file)


if __name__ == "__main__":
    for name in trial.PRELOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with open(sys.argv[1], "wb", buffering=0) as synced:
        for line in sys.stdin:
            began = perf_counter()
            for _ in range(int(line)):
                bare(synced.fileno())
            print(perf_counter() - began, flush=True)
