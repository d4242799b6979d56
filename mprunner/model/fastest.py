"""Repeats that look for the fastest case: successive halving, in which a case that may be the fastest stays.

All cases get the least number of repeats, then those that are left twice as many, and so on. At each doubling a case
leaves if it is clearly slower than the one with the smallest median: slower in so many of the same repeats that a
sign test says so (one-sided, 5 %): in 5 of 5, 9 of 10, 15 of 20. Repeats are compared one by one, as the machine's
speed changes from one to the next. Plain successive halving (Jamieson and Talwalkar, AISTATS 2016) keeps half of the
cases whatever they came to; this spends its time where cases can't be told apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import comb
from statistics import median
from typing import Final

from mprunner.model.adaptive import AdaptiveRepeats, Until
from mprunner.model.records import Record
from mprunner.values import Scalar

ALPHA: Final = 0.05


class FastestSearch(AdaptiveRepeats):
    """What the trials of each case came to, and which cases are clearly not the fastest. A failed one is not either.

    A decision after some repeats takes into account just these, of each case: so a run that goes on after an
    interruption goes on as it would have.
    """

    def __init__(self, until: Until, most: int, cases: int, baseline: Mapping[str, Scalar]) -> None:
        """Begin without any record.

        Args:
            until: after how many repeats the first ones leave, and by which metric.
            most: how many repeats those get that are left.
            cases: how many there are.
            baseline: the values of the cases that stay whatever they come to, as others are compared with them.
        """
        super().__init__(until, most, lambda values: None, cases)
        self._baseline = baseline
        self._kept: set[str] = set()
        self._every: dict[str, list[float | None]] = {}
        self._left: dict[str, int] = {}
        self._decided = 0

    def take(self, record: Record) -> None:
        """Take in the record that settles a trial; those of warm-up trials mean nothing here."""
        self.know(record.attempt.case_id, record.attempt.params)
        super().take(record)

    def know(self, case_id: str, params: Mapping[str, Scalar]) -> None:
        """Learn what params a case has, those of the baseline at least."""
        if self._baseline and all(params.get(name) == value for name, value in self._baseline.items()):
            self._kept.add(case_id)

    def add(self, case_id: str, value: float | None) -> None:
        """Take in one more repeat of a case, with its value if it has one."""
        super().add(case_id, value)
        self._every.setdefault(case_id, []).append(value)

    def is_enough(self, case_id: str) -> bool:
        """Whether a case is clearly not the fastest; then the rest of its repeats is spared."""
        for rung in self._rungs():
            self._decide(rung)
        return case_id in self._left

    def _rungs(self) -> Iterator[int]:
        """Return the numbers of repeats that all contenders have by now, and after which none has left yet."""
        rung = 2 * self._decided or self.until.least
        while rung < self.most and len(self._every) >= self._cases:
            if any(
                len(values) < rung for case_id, values in self._every.items() if case_id not in self._left
            ):
                return
            yield rung
            rung *= 2

    def _decide(self, rung: int) -> None:
        self._decided = rung
        values = {case_id: each[:rung] for case_id, each in self._every.items() if case_id not in self._left}
        medians = {
            case_id: median(known)
            for case_id, each in values.items()
            if (known := [value for value in each if value is not None])
        }
        if not medians:
            return
        best = values[min(medians, key=medians.__getitem__)]
        for case_id, each in values.items():
            if case_id not in self._kept and (case_id not in medians or _is_slower(each, best)):
                self._left[case_id] = rung
                self._spared[case_id] = max(0, self.most - rung)

    @property
    def is_done(self) -> bool:
        """Whether no case needs more: never before those that are left had all their repeats."""
        return False

    def still_wide(self) -> dict[str, float | None]:
        """Return nothing: no interval was asked for."""
        return {}


def _is_slower(values: Sequence[float | None], best: Sequence[float | None]) -> bool:
    """Whether values are larger than others of the same repeats more often than chance would have it."""
    pairs = [(mine, other) for mine, other in zip(values, best, strict=True) if mine != other]
    known = [(mine, other) for mine, other in pairs if mine is not None and other is not None]
    larger = sum(mine > other for mine, other in known)
    return bool(known) and sign_p(larger, len(known)) <= ALPHA


def sign_p(larger: int, of: int) -> float:
    """Return the probability that so many or more of some values are larger by chance: a one-sided sign test."""
    return float(sum(comb(of, n) for n in range(larger, of + 1)) / (1 << of))
