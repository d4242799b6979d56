"""Checking one value after another: what the parts of a file that hold params' values have in common."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mprunner.declarations import Declaration
from mprunner.spec.document import Document
from mprunner.spec.messages import list_of_names
from mprunner.spec.nodes import MappingNode, Node, ScalarNode
from mprunner.spec.param_types import CPU_COUNT, BadParamError, ParamType
from mprunner.spec.problems import MAX_PROBLEMS, Loc, Problem, did_you_mean, quoted
from mprunner.values import Scalar

ParamTypes = Mapping[str, ParamType]


class Vocabulary(Protocol):
    """What an experiment can speak of: a scenario's params, metrics and outcomes."""

    @property
    def params_type(self) -> type:
        """The dataclass of its params."""

    @property
    def declaration(self) -> Declaration:
        """What it declares."""


class EnoughProblemsError(Exception):
    """A file has :data:`mprunner.spec.problems.MAX_PROBLEMS` problems: no more are looked for."""


@dataclass(slots=True)
class Checking:
    """One pass over the params of a document.

    Attributes:
        document: the file.
        scenario: the scenario's name, for messages.
        types: its params; None where it is unknown, and only what needs no types is checked.
        ranged: how many values the ranges had that were checked.
        problems: what is wrong, as far as it was found.
        faulty: the paths of all that something is wrong with, or with something in it.
        reports: how many there were, with those of what the reader has reported already.
    """

    document: Document
    scenario: str
    types: ParamTypes | None
    ranged: int = 0
    problems: list[Problem] = field(default_factory=list)
    faulty: set[Loc] = field(default_factory=set)
    reports: int = 0

    def report(self, path: Loc, message: str, hint: str | None = None, *, at_key: bool = False) -> None:
        """Add a problem of the value at a path, or of its key, unless the reader has reported that already.

        Raises:
            EnoughProblemsError: there are so many now that no one reads more.
        """
        self.faulty.update(path[:end] for end in range(1, len(path) + 1))
        if not self.document.is_refused(path, at_key=at_key):
            self.problems.append(self.document.problem(path, message, hint, at_key=at_key))
        self.reports += 1
        if self.reports >= MAX_PROBLEMS:
            raise EnoughProblemsError

    def values(self, path: Loc) -> dict[str, Scalar]:
        """Return the values of a mapping from params to one value each."""
        checked: dict[str, Scalar] = {}
        for name, node in self.entries(path):
            self.check_name((*path, name), name)
            if isinstance(node, ScalarNode):
                checked[name] = self.value((*path, name), name, node)
        return checked

    def node(self, path: Loc) -> Node | None:
        """Return the value at a path, if there is one."""
        place = self.document.find(path)
        return place.node if place.path == path else None

    def entries(self, path: Loc) -> Iterator[tuple[str, Node]]:
        """Yield the keys and values of the mapping at a path; none where it is no mapping."""
        place = self.document.find(path)
        if place.path == path and isinstance(place.node, MappingNode):
            yield from ((name, entry.node) for name, entry in place.node.entries.items())

    def check_name(self, path: Loc, name: str, *, alone: bool = True) -> None:
        """Report a name that is no param; where it is not ``alone`` in its key, the message names it."""
        if self.types is None or name in self.types or self.document.is_refused(path, at_key=True):
            return
        hint = did_you_mean(name, self.types) or (
            f"its params are {list_of_names(list(self.types))}" if self.types else "it has no params"
        )
        lacking = "such param" if alone else f"param {quoted(name)}"
        self.report(path, f"scenario '{self.scenario}' has no {lacking}", hint, at_key=True)

    def value(self, path: Loc, name: str, node: ScalarNode) -> Scalar:
        """Return a value as its param's type; where it is none of that type, report it and return it as it is."""
        type_ = None if self.types is None else self.types.get(name)
        if type_ is None or node.refused:
            return node.value
        try:
            return type_.checked(node)
        except BadParamError as error:
            self.report(path, error.fault.message, self._cpu_count_hint(node) or error.fault.hint)
            return node.value

    def _cpu_count_hint(self, node: ScalarNode) -> str | None:
        """Return which params take cpu_count, where that is the value that a param does not take."""
        if node.value != CPU_COUNT:
            return None
        names = [name for name, type_ in (self.types or {}).items() if type_.field.counts_processes]
        return f"{CPU_COUNT} is a value of {list_of_names(names)}" if names else None
