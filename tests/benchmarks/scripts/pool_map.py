"""The hand-written script: the squares below each number, in a loop or in a pool; prints the wall time in seconds.

``python pool_map.py NUMBERS PROCESSES serial|map``
"""

import sys
from multiprocessing import Pool
from time import perf_counter


def sum_of_squares(n: int) -> int:
    """Add the squares of all numbers below n."""
    total = 0
    for i in range(n):
        total += i * i
    return total


if __name__ == "__main__":
    numbers, processes, method = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    began = perf_counter()
    if method == "serial":
        sums = [sum_of_squares(n) for n in range(numbers)]
    else:
        pool = Pool(processes)
        sums = pool.map(sum_of_squares, range(numbers))
        pool.close()
        pool.join()
    wall_s = perf_counter() - began
    assert sums[-1] == (numbers - 2) * (numbers - 1) * (2 * numbers - 3) // 6
    print(wall_s)
