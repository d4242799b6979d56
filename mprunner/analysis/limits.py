"""Limits that a comparison must keep: kept, exceeded, or unclear."""

import re
from bisect import bisect_left
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Literal, NamedTuple

from mprunner.analysis.comparison import Row
from mprunner.analysis.effects import Change
from mprunner.analysis.significance import ALPHA, two_sided_quantile
from mprunner.analysis.statistics import CONFIDENCE, Interval

_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
_MANY = 1_000  # of runs: nobody executes more
_LIMIT = re.compile(r"\s*([a-z][a-z0-9_]*)\s*:\s*([+-])(.*)")


class Needed(NamedTuple):
    """How many values of a side would tell."""

    number: int
    of: Literal["trials", "runs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much a metric may change.

    Attributes:
        metric: its name.
        sign: ``+`` if it may grow by so much, and shrink as it likes; ``-`` if it may shrink.
        allowed: a share of the base.
    """

    metric: str
    sign: Literal["+", "-"]
    allowed: float

    def __str__(self) -> str:
        return f"{self.metric}: {self.sign}{100 * self.allowed:g}%"

    def is_exceeded(self, row: Row) -> bool:
        """Whether a row is beyond the limit, and its test and interval tell both sides apart, drift being known.

        The ratio itself is compared with the limit: that the whole interval lies beyond it is not asked, nor is the
        minimum effect. Growth from 0 is beyond any limit, and so is a new side of which no trial has a value. Where
        there is no ratio of trials, as where the base is often 0, it is that of the medians.
        """
        if row.metric != self.metric:
            return False
        if row.base.trials and not row.new.trials:
            return True
        if not row.method.knows_drift:
            return False
        if row.ratio is None:
            return self._is_exceeded_by_medians(row)
        if row.interval is None or (row.p is not None and row.p >= ALPHA):
            return False
        is_told = row.interval.low > 1 if self.sign == "+" else row.interval.high < 1
        return is_told and self.is_beyond(row.ratio)

    def is_beyond(self, ratio: float) -> bool:
        """Whether a ratio of the new side to the base is beyond the limit."""
        return ratio > 1 + self.allowed if self.sign == "+" else ratio < 1 - self.allowed

    def _is_exceeded_by_medians(self, row: Row) -> bool:
        base, new = row.base.median, row.new.median
        if base is None or new is None or base < 0:
            return False
        if self.sign == "+":
            return row.change is Change.MORE and (base == 0 or new > (1 + self.allowed) * base)
        return row.change is Change.LESS and new < (1 - self.allowed) * base

    def is_judged(self, row: Row) -> bool:
        """Whether a row says anything of the limit: of a base below 0 nothing is a share."""
        if self.is_exceeded(row):
            return True
        is_told = row.ratio is not None or (row.base.median is not None and row.base.median >= 0)
        return is_told and row.change is not Change.TOO_FEW

    def is_unclear(self, row: Row) -> bool:
        """Whether a row neither exceeds the limit nor rules that out.

        Its interval reaches beyond the limit, or the machine's drift between the runs is not known.
        """
        if row.metric != self.metric or self.is_exceeded(row) or not self.is_judged(row):
            return False
        if not row.method.knows_drift:
            return True
        return row.interval is not None and self.is_beyond(self._edge(row.interval))

    def _edge(self, interval: Interval) -> float:
        return interval.high if self.sign == "+" else interval.low

    def smallest_shown(self, row: Row) -> float | None:
        """Return the smallest change, as a share of the base, that a row's values could have shown; None if unknown.

        It is the one whose interval just excludes 1, on a log scale as wide as the row's.
        """
        if row.interval is None or not row.ratio or not row.interval.low or not row.method.knows_drift:
            return None
        if self.sign == "+":
            return row.ratio / row.interval.low - 1
        return 1 - row.ratio / row.interval.high

    def most_possible(self, row: Row) -> float | None:
        """Return the end of a row's interval on the limit's side; None where it has no interval that counts."""
        return self._edge(row.interval) if row.interval and row.method.knows_drift else None

    def needed(self, row: Row) -> Needed | None:
        """Return about how many values of a side would rule the limit out where nothing has changed; None if unknown.

        The interval of a ratio, on a log scale, is narrower by the square root of their number; that of no change
        must not reach the limit. Student's is also narrower by its degrees of freedom.
        """
        edge = self.most_possible(row)
        limit = abs(log(1 + self.allowed if self.sign == "+" else 1 - self.allowed))
        if not edge or not row.ratio or not limit or edge == row.ratio:
            return None
        half = abs(log(edge / row.ratio))
        if row.degrees is None:
            values = row.pairs or min(row.base.trials, row.new.trials)
            return Needed(ceil(values * (half / limit) ** 2), "trials")
        others = 1 if row.earlier else row.degrees + 2 - row.turns
        error = half / two_sided_quantile(1 - CONFIDENCE, row.degrees) / sqrt(1 / row.turns + 1 / others)
        runs = _runs_within(limit / error)
        return None if runs is None else Needed(runs, "runs")


def _runs_within(errors: float) -> int | None:
    """Return with how many runs on each side Student's interval reaches so many deviations of a run, or fewer.

    None if that takes more than anyone executes.
    """

    def is_enough(runs: int) -> bool:
        return two_sided_quantile(1 - CONFIDENCE, 2 * runs - 2) * sqrt(2 / runs) <= errors

    runs = bisect_left(range(2, _MANY + 1), x=True, key=is_enough) + 2
    return runs if runs <= _MANY else None


def parse_percent(text: str) -> float:
    """Return a share that is written as ``5%``.

    Raises:
        ValueError: it is not written so.
    """
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no percentage such as 5%")
    return float(match[1]) / 100


def parse_limit(text: str) -> Limit:
    """Read a limit, such as ``wall_s: +5%``, or ``throughput_per_s: -5%`` of what should not shrink.

    Raises:
        ValueError: it is not written so.
    """
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no limit such as 'wall_s: +5%'")
    share = parse_percent(match[3])
    if match[2] == "-" and share >= 1:
        raise ValueError(f"{text!r}: nothing shrinks by 100% or more")
    return Limit(metric=match[1], sign="+" if match[2] == "+" else "-", allowed=share)
