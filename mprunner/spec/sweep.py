"""From a sweep to its combinations."""

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from mprunner.spec.model import Block, Experiment, Row, axes
from mprunner.values import Scalar

_NO_SWEEP: tuple[Block, ...] = ({},)


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """The values of one case, as far as the experiment says them; the rest are the scenario's defaults.

    Attributes:
        params: fixed and swept values.
        swept: the names that its block of the sweep sets, in the order of the file.
    """

    params: Mapping[str, Scalar]
    swept: tuple[str, ...]


def count(experiment: Experiment) -> int:
    """Return how many combinations an experiment has, without making them; they may be more than ``len`` can say."""
    return sum(math.prod(map(len, block.values())) for block in experiment.sweep or _NO_SWEEP)


class Combinations:
    """Every combination, each made when it is asked for by its place.

    They are in the order of the file, block by block; in a block the first name varies slowest, and names that move
    together vary as one. Without a sweep there is one combination: the fixed params.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._fixed = experiment.params
        self._blocks = [tuple(axes(block)) for block in experiment.sweep or _NO_SWEEP]
        sizes = (math.prod(len(rows) for _, rows in block) for block in self._blocks)
        self._starts = list(itertools.accumulate(sizes, initial=0))

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, place: int) -> Combination:
        if not 0 <= place < self._starts[-1]:
            raise IndexError(place)
        which = bisect_right(self._starts, place) - 1
        varying, left = self._blocks[which], place - self._starts[which]
        chosen: list[Row] = []
        for _, rows in reversed(varying):  # the last varies fastest
            left, digit = divmod(left, len(rows))
            chosen.append(rows[digit])
        names = tuple(name for together, _ in varying for name in together)
        values = itertools.chain.from_iterable(reversed(chosen))
        return Combination(params={**self._fixed, **dict(zip(names, values, strict=True))}, swept=names)
