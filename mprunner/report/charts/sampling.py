"""Which trials are drawn of many: every outlier, and of the rest an even sample.

A million points would be hundreds of megabytes of page, and one blot on the screen. What a strip shows of them is
their spread, which a sample by rank keeps, and each that is far away, which it must not lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.diagnostics import MAX_Z, modified_z

MOST_POINTS: Final = 600
"""So many trials are drawn in a chart, and every outlier beside them."""
LEAST_POINTS: Final = 5
"""So many are drawn of every case, if it has as many."""
_OUTLIERS: Final = 5 / 3
"""Of more outliers than so many times those trials, those that are drawn on one another are one point."""
_PLACES: Final = (60, 200)
"""Outliers that are closer than such a part of a chart's width are drawn on one another; the first of many cases."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Which values are drawn.

    Attributes:
        places: of those values, by case, ascending.
        of: how many values there are.
        is_merged: whether outliers that would be drawn on one another are one of them.
    """

    places: Mapping[str, Sequence[int]]
    of: int
    is_merged: bool = False

    def rule(self) -> str:
        """Say by which rule trials are drawn; empty if all are."""
        return rule(sum(map(len, self.places.values())), self.of, is_merged=self.is_merged)


def drawn(values: Mapping[str, Sequence[float]], most: int = MOST_POINTS) -> Sample:
    """Choose the values that are drawn, by case.

    All of them if they are at most ``most`` together. Else every outlier (modified z-score over 3.5, as in the
    summary), the smallest and the largest value of each case, and of the rest an even sample by rank.
    """
    of = sum(map(len, values.values()))
    if of <= most:
        return Sample({case: list(range(len(own))) for case, own in values.items()}, of)
    arrays = {case: np.asarray(own, dtype=np.float64) for case, own in values.items()}
    far = {case: _outliers(own) for case, own in arrays.items()}
    found, limit = sum(map(len, far.values())), round(_OUTLIERS * most)
    if found > limit:
        low = min(float(own.min()) for own in arrays.values() if own.size)
        high = max(float(own.max()) for own in arrays.values() if own.size)
        fewest, finest = _PLACES
        width = (high - low) / max(fewest, min(finest, limit // len(arrays)))
        far = {case: _apart(arrays[case], places, low, width) for case, places in far.items()}
    room = max(LEAST_POINTS, most // max(1, len(arrays)))
    places = {case: sorted({*far[case], *_even(own, room)}) for case, own in arrays.items()}
    return Sample(places, of, is_merged=found > limit)


def _outliers(values: Numbers) -> list[int]:
    if values.size < LEAST_POINTS:
        return []
    scores = np.abs(np.asarray(modified_z(values.tolist())))
    return [int(place) for place in np.flatnonzero(scores > MAX_Z)]


def _apart(values: Numbers, places: Sequence[int], low: float, width: float) -> list[int]:
    """Return those of some places whose values are not drawn on one another; which one of them does not matter."""
    return list({int((values[place] - low) / width): place for place in places}.values())


def _even(values: Numbers, most: int) -> list[int]:
    """Return the places of so many values, evenly by rank; the smallest and the largest are among them."""
    if values.size <= most:
        return list(range(values.size))
    order = np.argsort(values, kind="stable")
    ranks = np.unique(np.linspace(0, values.size - 1, most).round().astype(np.int64))
    return [int(place) for place in order[ranks]]


def rule(shown: int, of: int, *, is_merged: bool = False) -> str:
    """Say by which rule so many of so many trials are drawn; empty if all are."""
    if shown == of:
        return ""
    outliers = "every outlier, those on one another as one point," if is_merged else "every outlier"
    return f"{shown:,} of {of:,} trials are drawn: {outliers} and, of the rest, an even sample."
