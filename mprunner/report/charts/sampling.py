"""Which trials are drawn of many: every outlier, and of the rest an even sample.

A million points would be hundreds of megabytes of page, and one blot on the screen. What a strip shows of them is
their spread, which a sample by rank keeps, and each that is far away, which it must not lose.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mprunner.analysis.diagnostics import MAX_Z, modified_z

MOST_POINTS: Final = 600
"""So many trials are drawn in a chart, and every outlier beside them."""
LEAST_POINTS: Final = 5
"""So many are drawn of every case, if it has as many."""
MOST_OUTLIERS: Final = 1_000
"""Of more outliers in one chart, those that would be drawn on one another are one point."""
_PLACES: Final = 200
"""Outliers that are closer than this part of a chart's width are drawn on one another."""

Numbers = NDArray[np.float64]


def drawn(values: Mapping[str, Sequence[float]], most: int = MOST_POINTS) -> dict[str, list[int]]:
    """Return, by case, the places of the values that are drawn, ascending.

    All of them if they are at most ``most`` together. Else every outlier (modified z-score over 3.5, as in the
    summary), the smallest and the largest value of each case, and of the rest an even sample by rank.
    """
    if sum(map(len, values.values())) <= most:
        return {case: list(range(len(own))) for case, own in values.items()}
    arrays = {case: np.asarray(own, dtype=np.float64) for case, own in values.items()}
    far = {case: _outliers(own) for case, own in arrays.items()}
    if sum(map(len, far.values())) > MOST_OUTLIERS:
        low = min(float(own.min()) for own in arrays.values() if own.size)
        high = max(float(own.max()) for own in arrays.values() if own.size)
        far = {case: _apart(arrays[case], places, high - low) for case, places in far.items()}
    room = max(LEAST_POINTS, most // max(1, len(arrays)))
    return {case: sorted({*far[case], *_even(own, room)}) for case, own in arrays.items()}


def _outliers(values: Numbers) -> list[int]:
    if values.size < LEAST_POINTS:
        return []
    scores = np.abs(np.asarray(modified_z(values.tolist())))
    return [int(place) for place in np.flatnonzero(scores > MAX_Z)]


def _apart(values: Numbers, places: Sequence[int], width: float) -> list[int]:
    """Return those of some places whose values are not drawn on one another; which one of them does not matter."""
    if not width:
        return list(places[:1])
    return list({int((values[place]) / width * _PLACES): place for place in places}.values())


def _even(values: Numbers, most: int) -> list[int]:
    """Return the places of so many values, evenly by rank; the smallest and the largest are among them."""
    if values.size <= most:
        return list(range(values.size))
    order = np.argsort(values, kind="stable")
    ranks = np.unique(np.linspace(0, values.size - 1, most).round().astype(np.int64))
    return [int(place) for place in order[ranks]]


def rule(shown: int, of: int, what: str = "trials") -> str:
    """Say by which rule so many of so many are drawn; empty if all are."""
    if shown == of:
        return ""
    return f"{shown:,} of {of:,} {what} are drawn: every outlier and, of the rest, an even sample."
