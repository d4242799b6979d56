"""The bank as a tutorial's reader writes it: prints the seconds from the first transaction to the last.

usage: race_bank.py sequential|none|lock TRANSACTIONS
"""

import sys
from multiprocessing import Lock, Process, RawArray, Value
from time import perf_counter


def withdraw(balance, n):
    for _ in range(n):
        balance.value = balance.value - 1


def deposit(balance, n):
    for _ in range(n):
        balance.value = balance.value + 1


def withdraw_locked(balance, n, lock):
    for _ in range(n):
        lock.acquire()
        balance.value = balance.value - 1
        lock.release()


def deposit_locked(balance, n, lock):
    for _ in range(n):
        lock.acquire()
        balance.value = balance.value + 1
        lock.release()


def timed(work, begins, ends, index, *args):
    begins[index] = perf_counter()
    work(*args)
    ends[index] = perf_counter()


if __name__ == "__main__":
    how, n = sys.argv[1], int(sys.argv[2])
    balance = Value("i", 100)
    if how == "sequential":
        began = perf_counter()
        withdraw(balance, n)
        deposit(balance, n)
        print(perf_counter() - began)
    else:
        works = (withdraw, deposit) if how == "none" else (withdraw_locked, deposit_locked)
        args = (balance, n) if how == "none" else (balance, n, Lock())
        begins, ends = RawArray("d", 2), RawArray("d", 2)
        actors = [Process(target=timed, args=(work, begins, ends, i, *args)) for i, work in enumerate(works)]
        for actor in actors:
            actor.start()
        for actor in actors:
            actor.join()
        print(max(ends) - min(begins))
