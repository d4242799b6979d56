"""A document that was read: its nodes by their paths, and which of them an option gave."""

from collections.abc import Iterator
from dataclasses import dataclass

from mprunner.spec.nodes import MappingNode, Node, ScalarNode, SequenceNode, parts
from mprunner.spec.problems import Loc, Position, Problem, Source


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


def _step(place: Place, part: str | int) -> Place | None:
    match place.node, part:
        case MappingNode(entries=entries), str() if part in entries:
            entry = entries[part]
            return Place((*place.path, part), entry.node, entry.key, entry.refused)
        case SequenceNode(items=items), int() if 0 <= part < len(items):
            return Place((*place.path, part), items[part], None)
    return None
