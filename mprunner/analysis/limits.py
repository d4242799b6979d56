"""Limits that a comparison must keep, such as ``wall_s: +5%``."""

import re
from dataclasses import dataclass

from mprunner.analysis.comparison import Row
from mprunner.analysis.estimate import Change

_PERCENT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*%\s*")
_LIMIT = re.compile(r"\s*([a-z][a-z0-9_]*)\s*:\s*([+-])(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How much a metric may change.

    Attributes:
        metric: its name.
        allowed: the largest share of the base by which it may grow, or, if negative, shrink.
    """

    metric: str
    allowed: float

    def __str__(self) -> str:
        return f"{self.metric}: {100 * self.allowed:+g}%"

    def is_exceeded(self, row: Row) -> bool:
        """Whether a row is beyond the limit, and its test and interval tell both sides apart.

        The ratio itself is compared with the limit: that the whole interval lies beyond it is not asked.
        """
        if row.metric != self.metric or row.ratio is None:
            return False
        if self.allowed > 0:
            return row.change is Change.MORE and row.ratio > 1 + self.allowed
        return row.change is Change.LESS and row.ratio < 1 + self.allowed


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
    return Limit(metric=match[1], allowed=share if match[2] == "+" else -share)
