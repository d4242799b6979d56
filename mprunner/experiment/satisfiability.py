"""Whether any case can have the values that a ``where``, an exclusion or a baseline names."""

from collections.abc import Iterable, Mapping
from itertools import chain

from mprunner.experiment.checking import CPU_COUNT, Checking, ParamTypes
from mprunner.experiment.document import Document, MappingNode, ScalarNode, SequenceNode, parts
from mprunner.experiment.messages import as_flow, as_yaml, list_of_names
from mprunner.experiment.problems import Loc, path_text
from mprunner.model.experiment import Block, Row, axes, names_of
from mprunner.model.rules import Where
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


def refuse_all_unmatched(
    checking: Checking, wheres: Mapping[Loc, Where], fixed: Mapping[str, Scalar], sweep: tuple[Block, ...]
) -> None:
    """Report every value that no case has.

    Nothing is looked for where it is not known what the cases have, nor in what has other problems.

    Args:
        checking: of the file, after all else in it was checked.
        wheres: some params and their values, by their path.
        fixed: the values that the file gives to every case.
        sweep: the blocks of its sweep.
    """
    if checking.types is None or not wheres or not _are_known(checking):
        return
    sweeping = Sweeping(fixed, sweep, checking.types)
    given = _given(checking.document)
    for path, where in wheres.items():
        if path not in checking.faulty and not checking.document.find(path).node.refused:
            _refuse_unmatched(checking, path, where, sweeping, given)


def _are_known(checking: Checking) -> bool:
    """Whether what the cases have is known: nothing is wrong with what the file fixes and sweeps."""
    fixed, sweep = (checking.node((key,)) for key in ("params", "sweep"))
    if checking.faulty & {("scenario",), ("params",), ("sweep",)}:
        return False
    if any(node is not None and node.refused for node in (fixed, sweep)):
        return False
    blocks = sweep.items if isinstance(sweep, SequenceNode) else (sweep,)
    has_shape = fixed is None or (
        isinstance(fixed, MappingNode) and all(isinstance(value, ScalarNode) for _, value in parts(fixed))
    )
    return has_shape and (sweep is None or all(isinstance(block, MappingNode) for block in blocks))


def _refuse_unmatched(
    checking: Checking, path: Loc, where: Where, sweeping: Sweeping, given: Mapping[str, Loc]
) -> None:
    """Report values that no case has: those of which an option has changed the cases, at the option."""
    document = checking.document
    whole = ("sweep",) if document.is_set(("sweep",)) else None
    places = {name: given.get(name, whole) for name in where if not document.is_set((*path, name))}
    changed = {name: place for name, place in places.items() if place is not None}
    own = {name: values for name, values in where.items() if name not in changed}
    known = len(checking.problems)
    if own:
        refuse_unmatched(checking, path, own, sweeping)
    if not changed or len(checking.problems) > known:
        return
    looked = Checking(document, checking.scenario, checking.types)
    refuse_unmatched(looked, path, where, sweeping)
    if looked.problems:
        name, place = next(iter(changed.items()))
        checking.report(
            place, f"no case is left that {path_text(path)} means", _instead(checking, name, place)
        )


def _given(document: Document) -> dict[str, Loc]:
    """Return where an option gives values of a param to the cases, by the param's name."""
    swept = [(*path, key) for path in document.mapping_paths("sweep") for key in _keys(document, path)]
    fixed = [("params", key) for key in _keys(document, ("params",))]
    given: dict[str, Loc] = {}
    for path in (*swept, *fixed):
        if (place := document.set_within(path)) is not None:
            for name in names_of(str(path[-1])):
                given.setdefault(name, place)
    return given


def _keys(document: Document, path: Loc) -> list[str]:
    place = document.find(path)
    is_there = place.path == path and isinstance(place.node, MappingNode)
    return [str(key) for key, _ in parts(place.node)] if is_there else []


def _instead(checking: Checking, name: str, place: Loc) -> str | None:
    """Return the hint to take cases of the file, where an option says which values of a param it wants."""
    node = checking.node(place)
    text = (
        as_flow(node, ",") if isinstance(node, ScalarNode | SequenceNode) and place[-1] != "sweep" else None
    )
    if text is None:
        return "`--only` takes cases of the file as it is"
    return f"`--only {name}={text}` takes the cases that have it"
