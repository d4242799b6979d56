"""Gated rounds of a race as one would write them by hand: two processes, a spinning start gate, one RawValue.

usage: race_rounds.py ROUNDS TRANSACTIONS; prints the seconds, and the rounds that lost an update, as JSON.
"""

import json
import mmap
import sys
from multiprocessing import Process, RawValue
from time import perf_counter

ROUNDS, TRANSACTIONS = int(sys.argv[1]), int(sys.argv[2])
words = memoryview(mmap.mmap(-1, 4096)).cast("q")
READY, RELEASED = 0, 8  # in cache lines of their own
balance = RawValue("i", 100)


def withdraw():
    lossy = 0
    began = perf_counter()
    for round_ in range(1, ROUNDS + 1):
        while words[READY] < round_:
            pass
        words[RELEASED] = round_
        for _ in range(TRANSACTIONS):
            balance.value = balance.value - 1
        while words[READY] < round_ + 1:
            pass
        lossy += balance.value != 100
        balance.value = 100
    print(json.dumps([perf_counter() - began, lossy]))


def deposit():
    for round_ in range(1, ROUNDS + 1):
        words[READY] = round_
        while words[RELEASED] < round_:
            pass
        for _ in range(TRANSACTIONS):
            balance.value = balance.value + 1
    words[READY] = ROUNDS + 1


actors = [Process(target=withdraw), Process(target=deposit)]
for actor in actors:
    actor.start()
for actor in actors:
    actor.join()
