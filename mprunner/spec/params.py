"""The params of an experiment, checked against its scenario's types: what its file fixes, sweeps and compares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mprunner.spec.messages import as_yaml, list_of_names
from mprunner.spec.model import Block
from mprunner.spec.nodes import Document, MappingNode, Node, ScalarNode, SequenceNode
from mprunner.spec.param_types import BadParamError, ParamType
from mprunner.spec.problems import Loc, Problem, did_you_mean
from mprunner.values import Scalar

ParamTypes = Mapping[str, ParamType]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamValues:
    """The values that a file gives to params, as the scenario's types.

    Attributes:
        fixed: what it gives to every case.
        sweep: the blocks of its sweep.
        baseline: what its cases are compared with, or None.
    """

    fixed: Mapping[str, Scalar]
    sweep: tuple[Block, ...]
    baseline: Mapping[str, Scalar] | None


def check_params(
    document: Document, scenario: str, types: ParamTypes | None
) -> tuple[ParamValues, list[Problem]]:
    """Check every value that a file gives to a param.

    What has another shape than it should is left out: check_structure() reports that.

    Args:
        document: the file.
        scenario: the scenario's name, for messages.
        types: its params; None where it is unknown, and only what needs no types is checked.

    Returns:
        the values, which are complete where there is no problem, and the problems.
    """
    checking = _Checking(document, scenario, types)
    fixed = checking.values(("params",))
    blocks = {path: checking.block(path) for path in _block_paths(document)}
    checking.refuse_fixed_and_swept(fixed, blocks)
    checking.require(fixed, blocks)
    sweep = tuple(blocks.values())
    baseline = checking.values(("baseline",)) or None
    if baseline and not checking.problems:
        checking.refuse_baseline_without_case(baseline, fixed, sweep)
    return ParamValues(fixed=fixed, sweep=sweep, baseline=baseline), checking.problems


def _block_paths(document: Document) -> Iterator[Loc]:
    place = document.find(("sweep",))
    if not place.path:
        return
    match place.node:
        case MappingNode():
            yield place.path
        case SequenceNode(items=items):
            yield from ((*place.path, i) for i, item in enumerate(items) if isinstance(item, MappingNode))


@dataclass(slots=True)
class _Checking:
    """One pass over the params of a document; ``problems`` collects what is wrong."""

    document: Document
    scenario: str
    types: ParamTypes | None
    problems: list[Problem] = field(default_factory=list)

    def values(self, path: Loc) -> dict[str, Scalar]:
        """Return the values of a mapping from params to one value each."""
        checked: dict[str, Scalar] = {}
        for name, node in self._entries(path):
            self._check_name((*path, name), name)
            if isinstance(node, ScalarNode):
                checked[name] = self._value((*path, name), name, node)
        return checked

    def block(self, path: Loc) -> dict[str, tuple[Scalar, ...]]:
        """Return the values of a block of the sweep; a scalar is one value."""
        checked: dict[str, tuple[Scalar, ...]] = {}
        for name, node in self._entries(path):
            self._check_name((*path, name), name)
            match node:
                case ScalarNode():
                    checked[name] = (self._value((*path, name), name, node),)
                case SequenceNode():
                    checked[name] = self._swept((*path, name), name, node)
        return checked

    def _entries(self, path: Loc) -> Iterator[tuple[str, Node]]:
        place = self.document.find(path)
        if place.path == path and isinstance(place.node, MappingNode):
            yield from ((name, entry.node) for name, entry in place.node.entries.items())

    def _check_name(self, path: Loc, name: str) -> None:
        if self.types is not None and name not in self.types:
            hint = did_you_mean(name, self.types) or (
                f"its params are {list_of_names(list(self.types))}" if self.types else "it has no params"
            )
            message = f"scenario '{self.scenario}' has no such param"
            self.problems.append(self.document.problem(path, message, hint, at_key=True))

    def _value(self, path: Loc, name: str, node: ScalarNode) -> Scalar:
        type_ = None if self.types is None else self.types.get(name)
        if type_ is None:
            return node.value
        try:
            return type_.checked(node)
        except BadParamError as error:
            self.problems.append(self.document.problem(path, error.fault.message, error.fault.hint))
            return node.value

    def _swept(self, path: Loc, name: str, node: SequenceNode) -> tuple[Scalar, ...]:
        values: list[Scalar] = []
        seen: set[tuple[bool, Scalar]] = set()  # true is not 1, but 1 is 1.0
        for index, item in enumerate(node.items):
            if not isinstance(item, ScalarNode):
                continue
            value = self._value((*path, index), name, item)
            if (isinstance(value, bool), value) in seen:
                message = f"{as_yaml(value)} is given twice"
                hint = "remove one; `repeats` says how often a case is measured"
                self.problems.append(self.document.problem((*path, index), message, hint))
            seen.add((isinstance(value, bool), value))
            values.append(value)
        return tuple(values)

    def refuse_fixed_and_swept(self, fixed: Mapping[str, Scalar], blocks: Mapping[Loc, Block]) -> None:
        """Report every param that is fixed, and swept as well."""
        for path, block in blocks.items():
            for name in block:
                if name in fixed:
                    hint = "remove it here or under params"
                    problem = self.document.problem(
                        (*path, name), "is fixed under params too", hint, at_key=True
                    )
                    self.problems.append(problem)

    def require(self, fixed: Mapping[str, Scalar], blocks: Mapping[Loc, Block]) -> None:
        """Report every param without a default that some case would lack."""
        given = set(fixed) | {name for name, _ in self._entries(("params",))}
        required = [name for name, type_ in (self.types or {}).items() if type_.field.required]
        for name in required:
            if name in given:
                continue
            lacking = [path for path in blocks if not self._names(path, name)]
            for path in lacking if 0 < len(lacking) < len(blocks) else ():
                self._missing(path, name)
            if not blocks or len(lacking) == len(blocks):
                self._missing(("params",) if self.document.find(("params",)).path else ("scenario",), name)

    def _names(self, path: Loc, name: str) -> bool:
        return any(entry == name for entry, _ in self._entries(path))

    def _missing(self, path: Loc, name: str) -> None:
        message = f"required param '{name}' is missing"
        hint = f"scenario '{self.scenario}' has no default for it: fix it under params, or sweep it"
        self.problems.append(self.document.problem(path, message, hint, at_key=path != ("scenario",)))

    def refuse_baseline_without_case(
        self, baseline: Mapping[str, Scalar], fixed: Mapping[str, Scalar], sweep: tuple[Block, ...]
    ) -> None:
        """Report a baseline that no case matches."""
        if self.types is None:
            return
        cases = [{name: self._possible(name, fixed, block) for name in baseline} for block in sweep or ({},)]
        for name, value in baseline.items():
            if not any(_may_be(value, values[name]) for values in cases):
                hint = f"the cases have {list_of_names(_distinct(cases, name))}"
                message = f"no case has {as_yaml(value)} here"
                self.problems.append(self.document.problem(("baseline", name), message, hint))
        matches = any(all(_may_be(baseline[name], values[name]) for name in baseline) for values in cases)
        if not matches and not self.problems:
            self.problems.append(
                self.document.problem(("baseline",), "no case has all these values", at_key=True)
            )

    def _possible(self, name: str, fixed: Mapping[str, Scalar], block: Block) -> tuple[Scalar, ...]:
        default = (self.types or {})[name].field.default
        return block.get(name, (fixed.get(name, default),))


def _may_be(value: Scalar, possible: tuple[Scalar, ...]) -> bool:
    """Return whether a value is among others; `cpu_count` may be any number, on some machine."""
    unknown = "cpu_count"
    return value in possible or (unknown in possible and isinstance(value, int)) or value == unknown


def _distinct(cases: list[dict[str, tuple[Scalar, ...]]], name: str) -> list[str]:
    return list(dict.fromkeys(as_yaml(value) for values in cases for value in values[name]))
