"""Whether any case can have the values that a ``where``, an exclusion or a baseline names."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from mprunner.experiment.checking import CPU_COUNT, ParamTypes
from mprunner.experiment.document import Document, parts
from mprunner.experiment.messages import as_yaml, list_of_names
from mprunner.experiment.problems import Loc, Problem
from mprunner.model.experiment import Block, Experiment, axes, names_of
from mprunner.model.rules import Where
from mprunner.values import Scalar


class _Cases:
    """The combinations of a file, as far as their values tell. ``cpu_count`` may be any number, on some machine."""

    def __init__(self, fixed: Mapping[str, Scalar], sweep: tuple[Block, ...], types: ParamTypes) -> None:
        given = {name: type_.field.default for name, type_ in types.items()} | dict(fixed)
        same = {name: (value,) for name, value in given.items()}
        self._counting = {name for name, type_ in types.items() if type_.field.counts_processes}
        self._blocks = []
        self.values: dict[str, dict[Scalar, None]] = {name: {} for name in types}
        for block in sweep or ({},):
            swept = {name for key in block for name in names_of(key)}
            whole = {name: value for name, value in same.items() if name not in swept} | dict(block)
            self._blocks.append(list(axes(whole)))
            for names, rows in self._blocks[-1]:
                for row in rows:
                    for name, value in zip(names, row, strict=True):
                        self.values[name][value] = None

    def take(self, name: str, value: Scalar) -> bool:
        """Whether a param has a value in some case."""
        return self._fits(name, self.values[name], (value,))

    def have(self, wanted: Where) -> bool:
        """Whether a case has, of each param that is wanted, one of the values."""
        return any(
            all(
                any(
                    all(
                        self._fits(n, (v,), wanted[n]) for n, v in zip(names, row, strict=True) if n in wanted
                    )
                    for row in rows
                )
                for names, rows in block
            )
            for block in self._blocks
        )

    def _fits(self, name: str, values: Iterable[Scalar], wanted: Iterable[Scalar]) -> bool:
        if name in self._counting and (CPU_COUNT in values or CPU_COUNT in wanted):
            return True
        return any(value in values for value in wanted)


def unmatched(document: Document, experiment: Experiment, types: ParamTypes) -> list[Problem]:
    """Return a problem for every value that no case has, of the baseline, an exclusion or a ``where``.

    Args:
        document: the file, with nothing else wrong in it.
        experiment: what it says.
        types: the scenario's params.
    """
    named = experiment.named_cases()
    for index, values in enumerate(experiment.exclude):
        named["exclude", index] = {name: (value,) for name, value in values.items()}
    cases = _Cases(experiment.params, experiment.sweep, types)
    given = _given_by_options(document, types)
    return [each for path, where in named.items() for each in _unmatched(document, path, where, cases, given)]


def _unmatched(
    document: Document, path: Loc, where: Where, cases: _Cases, given: Collection[str]
) -> Iterator[Problem]:
    """Yield the problems of one; none of what has no case only since an option gave other values to the cases."""
    changed = {name for name in where if name in given and not document.is_set((*path, name))}
    unknown = [
        (name, i, value)
        for name, values in where.items()
        for i, value in enumerate(values)
        if name not in changed and not cases.take(name, value)
    ]
    for name, index, value in unknown:
        have = f"the cases have {list_of_names([as_yaml(each) for each in islice(cases.values[name], 20)])}"
        have += f": add {as_yaml(value)} to the sweep" if path == ("baseline",) else ""
        yield document.problem((*path, name, index), f"no case has {as_yaml(value)} here", have)
    if not unknown and not cases.have({n: values for n, values in where.items() if n not in changed}):
        hint = "add a combination that has them to the sweep" if path == ("baseline",) else None
        yield document.problem(path, "no case has all these values", hint, at_key=True)


def _given_by_options(document: Document, names: Collection[str]) -> Collection[str]:
    """Return the params of which an option gives values to the cases: all names, where it gives the whole sweep."""
    if document.is_set(("sweep",)):
        return names
    return {
        name
        for path in [*document.mapping_paths("sweep"), *document.mapping_paths("params")]
        for key, _ in parts(document.find(path).node)
        if document.set_within((*path, key)) is not None
        for name in names_of(str(key))
    }
