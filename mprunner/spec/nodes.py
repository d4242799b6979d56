"""A YAML document as values that know their place: the tree that the reader yields."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mprunner.spec.problems import LocPart, Position
from mprunner.values import Scalar


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value.

    Attributes:
        position: where it is.
        value: what it means.
        written: how it is written, quotes aside.
        refused: whether the reader has reported it, so that what it means is not known.
    """

    position: Position
    value: Scalar
    written: str
    refused: bool = False

    @property
    def size(self) -> int:
        """How many values it holds: itself."""
        return 1

    @property
    def height(self) -> int:
        """How many collections are nested in it."""
        return 0


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list.

    Attributes:
        position: where it begins.
        items: its items.
        size: how many values it holds, aliases expanded, itself included.
        height: how many collections are nested in it at most, itself included.
        refused: whether the reader has reported something in it.
    """

    position: Position
    items: tuple["Node", ...]
    size: int
    height: int
    refused: bool = False

    @classmethod
    def of(cls, position: Position, items: tuple["Node", ...]) -> "SequenceNode":
        """Make a list and measure it."""
        return cls(position, items, _size(items), _height(items), _refused(items))


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, with its value.

    Attributes:
        key: where the key is.
        node: the value.
        refused: whether the reader has reported the key.
    """

    key: Position
    node: "Node"
    refused: bool = False


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping from text to values, in the order of the file; merged keys (``<<``) come first.

    Attributes:
        position: where it begins.
        entries: its keys and values.
        size: how many values it holds, aliases expanded, itself included.
        height: how many collections are nested in it at most, itself included.
        refused: whether the reader has reported something in it, which may be left out.
    """

    position: Position
    entries: Mapping[str, Entry]
    size: int
    height: int
    refused: bool = False

    @classmethod
    def of(cls, position: Position, entries: Mapping[str, Entry], *, refused: bool = False) -> "MappingNode":
        """Make a mapping and measure it; it is ``refused`` if one of its values is, too."""
        nodes = tuple(entry.node for entry in entries.values())
        return cls(position, entries, _size(nodes), _height(nodes), refused or _refused(nodes))


Node = ScalarNode | SequenceNode | MappingNode


def _size(nodes: tuple[Node, ...]) -> int:
    return 1 + sum(node.size for node in nodes)


def _height(nodes: tuple[Node, ...]) -> int:
    return 1 + max((node.height for node in nodes), default=0)


def _refused(nodes: tuple[Node, ...]) -> bool:
    return any(node.refused for node in nodes)


def parts(node: Node) -> Iterator[tuple[LocPart, Node]]:
    """Yield what is directly in a node, each after its key or index."""
    match node:
        case SequenceNode(items=items):
            yield from enumerate(items)
        case MappingNode(entries=entries):
            yield from ((key, entry.node) for key, entry in entries.items())


def plain(node: Node) -> Any:
    """Return the value of a node as dicts, lists and scalars."""
    match node:
        case ScalarNode():
            return node.value
        case SequenceNode():
            return [plain(item) for item in node.items]
        case MappingNode():
            return {key: plain(entry.node) for key, entry in node.entries.items()}
