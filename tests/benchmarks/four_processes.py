"""The hand-written script: start four processes, join them, print how long it took."""

import multiprocessing
from time import perf_counter


def nothing() -> None:
    """Do nothing."""


if __name__ == "__main__":
    began = perf_counter()
    processes = [multiprocessing.Process(target=nothing) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(perf_counter() - began)
