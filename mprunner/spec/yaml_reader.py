"""The strict YAML reader: from bytes to a tree of values that know their place.

PyYAML only tokenises; what a value means is decided here, so that nothing is read in silence as something else.
Any input gives a document or an :class:`ExperimentFileError`, in bounded time.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn, cast

from yaml.error import Mark
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from mprunner.spec.document import Document
from mprunner.spec.nodes import Entry, MappingNode, Node, ScalarNode, SequenceNode
from mprunner.spec.problems import Loc, Position, Problem, quoted
from mprunner.spec.scalars import RefusedScalarError, plain_scalar
from mprunner.spec.tokens import Text, decode, events
from mprunner.values import Scalar

MAX_DEPTH = 32
MAX_VALUES = 100_000

_MERGE = "<<"
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_yaml(raw: bytes, file: str) -> Document | None:
    """Read a document; None where there is nothing but comments.

    What is refused but does not end the reading is in the document's problems.

    Args:
        raw: what the file holds.
        file: its name, for messages.

    Raises:
        ExperimentFileError: with the syntax error or the limit that ends the reading.
    """
    return read_text(decode(raw, file))


def read_text(text: Text) -> Document | None:
    """Read a document from a text that :func:`~mprunner.spec.tokens.decode` would let pass.

    Raises:
        ExperimentFileError: as :func:`read_yaml`.
    """
    return _Reading(text).document()


class _Reading:
    """One pass over the events of a text. What does not end the reading is collected in ``problems``."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._events: Iterator[Event] = events(text)
        self._values = 0
        self._anchors: dict[str, Node | None] = {}  # None while the node is being read
        self._problems: list[Problem] = []

    def document(self) -> Document | None:
        """Read the only document of the text."""
        self._next()  # the start of the stream
        if isinstance(self._next(), StreamEndEvent):
            return None
        root = self._node(self._next(), ())
        self._next()  # the end of the document
        after = self._next()
        if isinstance(after, DocumentStartEvent):
            self._fail(
                after, "a second document begins here", "an experiment is one document: one file for each"
            )
        if not self._problems and isinstance(root, ScalarNode) and root.value is None and not root.written:
            return None
        return Document(self._text.source, root, tuple(self._problems))

    def _next(self) -> Event:
        return next(self._events)

    def _position(self, event: Event, end: Event | None = None) -> Position:
        begins, ends = cast("Mark", event.start_mark), cast("Mark", (end or event).end_mark)
        return self._text.position(begins.index, ends.index)

    def _fail(self, event: Event, message: str, hint: str | None = None) -> NoReturn:
        raise self._text.fail(self._position(event), message, hint)

    def _report(self, event: Event, path: Loc, message: str, hint: str | None = None) -> None:
        problem = self._text.source.problem(self._position(event), message, where=path, hint=hint)
        self._problems.append(problem)

    def _count(self, event: Event, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self._fail(event, f"the file has more than {MAX_VALUES:,} values, with aliases expanded")

    def _node(self, event: Event, path: Loc) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event, path)
        self._count(event, 1)
        anchor = cast("NodeEvent", event).anchor
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._anchored(event, path)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _anchored(self, event: Event, path: Loc) -> Node:
        known = len(self._problems)
        self._refuse_tag(event, path)
        match event:
            case ScalarEvent():
                value = self._scalar(event, path)
                refused = len(self._problems) > known
                return ScalarNode(self._position(event), value, event.value, refused)
            case SequenceStartEvent():
                self._check_depth(event, len(path) + 1)
                return self._sequence(event, path)
            case MappingStartEvent():
                self._check_depth(event, len(path) + 1)
                return self._mapping(event, path)
        raise AssertionError(event)  # PyYAML's grammar has no other node

    def _check_depth(self, event: Event, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._fail(event, f"lists and mappings are nested more than {MAX_DEPTH} deep")

    def _refuse_tag(self, event: Event, path: Loc) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            self._report(event, path, f"the tag {quoted(shown)} is not supported", "write text in quotes")

    def _alias(self, event: AliasEvent, path: Loc) -> Node:
        name = cast("str", event.anchor)
        if name not in self._anchors:
            self._fail(event, f"nothing above has the anchor &{_shortened(name)}")
        node = self._anchors[name]
        if node is None:
            self._fail(event, f"*{_shortened(name)} stands for something that contains it")
        self._count(event, node.size)
        self._check_depth(event, len(path) + node.height)
        return replace(
            node, position=self._position(event)
        )  # what is in it is pointed at where it is written

    def _scalar(self, event: ScalarEvent, path: Loc) -> Scalar:
        if _SURROGATE.search(event.value):
            self._report(
                event, path, "\\ud800 to \\udfff are halves of characters", "write the character itself"
            )
            return None
        if event.style:  # None or "" of a plain scalar, by the tokeniser
            return event.value
        try:
            return plain_scalar(event.value)
        except RefusedScalarError as error:
            self._report(event, path, str(error), error.hint)
            return None

    def _sequence(self, start: SequenceStartEvent, path: Loc) -> SequenceNode:
        items: list[Node] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return SequenceNode.of(self._extent(start, event), tuple(items))

    def _mapping(self, start: MappingStartEvent, path: Loc) -> MappingNode:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] | None = None
        before = len(self._problems)
        while not isinstance(event := self._next(), MappingEndEvent):
            if isinstance(event, ScalarEvent) and event.value == _MERGE and not event.style:
                if merged is not None:
                    self._report(event, path, "<< is given twice", "write `<<: [*one, *other]`")
                merged = self._merge(self._next(), (*path, _MERGE))
                continue
            self._add_entry(own, event, path)
        entries = {**(merged or {}), **own}
        refused = len(self._problems) > before
        return MappingNode.of(self._extent(start, event), entries, refused=refused)

    def _add_entry(self, own: dict[str, Entry], event: Event, path: Loc) -> None:
        """Add a key and its value to those of a mapping; a key that it has already is reported."""
        before = len(self._problems)
        key = self._key(event, path)
        refused = len(self._problems) > before
        node = self._node(self._next(), (*path, key))
        if key not in own:
            own[key] = Entry(self._position(event), node, refused)
            return
        first = "" if self._text.source.is_option else f", first on line {own[key].key.line}"
        self._report(event, (*path, key), f"this key is given twice{first}")

    def _extent(self, start: SequenceStartEvent | MappingStartEvent, end: Event) -> Position:
        """A collection in brackets is pointed at as a whole, any other at its first character."""
        return self._position(start, end) if start.flow_style else replace(self._position(start), width=1)

    def _key(self, event: Event, path: Loc) -> str:
        if not isinstance(event, ScalarEvent):
            self._fail(event, "a key has to be plain text")
        if event.anchor is not None:
            self._report(event, path, "a key can't have an anchor")
        self._refuse_tag(event, path)
        known = len(self._problems)
        value = self._scalar(event, path)
        if len(self._problems) == known and not isinstance(value, str):
            kind = "missing" if event.value == "" else f"not text but {_kind(value)}"
            hint = f"write '{event.value}' in quotes" if event.value else "write `key: value`"
            self._report(event, path, f"the key is {kind}", hint)
        return event.value

    def _merge(self, event: Event, path: Loc) -> dict[str, Entry]:
        node = self._node(event, path)
        merged: dict[str, Entry] = {}
        for mapping in node.items if isinstance(node, SequenceNode) else (node,):
            if isinstance(mapping, MappingNode):
                for key, entry in mapping.entries.items():
                    merged.setdefault(key, entry)
            else:
                self._report(event, path, "<< takes a mapping or a list of mappings")
        return merged


def _kind(value: Scalar) -> str:
    if value is None:
        return "null"
    return "true or false" if isinstance(value, bool) else "a number"


def _shortened(name: str) -> str:
    return name if len(name) <= 30 else name[:29] + "…"
