"""Whether a combination has some values of params, as a baseline or a ``where`` says: told before any is made."""

from collections.abc import Iterable, Mapping
from itertools import chain

from mprunner.expected import Where
from mprunner.spec.checking import Checking, ParamTypes
from mprunner.spec.messages import as_yaml, list_of_names
from mprunner.spec.model import Block, Row, axes
from mprunner.spec.param_types import CPU_COUNT
from mprunner.spec.problems import Loc
from mprunner.values import Scalar

_SHOWN = 20  # values, of which list_of_names() shows fewer


class _Column:
    """The values of one name in several places, and the places of each: found without looking at every place."""

    def __init__(self, values: Iterable[Scalar], *, counts_processes: bool) -> None:
        self.values: dict[Scalar, list[int]] = {}
        self._counts_processes = counts_processes
        for place, value in enumerate(values):
            self.add(place, value)

    def add(self, place: int, value: Scalar) -> None:
        """Note that the name has a value in a place."""
        self.values.setdefault(value, []).append(place)

    def places(self, wanted: Iterable[Scalar]) -> set[int]:
        """Return the places that have one of some values; ``cpu_count`` may be any number, on some machine."""
        found: set[int] = set()
        for value in wanted:
            if self._counts_processes and value == CPU_COUNT:
                return found.union(*self.values.values())
            found.update(self.values.get(value, ()))
            if self._counts_processes:
                found.update(self.values.get(CPU_COUNT, ()))
        return found


class _Axis:
    """What varies on its own: names that move together, and which rows have which values."""

    def __init__(self, names: tuple[str, ...], rows: tuple[Row, ...], types: ParamTypes) -> None:
        self.columns = {
            name: _Column((row[i] for row in rows), counts_processes=_counts_processes(types, name))
            for i, name in enumerate(names)
        }

    def has_row(self, wanted: Where) -> bool:
        """Whether a row has, of each of its names that is wanted, one of the values."""
        here = [column.places(wanted[name]) for name, column in self.columns.items() if name in wanted]
        return not here or bool(set.intersection(*here))


class Sweeping:
    """The combinations of a file, as far as their values tell."""

    def __init__(self, fixed: Mapping[str, Scalar], sweep: tuple[Block, ...], types: ParamTypes) -> None:
        defaults = {name: type_.field.default for name, type_ in types.items()}
        self._blocks = [
            [_Axis(names, rows, types) for names, rows in axes(block)] for block in sweep or ({},)
        ]
        self._columns = {name: _Column((), counts_processes=_counts_processes(types, name)) for name in types}
        sweeping: dict[str, set[int]] = {name: set() for name in types}
        for place, block in enumerate(self._blocks):
            for name, column in chain.from_iterable(axis.columns.items() for axis in block):
                sweeping[name].add(place)
                for value in column.values:
                    self._columns[name].add(place, value)
        for name, value in {**defaults, **fixed}.items():
            for place in set(range(len(self._blocks))) - sweeping[name]:
                self._columns[name].add(place, value)

    def has(self, wanted: Where) -> bool:
        """Whether a combination has, of each param that is wanted, one of the values."""
        places = set.intersection(*(self._columns[name].places(values) for name, values in wanted.items()))
        return any(all(axis.has_row(wanted) for axis in self._blocks[place]) for place in sorted(places))

    def takes(self, name: str, value: Scalar) -> bool:
        """Whether a param has a value in some combination."""
        return bool(self._columns[name].places((value,)))

    def values_of(self, name: str) -> list[Scalar]:
        """Return the values that a param takes."""
        return list(self._columns[name].values)


def _counts_processes(types: ParamTypes, name: str) -> bool:
    return name in types and types[name].field.counts_processes


def refuse_unmatched(checking: Checking, path: Loc, wanted: Where, sweeping: Sweeping) -> None:
    """Report values at a path that no combination has, one by one or together; any of a name's values will do."""
    unknown = False
    for name, values in wanted.items():
        for index, value in enumerate(values):
            if not sweeping.takes(name, value):
                unknown = True
                have = list_of_names([as_yaml(each) for each in sweeping.values_of(name)[:_SHOWN]])
                checking.report(
                    (*path, name, index), f"no case has {as_yaml(value)} here", f"the cases have {have}"
                )
    if wanted and not unknown and not sweeping.has(wanted):
        checking.report(path, "no case has all these values", at_key=True)
