"""The strict YAML parser: from bytes to a tree of values that know their place.

PyYAML has two tokenisers. Only the pure one is used, so that the same file gives the same values and the same
messages everywhere, whichever libyaml PyYAML was built with. It is used without PyYAML's composer, resolver and
constructor, which recurse and decide what values mean. Size and depth are bounded here, before PyYAML could say
anything of them.
"""

import bisect
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NoReturn, cast

from yaml.error import Mark, MarkedYAMLError, YAMLError
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
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from mprunner.errors import ExperimentError
from mprunner.experiment.document import (
    Document,
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    height,
    size,
)
from mprunner.experiment.problems import (
    ExperimentFileError,
    Loc,
    Position,
    Problem,
    Source,
    quoted,
)
from mprunner.experiment.scalars import RefusedScalarError, plain_scalar
from mprunner.model.text import printable
from mprunner.values import Scalar

MAX_BYTES = 1 << 18

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_LINE_START = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """What is said instead of what PyYAML says.

    Attributes:
        said: parts of its messages.
        message: the fact, in words for people.
        hint: what to do.
        at_start: whether to point at what PyYAML was reading, not at where it gave up.
    """

    said: tuple[str, ...]
    message: str
    hint: str | None = None
    at_start: bool = False


_UNREADABLE = "this escape or directive can't be read as YAML"
_LINE_UP = "line up the keys of a mapping, and the items of a list"
_REWRITTEN = (
    _Rewritten(
        ("mapping values are not allowed",),
        "a ':' is not expected here",
        f"write a value that contains ': ' in quotes; {_LINE_UP}",
    ),
    _Rewritten(
        ("sequence entries are not allowed",), "a list can't begin here", "begin it on the line below its key"
    ),
    _Rewritten(
        ("'\\t' that cannot start any token", "found a tab character"),
        "a tab can't be used here",
        "indent with spaces",
    ),
    _Rewritten(
        ("could not find expected ':'",),
        "this is neither `key: value` nor part of a longer value",
        "write `key: value`, with a space after the colon",
        at_start=True,
    ),
    _Rewritten(("expected <block end>",), "this does not fit what is around it", _LINE_UP),
    _Rewritten(("expected '<document start>'",), "this does not fit what is above it", _LINE_UP),
    _Rewritten(("expected ',' or ']'",), "a ',' or the closing ']' of the list is missing before this"),
    _Rewritten(("expected ',' or '}'",), "a ',' or the closing '}' of the mapping is missing before this"),
    _Rewritten(("expected the node content",), "a value is missing before this"),
    _Rewritten(
        ("found unexpected ':'",), "a ':' is not expected here", "write text that holds a ':' in quotes"
    ),
    _Rewritten(("invalid Unicode character escape code",), _UNREADABLE),
    _Rewritten(
        ("found unexpected end of stream",), "the quote that opens here is never closed", at_start=True
    ),
    _Rewritten(("while scanning an anchor",), "this is no anchor", "write text that begins with & in quotes"),
    _Rewritten(("while scanning an alias",), "this is no alias", "write text that begins with * in quotes"),
    _Rewritten(
        ("that cannot start any token",), "text can't begin with this character", "write it in quotes"
    ),
)


class _Tokeniser(Reader, Scanner, Parser):
    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


class Text:
    """The text of a file or of an option's value, which knows where each of its characters is.

    Args:
        source: what it is the text of.
        text: the text.
        before: how many characters of the source's first line are before it.
    """

    def __init__(self, source: Source, text: str, before: int = 0) -> None:
        self.text = text
        self.source = source
        self._option = source if source.is_option else None
        self._starts = [-before, *(match.end() for match in _LINE_START.finditer(text))]

    def position(self, start: int, end: int | None = None) -> Position:
        """Return the position of the characters from ``start`` to ``end``, as far as they are on one line."""
        line = bisect.bisect_right(self._starts, start) - 1
        column = start - self._starts[line]
        left_on_line = len(self.source.lines[line]) - column
        width = min(1 if end is None else end - start, left_on_line)
        return Position(line + 1, column + 1, max(1, width), self._option)

    def fail(self, position: Position, message: str, hint: str | None = None) -> ExperimentFileError:
        """Return the error that has this one problem."""
        return ExperimentFileError([self.source.problem(position, message, hint=hint)])


def decode(raw: bytes, file: str) -> Text:
    """Read bytes as text.

    Raises:
        ExperimentError: they are too many.
        ExperimentFileError: they are not UTF-8, or hold characters that have no place in YAML.
    """
    if len(raw) > MAX_BYTES:
        raise ExperimentError(f"{printable(file)} is larger than 256 KiB", "an experiment is a short text")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        decoded = raw.decode()
    except UnicodeDecodeError as error:
        replaced = raw.decode(errors="replace")
        text = Text(Source.of(file, replaced), replaced)
        position = text.position(len(raw[: error.start].decode()))
        raise text.fail(
            position, f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None
    text = Text(Source.of(file, decoded), decoded)
    refuse_characters(text)
    return text


def refuse_characters(text: Text) -> None:
    """Refuse what YAML does not allow in a text.

    Raises:
        ExperimentFileError: there is such a character.
    """
    if found := _FORBIDDEN.search(text.text):
        raise text.fail(
            text.position(found.start()),
            f"the character U+{ord(found[0]):04X} has no place in YAML",
            "remove it, or write it as an escape in double quotes",
        )


def events(text: Text) -> Iterator[Event]:
    """Yield the events of a text one by one, so that whoever reads them can stop at any depth.

    Raises:
        ExperimentFileError: the text is not YAML.
    """
    tokeniser = _Tokeniser(text.text)
    here = 0
    try:
        while tokeniser.check_event():
            event = cast("Event", tokeniser.get_event())  # type: ignore[no-untyped-call]  # its stubs say nothing
            here = cast("Mark", event.end_mark).index
            yield event
    except MarkedYAMLError as error:
        raise _syntax_error(text, error, here) from None
    except (YAMLError, ValueError, OverflowError):  # "\UFFFFFFFF", %YAML 1.999…: PyYAML converts unchecked
        raise text.fail(text.position(tokeniser.get_mark().index), _UNREADABLE) from None
    finally:
        tokeniser.dispose()


def _syntax_error(text: Text, error: MarkedYAMLError, here: int) -> ExperimentFileError:
    problem = error.problem or "this is not YAML"
    said = f"{error.context or ''}: {problem}"
    known = (each for each in _REWRITTEN if any(part in said for part in each.said))
    rewritten = next(known, _Rewritten((), problem))
    at = text.position(error.problem_mark.index if error.problem_mark else here)
    opened = text.position(error.context_mark.index) if error.context_mark else at
    hint = rewritten.hint
    if rewritten.at_start:
        at = opened
    elif hint is None and opened.line != at.line:
        hint = f"it begins on line {opened.line}, column {opened.column}"
    return text.fail(at, rewritten.message, hint)


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
    """Read a document from a text that :func:`~mprunner.experiment.parser.decode` would let pass.

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
        self._count(event, size(node))
        self._check_depth(event, len(path) + height(node))
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
        return SequenceNode(self._extent(start, event), tuple(items))

    def _mapping(self, start: MappingStartEvent, path: Loc) -> MappingNode:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] | None = None
        while not isinstance(event := self._next(), MappingEndEvent):
            if isinstance(event, ScalarEvent) and event.value == _MERGE and not event.style:
                if merged is not None:
                    self._report(event, path, "<< is given twice", "write `<<: [*one, *other]`")
                merged = self._merge(self._next(), (*path, _MERGE))
                continue
            self._add_entry(own, event, path)
        return MappingNode(self._extent(start, event), {**(merged or {}), **own})

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
