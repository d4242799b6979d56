"""Whether a combination has some values of params, as a baseline or a ``where`` says: told before any is made."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain

from mprunner.expected import Where
from mprunner.spec.checking import Checking, ParamTypes
from mprunner.spec.messages import as_yaml, list_of_names
from mprunner.spec.model import Block, Row, axes
from mprunner.spec.problems import Loc
from mprunner.values import Scalar

_CPU_COUNT = "cpu_count"
_SHOWN = 20  # values, of which list_of_names() shows fewer
_Values = Mapping[Scalar, None]
"""Distinct values in the order of the file, among which one is found at once."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """What varies on its own: names that move together, their rows, and the values that each name takes."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    values: Mapping[str, _Values]

    def has_row(self, wanted: Where) -> bool:
        """Whether a row has, of each of its names that is wanted, one of the values."""
        here = [(index, set(wanted[name])) for index, name in enumerate(self.names) if name in wanted]
        if len(self.names) == 1:
            return not here or _meet(here[0][1], self.values[self.names[0]])
        return not here or any(all(_meet(values, (row[i],)) for i, values in here) for row in self.rows)


class Sweeping:
    """The combinations of a file, as far as their values tell."""

    def __init__(self, fixed: Mapping[str, Scalar], sweep: tuple[Block, ...], types: ParamTypes) -> None:
        defaults = {name: type_.field.default for name, type_ in types.items()}
        self._fixed: dict[str, _Values] = {
            name: {value: None} for name, value in {**defaults, **fixed}.items()
        }
        self._blocks = [[_axis(names, rows) for names, rows in axes(block)] for block in sweep or ({},)]

    def has(self, wanted: Where) -> bool:
        """Whether a combination has, of each param that is wanted, one of the values."""
        return any(self._block_has(block, wanted) for block in self._blocks)

    def _block_has(self, block: list[_Axis], wanted: Where) -> bool:
        swept = {name for axis in block for name in axis.names}
        return all(axis.has_row(wanted) for axis in block) and all(
            _meet(values, self._fixed[name]) for name, values in wanted.items() if name not in swept
        )

    def values_of(self, name: str) -> list[_Values]:
        """Return the values that a param takes, block by block."""
        found = ({key: each.values[key] for each in block for key in each.names} for block in self._blocks)
        return [values.get(name, self._fixed[name]) for values in found]


def _axis(names: tuple[str, ...], rows: tuple[Row, ...]) -> _Axis:
    values = {name: dict.fromkeys(row[i] for row in rows) for i, name in enumerate(names)}
    return _Axis(names, rows, values)


def refuse_unmatched(checking: Checking, path: Loc, wanted: Where, sweeping: Sweeping) -> None:
    """Report values at a path that no combination has, one by one or together; any of a name's values will do."""
    unknown = False
    for name, values in wanted.items():
        taken = sweeping.values_of(name)
        for index, value in enumerate(values):
            if not any(_meet((value,), each) for each in taken):
                unknown = True
                checking.report((*path, name, index), f"no case has {as_yaml(value)} here", _have(taken))
    if not unknown and not sweeping.has(wanted):
        checking.report(path, "no case has all these values", at_key=True)


def _have(taken: list[_Values]) -> str:
    first: dict[Scalar, None] = {}
    for value in chain.from_iterable(taken):
        first[value] = None
        if len(first) == _SHOWN:
            break
    return f"the cases have {list_of_names([as_yaml(value) for value in first])}"


def _meet(wanted: Collection[Scalar], values: Collection[Scalar]) -> bool:
    """Return whether one of some values is wanted; `cpu_count` may be any number, on some machine."""
    return (
        _CPU_COUNT in wanted
        or any(value in values for value in wanted)
        or (_CPU_COUNT in values and any(isinstance(value, int) for value in wanted))
    )
