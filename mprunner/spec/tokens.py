"""From bytes to YAML events: all that PyYAML does here, with its errors rewritten and placed.

PyYAML has two tokenisers. Only the pure one is used, so that the same file gives the same values and the same
messages everywhere, whichever libyaml PyYAML was built with. It is used without PyYAML's composer, resolver and
constructor, which recurse and decide what values mean. Size and depth are bounded here and in the reader, before
PyYAML could say anything of them.
"""

import bisect
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import Event
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from mprunner.errors import ExperimentError
from mprunner.spec.problems import ExperimentFileError, Position, Source, printable

MAX_BYTES = 1 << 18

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_LINE_START = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class _Rewritten:
    """What is said instead of what PyYAML says.

    Attributes:
        said: a part of its message.
        message: the fact, in words for people.
        hint: what to do.
        at_start: whether to point at what PyYAML was reading, not at where it gave up.
    """

    said: str
    message: str
    hint: str | None = None
    at_start: bool = False


_UNREADABLE = "this escape or directive can't be read as YAML"
_LINE_UP = "line up the keys of a mapping, and the items of a list"
_REWRITTEN = (
    _Rewritten(
        "mapping values are not allowed",
        "a ':' is not expected here",
        f"write a value that contains ': ' in quotes; {_LINE_UP}",
    ),
    _Rewritten(
        "sequence entries are not allowed", "a list can't begin here", "begin it on the line below its key"
    ),
    _Rewritten("'\\t' that cannot start any token", "a tab can't be used here", "indent with spaces"),
    _Rewritten(
        "could not find expected ':'",
        "this is neither `key: value` nor part of a longer value",
        "write `key: value`, with a space after the colon",
        at_start=True,
    ),
    _Rewritten("expected <block end>", "this does not fit what is around it", _LINE_UP),
    _Rewritten("expected '<document start>'", "this does not fit what is above it", _LINE_UP),
    _Rewritten("not find expected key", "this does not fit what is around it", _LINE_UP),
    _Rewritten("not find expected '-' indicator", "this does not fit what is around it", _LINE_UP),
    _Rewritten("not find expected <document start>", "this does not fit what is above it", _LINE_UP),
    _Rewritten("expected ',' or ']'", "a ',' or the closing ']' of the list is missing before this"),
    _Rewritten("expected ',' or '}'", "a ',' or the closing '}' of the mapping is missing before this"),
    _Rewritten("expected the node content", "a value is missing before this"),
    _Rewritten("not find expected node content", "a value is missing before this"),
    _Rewritten("found unexpected ':'", "a ':' is not expected here", "write text that holds a ':' in quotes"),
    _Rewritten("found a tab character", "a tab can't be used here", "indent with spaces"),
    _Rewritten("invalid Unicode character escape code", _UNREADABLE),
    _Rewritten("found unexpected end of stream", "the quote that opens here is never closed", at_start=True),
    _Rewritten("while scanning an anchor", "this is no anchor", "write text that begins with & in quotes"),
    _Rewritten("while scanning an alias", "this is no alias", "write text that begins with * in quotes"),
    _Rewritten("that cannot start any token", "text can't begin with this character", "write it in quotes"),
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
    rewritten = next((known for known in _REWRITTEN if known.said in said), _Rewritten("", problem))
    at = text.position(error.problem_mark.index if error.problem_mark else here)
    opened = text.position(error.context_mark.index) if error.context_mark else at
    hint = rewritten.hint
    if rewritten.at_start:
        at = opened
    elif hint is None and opened.line != at.line:
        hint = f"it begins on line {opened.line}, column {opened.column}"
    return text.fail(at, rewritten.message, hint)
