"""Which params mean something to a case: a serial loop has no number of processes, whatever its params say.

A case has no value of a param that means nothing to it: not in its label, where cases are named by their values, nor
where they are compared. Two cases that differ in nothing else are one.
"""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from graphlib import CycleError, TopologicalSorter
from typing import Final, Generic, TypeVar

from mprunner.errors import PluginError
from mprunner.model.declaration import BadValueError, Field, checked_value
from mprunner.model.records import label_of
from mprunner.values import Scalar

K = TypeVar("K", bound=Hashable)


class Relevance:
    """Tells which params mean something to a case, by what the scenario declares of each.

    A param means something where one of its ``when`` holds, if it has any, and none of its ``unless``. A condition
    holds where every param in it has one of the values given, and means something itself.

    Args:
        fields: the scenario's params.
        order: the names that come first in :meth:`of`; then the others, in the order of the fields.

    Raises:
        ValueError: the conditions of params go round in a circle.
    """

    def __init__(self, fields: Sequence[Field], order: Iterable[str] = ()) -> None:
        self._first = tuple(order)
        self.conditional = _in_order(fields)
        """The params that mean nothing to some cases, each after those that its conditions name."""
        self.deciding = tuple(
            dict.fromkeys(name for each in self.conditional for of in _conditions(each) for name in of)
        )
        """The params by which that is decided."""
        self._defaults = {
            each.name: each.default
            for each in self.conditional
            if not (each.required or (each.counts_processes and each.default == "cpu_count"))
        }
        self._known: dict[object, frozenset[str]] = {}

    def without(self, params: Mapping[str, Scalar]) -> frozenset[str]:
        """Return the names of the params that mean nothing to a case."""
        values = tuple(map(params.get, self.deciding))
        key = values, tuple(map(type, values))  # true is not 1
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._without(params)
        return found

    def _without(self, params: Mapping[str, Scalar]) -> frozenset[str]:
        without: set[str] = set()

        def holds(condition: Mapping[str, Sequence[Scalar]]) -> bool:
            return all(
                name in params and name not in without and _is_one_of(params[name], values)
                for name, values in condition.items()
            )

        for each in self.conditional:
            if any(map(holds, each.unless)) or (each.when and not any(map(holds, each.when))):
                without.add(each.name)
        return frozenset(without)

    def of(self, params: Mapping[str, Scalar], without: Set[str] | None = None) -> dict[str, Scalar]:
        """Return the params that mean something to a case; ``without`` are those that don't, if they are known."""
        without = self.without(params) if without is None else without
        if not without and not self._first:
            return dict(params)
        ordered = {name: params[name] for name in self._first if name in params} | dict(params)
        return {name: value for name, value in ordered.items() if name not in without}

    def settled(self, params: Mapping[str, Scalar], without: Set[str] | None = None) -> dict[str, Scalar]:
        """Return every param of a case as its scenario receives it: one that means nothing has its default.

        So nothing that a scenario does can depend on it. A param without a default keeps its value, and so does one
        whose default is the number of CPUs. ``without`` are the params that mean nothing, if they are known.
        """
        without = self.without(params) if without is None else without
        if not without:
            return dict(params)
        return {**params, **{name: self._defaults[name] for name in without if name in self._defaults}}

    def stripped(self, where: Mapping[str, tuple[Scalar, ...]]) -> dict[str, tuple[Scalar, ...]]:
        """Return values by which cases are named without those that mean nothing to any of them by the others.

        Of ``{method: serial, processes: 2}``, where a serial loop has no processes, ``{method: serial}`` is left.
        """

        def holds(condition: Mapping[str, Sequence[Scalar]]) -> bool:
            return all(
                name in where and all(_is_one_of(value, values) for value in where[name])
                for name, values in condition.items()
            )

        def may_hold(condition: Mapping[str, Sequence[Scalar]]) -> bool:
            return all(
                name not in where or any(_is_one_of(value, values) for value in where[name])
                for name, values in condition.items()
            )

        means_nothing = {
            each.name
            for each in self.conditional
            if any(map(holds, each.unless)) or (each.when and not any(map(may_hold, each.when)))
        }
        return {name: values for name, values in where.items() if name not in means_nothing}

    def stripped_values(self, values: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Return :meth:`stripped` of one value for each param."""
        kept = self.stripped({name: (value,) for name, value in values.items()})
        return {name: values[name] for name in kept}


class Agreeing(Generic[K]):
    """Finds those of some cases that agree with another on all params that mean something to both.

    Args:
        cases: the params that mean something to each, by any key.
        names: the params that matter.
    """

    def __init__(self, cases: Mapping[K, Mapping[str, Scalar]], names: Collection[str]) -> None:
        self._cases = cases
        self._alike: dict[tuple[str, ...], list[K]] = {}
        for key, params in cases.items():
            self._alike.setdefault(self._shared(names, params), []).append(key)
        self._found: dict[tuple[tuple[str, ...], tuple[str, ...]], dict[object, list[K]]] = {}

    def with_(self, params: Mapping[str, Scalar]) -> list[K]:
        """Return the keys of those that agree with a case."""
        agreeing: list[K] = []
        for group in self._alike:
            common = self._shared(group, params)
            if (group, common) not in self._found:
                found: dict[object, list[K]] = {}
                for key in self._alike[group]:
                    found.setdefault(_values(common, self._cases[key]), []).append(key)
                self._found[group, common] = found
            agreeing += self._found[group, common].get(_values(common, params), ())
        return agreeing

    def _shared(self, names: Iterable[str], params: Mapping[str, Scalar]) -> tuple[str, ...]:
        return tuple(name for name in names if name in params)


def _values(names: Iterable[str], params: Mapping[str, Scalar]) -> tuple[tuple[type, Scalar], ...]:
    return tuple((type(params[name]), params[name]) for name in names)


def _is_one_of(value: Scalar, values: Sequence[Scalar]) -> bool:
    return any(value == each and isinstance(value, bool) is isinstance(each, bool) for each in values)


def _conditions(field: Field) -> tuple[Mapping[str, Sequence[Scalar]], ...]:
    return (*field.when, *field.unless)


def _in_order(fields: Sequence[Field]) -> tuple[Field, ...]:
    named = {field.name: {name for of in _conditions(field) for name in of} for field in fields}
    by_name = {field.name: field for field in fields if _conditions(field)}
    try:
        order = list(TopologicalSorter(named).static_order())
    except CycleError as error:
        circle = " → ".join(reversed(error.args[1]))
        raise ValueError(f"whether a param means something goes round in a circle: {circle}") from error
    return tuple(by_name[name] for name in order if name in by_name)


def check_conditions(fields: Sequence[Field], where: str) -> None:
    """Refuse conditions of params that are none.

    Args:
        fields: the params.
        where: the scenario and its dataclass, for messages.

    Raises:
        PluginError: the message names the param.
    """
    by_name = {field.name: field for field in fields}
    for field in fields:
        for kind, conditions in (("When", field.when), ("Unless", field.unless)):
            for name, values in ((name, of[name]) for of in conditions for name in of):
                what = f"{where}.{field.name} has {kind}({name}=…)"
                if name not in by_name:
                    known = ", ".join(known for known in by_name if known != field.name)
                    hint = f"its other params: {known}" if known else None
                    raise PluginError(f"{what}, and there is no such param", hint)
                for value in values:
                    try:
                        checked_value(by_name[name], value)
                    except BadValueError as error:
                        raise PluginError(f"{what} with a value that it can't have: {error}") from None
    try:
        Relevance(fields)
    except ValueError as error:
        raise PluginError(f"{where}: {error}", "let one of them mean something in every case") from error


def conditions_in_words(field: Field) -> tuple[str, ...]:
    """Say to which cases a param means something: ``only with kind process``, ``not with method serial``."""
    only = ", or with ".join(map(_condition_in_words, field.when))
    never = ", nor with ".join(map(_condition_in_words, field.unless))
    return (*([f"only with {only}"] if only else []), *([f"not with {never}"] if never else []))


def _condition_in_words(condition: Mapping[str, Sequence[Scalar]]) -> str:
    return " and ".join(
        f"{name} {' or '.join(label_of({'': value}, ['']).strip() for value in values)}"
        for name, values in condition.items()
    )


EVERYTHING: Final = Relevance(())
"""Every param means something to every case."""
