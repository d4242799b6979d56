"""The counter as a tutorial's reader writes it: prints the seconds from the first change's pause to the last change.

usage: locked_counter.py sequential|lock ITERATIONS PAUSE_S
"""

import sys
from multiprocessing import Lock, Process, RawArray, Value
from time import perf_counter, sleep


def add(total, n, pause_s, lock):
    for _ in range(n):
        sleep(pause_s)
        lock.acquire()
        total.value += 5
        lock.release()


def subtract(total, n, pause_s, lock):
    for _ in range(n):
        sleep(pause_s)
        lock.acquire()
        total.value -= 5
        lock.release()


def timed(work, begins, ends, index, *args):
    begins[index] = perf_counter()
    work(*args)
    ends[index] = perf_counter()


if __name__ == "__main__":
    how, args = sys.argv[1], (Value("i", 500), int(sys.argv[2]), float(sys.argv[3]), Lock())
    if how == "sequential":
        began = perf_counter()
        add(*args)
        subtract(*args)
        print(perf_counter() - began)
    else:
        begins, ends = RawArray("d", 2), RawArray("d", 2)
        works = (add, subtract)
        actors = [Process(target=timed, args=(work, begins, ends, i, *args)) for i, work in enumerate(works)]
        for actor in actors:
            actor.start()
        for actor in actors:
            actor.join()
        print(max(ends) - min(begins))
