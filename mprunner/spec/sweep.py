"""From a sweep to its combinations."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mprunner.spec.model import Block, Experiment, axes
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


def expand(experiment: Experiment) -> Iterator[Combination]:
    """Yield every combination, block by block; in a block the first name varies slowest.

    Names that move together vary as one.

    Without a sweep there is one combination: the fixed params.
    """
    for block in experiment.sweep or _NO_SWEEP:
        varying = tuple(axes(block))
        names = tuple(name for together, _ in varying for name in together)
        for rows in itertools.product(*(rows for _, rows in varying)):
            values = itertools.chain.from_iterable(rows)
            params = {**experiment.params, **dict(zip(names, values, strict=True))}
            yield Combination(params=params, swept=names)


def count(experiment: Experiment) -> int:
    """Return how many combinations :func:`expand` yields, without making them."""
    return sum(math.prod(map(len, block.values())) for block in experiment.sweep or _NO_SWEEP)
