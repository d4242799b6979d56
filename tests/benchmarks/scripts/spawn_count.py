"""Processes that count as a tutorial's reader writes them: prints the seconds from the first start to the last join.

usage: spawn_count.py serial|concurrent PROCESSES N
"""

import sys
from multiprocessing import Process, SimpleQueue
from time import perf_counter


def count_to(n):
    counter = 0
    while counter < n:
        counter += 1
    return counter


def put_count(n, queue):
    queue.put(count_to(n))


if __name__ == "__main__":
    how, processes, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    began = perf_counter()
    if how == "serial":
        counts = [count_to(n) for _ in range(processes)]
    else:
        queue = SimpleQueue()
        actors = [Process(target=put_count, args=(n, queue)) for _ in range(processes)]
        for actor in actors:
            actor.start()
        for actor in actors:
            actor.join()
        counts = [queue.get() for _ in actors]
    wall_s = perf_counter() - began
    assert counts == [n] * processes
    print(wall_s)
