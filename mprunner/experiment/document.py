"""A YAML document as values that know their place: its nodes by their paths, and which of them an option gave."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mprunner.experiment.problems import Loc, LocPart, Position, Problem, Source, path_text
from mprunner.model.text import printable
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
    def is_plain(self) -> bool:
        """Whether it is written without quotes, which would take their place."""
        return self.position.width == len(self.written)


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list.

    Attributes:
        position: where it begins.
        items: its items.
    """

    position: Position
    items: tuple["Node", ...]


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
    """

    position: Position
    entries: Mapping[str, Entry]


Node = ScalarNode | SequenceNode | MappingNode


def size(node: Node) -> int:
    """Return how many values a node holds, aliases expanded, itself included."""
    return 1 + sum(size(each) for _, each in parts(node))


def height(node: Node) -> int:
    """Return how many collections are nested in a node at most, itself included."""
    return (
        0 if isinstance(node, ScalarNode) else 1 + max((height(each) for _, each in parts(node)), default=0)
    )


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


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a document, and how it is reached.

    Attributes:
        path: the keys and indexes that lead to it.
        node: the node.
        key: where its key is; None for an item of a list and for the whole document.
        refused_key: whether the reader has reported that key.
    """

    path: Loc
    node: Node
    key: Position | None
    refused_key: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read.

    Attributes:
        source: the file.
        root: its value.
        problems: what the reader has reported, and read on.
    """

    source: Source
    root: Node
    problems: tuple[Problem, ...] = ()

    def find(self, path: Loc) -> Place:
        """Return the node that a path leads to; parts that are not in the document are skipped."""
        place = Place((), self.root, None)
        for part in path:
            place = _step(place, part) or place
        return place

    def mapping_paths(self, key: str) -> Iterator[Loc]:
        """Yield where the mappings of a key are: its value, or the items of its list."""
        place = self.find((key,))
        if not place.path:
            return
        match place.node:
            case MappingNode():
                yield place.path
            case SequenceNode(items=items):
                yield from ((*place.path, i) for i, item in enumerate(items) if isinstance(item, MappingNode))

    def is_set(self, path: Loc) -> bool:
        """Return whether the key at a path is in the document, and comes from an option."""
        place = self.find(path)
        return place.path == path and place.key is not None and place.key.option is not None

    def set_within(self, path: Loc) -> Loc | None:
        """Return the path of what an option gives: the value at a path, or the first that is directly in it."""
        place = self.find(path)
        if place.path != path:
            return None
        if place.node.position.option is not None:
            return path
        given = ((*path, part) for part, node in parts(place.node) if node.position.option is not None)
        return next(given, None)

    def newer(self, path: Loc, first: int, second: int) -> Loc:
        """Return the path of one of two items that can't both be there: what an option gives, else the second."""
        places = [self.set_within((*path, index)) for index in (second, first)]
        return next((place for place in places if place is not None), (*path, second))

    def is_refused(self, path: Loc, *, at_key: bool = False) -> bool:
        """Return whether the reader has reported the value at a path, or its key: there is no more to say of it."""
        place = self.find(path)
        if at_key and place.key is not None:
            return place.refused_key
        return isinstance(place.node, ScalarNode) and place.node.refused

    def problem(self, path: Loc, message: str, hint: str | None = None, *, at_key: bool = False) -> Problem:
        """Make a problem of the value at a path, or of its key."""
        place = self.find(path)
        position = place.key if at_key and place.key is not None else place.node.position
        return self.source.problem(position, message, where=place.path, hint=hint)

    def placed(self, message: str, *paths: Loc) -> str:
        """Return a message after the place of what it is about.

        Args:
            message: what is wrong.
            paths: of which the first that the document has is to blame.
        """
        file = printable(self.source.file)
        path = next((path for path in paths if self.find(path).path == path), None)
        if path is None:
            return f"{file}: {message}"
        at = self.problem(path, message, at_key=True)
        place = f"{file}: {printable(at.file)}" if at.is_option else f"{file}:{at.line}:{at.column}"
        return f"{place}: {path_text(path)}: {message}"


def _step(place: Place, part: str | int) -> Place | None:
    match place.node, part:
        case MappingNode(entries=entries), str() if part in entries:
            entry = entries[part]
            return Place((*place.path, part), entry.node, entry.key, entry.refused)
        case SequenceNode(items=items), int() if 0 <= part < len(items):
            return Place((*place.path, part), items[part], None)
    return None
