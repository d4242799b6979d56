"""Repeats that go on until an interval is narrow: what is asked for, and which cases need no more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mprunner.errors import guarded
from mprunner.model.from_json import read_fields
from mprunner.model.records import Record, Status

MIN_REPEATS: Final = 5
"""Below five repeats a bootstrap interval of the median holds less than it says: at three, 73-77 %, not 95 %."""

_LOOKS: Final = 20  # a look for each 5 % more repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """A case needs no more repeats when a metric's median is known well enough.

    Attributes:
        least: the repeats that every case gets.
        metric: whose median is meant.
        ci_ratio: how large half of its 95 % interval may be, as a share of the median's size; None where the fastest
            case is looked for.
    """

    least: int
    metric: str
    ci_ratio: float | None

    def looks_after(self, repeats: int) -> bool:
        """Whether the interval is looked at after so many repeats: after each up to 40, then less and less often.

        A look takes time in proportion to the repeats, between two trials; looks in proportion to growth keep the
        whole of it in proportion to the repeats too, and no case gets more than 5 % too many.
        """
        return repeats >= self.least and (repeats == self.least or repeats % max(1, repeats // _LOOKS) == 0)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Until | None":
        """Rebuild it; None where the number of repeats is fixed."""
        return None if value is None else read_fields(cls, value)


Precision = Callable[[Sequence[float]], float | None]
"""Returns half of the median's interval as a share of the median, None where there is no interval."""


class AdaptiveRepeats:
    """What the trials of each case came to, and whether that is enough. A failed trial is a repeat without a value.

    What it answers depends on the records alone: a run that goes on after an interruption goes on as it would have.

    Attributes:
        until: when a case has enough.
        most: after how many repeats it has enough whatever its interval.
    """

    def __init__(self, until: Until, most: int, precision: Precision, cases: int) -> None:
        """Begin without any record.

        Args:
            until: when a case has enough.
            most: after how many repeats it has enough whatever its interval.
            precision: see :data:`Precision`; it may take a while.
            cases: how many there are.
        """
        self.until = until
        self.most = most
        self._precision = precision
        self._cases = cases
        self._values: dict[str, list[float]] = {}
        self._repeats: dict[str, int] = {}
        self._spared: dict[str, int] = {}
        self._looked: dict[str, int] = {}

    def take(self, record: Record) -> None:
        """Take in the record that settles a trial; those of warm-up trials mean nothing here."""
        attempt = record.attempt
        result = record.ending.result if record.status is Status.OK else None
        if not attempt.is_warmup:
            value = None if result is None else result.metrics.get(self.until.metric)
            self.add(attempt.case_id, value if isinstance(value, int | float) else None)

    def add(self, case_id: str, value: float | None) -> None:
        """Take in one more repeat of a case, with its value if it has one."""
        self._repeats[case_id] = self._repeats.get(case_id, 0) + 1
        values = self._values.setdefault(case_id, [])
        if value is not None:
            values.append(float(value))

    def is_enough(self, case_id: str) -> bool:
        """Whether a case's interval is narrow; once it is, the rest of its repeats is spared."""
        if case_id in self._spared:
            return True
        repeats = self._repeats.get(case_id, 0)
        if self._looked.get(case_id) == repeats or not self.until.looks_after(repeats):
            return False
        self._looked[case_id] = repeats
        precision = self._precision_of(case_id)
        if precision is None or precision > (self.until.ci_ratio or 0.0):
            return False
        self._spared[case_id] = max(0, self.most - repeats)
        return True

    def _precision_of(self, case_id: str) -> float | None:
        what = f"the interval of {self.until.metric}, after which more or fewer repeats are executed,"
        return guarded(what, lambda: self._precision(self._values[case_id]), None)

    @property
    def spared(self) -> int:
        """How many planned trials are not needed, by the cases that were asked about."""
        return sum(self._spared.values())

    @property
    def is_done(self) -> bool:
        """Whether every case has a narrow interval, by what was asked."""
        return len(self._spared) >= self._cases

    def look_at_all(self) -> int:
        """Ask about every case; return how many planned trials are not needed."""
        for case_id in self._repeats:
            self.is_enough(case_id)
        return self.spared

    def still_wide(self) -> dict[str, float | None]:
        """Return, by case id, the precision of the cases that had all their repeats and did not get there."""
        ended = (case_id for case_id, repeats in self._repeats.items() if repeats >= self.most)
        found = {case_id: self._precision_of(case_id) for case_id in ended}
        return {
            case_id: precision
            for case_id, precision in found.items()
            if precision is None or precision > (self.until.ci_ratio or 0.0)
        }
