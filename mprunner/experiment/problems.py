"""What is wrong in an experiment file or an option, where, and how a person sees it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from mprunner.errors import ExperimentError
from mprunner.model.text import nearest, printable

_LINE_WIDTH = 100
_BEFORE_CARET = 40


def excerpt(line: str, start: int, width: int) -> tuple[str, str]:
    """Return what is shown of a line, and the carets under ``width`` characters from ``start``."""
    first = 0
    if len(line) > _LINE_WIDTH:
        first = max(0, min(start - _BEFORE_CARET, len(line) - _LINE_WIDTH))
    window = line[first : first + _LINE_WIDTH]
    before = "…" if first else ""
    after = "…" if first + _LINE_WIDTH < len(line) else ""
    at = start - first
    indent = len(before) + _cells(window[:at])
    carets = max(1, _cells(window[at : at + width]))
    return before + "".join(map(_shown, window)) + after, " " * indent + "^" * carets


def _shown(char: str) -> str:
    if char == "\t":
        return "    "  # as wide here as on the line of the caret, wherever the tab stops are
    return char if char.isprintable() else "�"


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes as it is shown."""
    return sum(_cell_width(shown) for char in text for shown in _shown(char))


def _cell_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


LocPart = str | int
Loc = tuple[LocPart, ...]
"""A path into a document: the keys of mappings and the indexes of lists, from the top."""

_SHOWN_TEXT = 40
_SHOWN_OPTION = 60
_RENDERED = 100
_SHORT_FOR = 3  # characters: a shorter word stands in too many

_SYNONYMS = {
    "else": "otherwise",
    "start": "from",
    "begin": "from",
    "stop": "to",
    "end": "to",
    **dict.fromkeys(["matrix", "grid", "parametrize", "vary", "variants"], "sweep"),
    **dict.fromkeys(["runs", "trials", "iterations", "repetitions", "samples", "n"], "repeats"),
    **dict.fromkeys(["assert", "asserts", "check", "checks", "thresholds"], "expect"),
    "skip": "exclude",
    "args": "params",
    "benchmark": "scenario",
    "reference": "baseline",
}
"""What people know from elsewhere, and its name here."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file, or in an option of the command line.

    Attributes:
        line: counted from 1.
        column: counted from 1, in characters.
        width: how many characters of that line are meant; at least 1.
        option: the option that it is in; None for the file that is being read.
    """

    line: int
    column: int
    width: int = 1
    option: "Source | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the name of the file, or the option, as it was given.
        line: counted from 1.
        column: counted from 1, in characters.
        width: how many characters are meant.
        where: the path of the key or value, such as ``sweep.guard[1]``; empty for the whole file.
        message: the fact.
        hint: what to do, or None.
        source_line: the text of the line.
        is_option: whether ``file`` is an option, which needs no line and column to be found.
    """

    file: str
    line: int
    column: int
    width: int
    where: str
    message: str
    hint: str | None
    source_line: str
    is_option: bool = False

    def render(self) -> str:
        """Return the problem as a person reads it, without a line break at the end."""
        place, number = printable(self.file), ""
        if not self.is_option:
            place, number = f"{place}:{self.line}:{self.column}", str(self.line)
        shown, caret = excerpt(self.source_line, self.column - 1, self.width)
        gutter = " " * max(1, len(number))
        lines = [
            ": ".join(part for part in (place, self.where, self.message) if part),
            f"{number or gutter} | {shown}".rstrip(),
            f"{gutter} | {caret}",
        ]
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Source:
    """The name and lines of a file or an option: what a problem is made from.

    Attributes:
        file: its name, as it was given.
        lines: its text, without line breaks.
        is_option: whether it is an option of the command line.
    """

    file: str
    lines: tuple[str, ...]
    is_option: bool = False

    @classmethod
    def of(cls, file: str, text: str) -> "Source":
        """Split a text into lines as YAML 1.2 does: at LF, CR LF and CR."""
        return cls(file, tuple(_LINE_BREAK.split(text)))

    @classmethod
    def of_option(cls, option: str, text: str) -> "Source":
        """Make the source of an option, such as ``--set``, which was given this text."""
        shortened = text if len(text) <= _SHOWN_OPTION else text[: _SHOWN_OPTION - 1] + "…"
        return cls(f"{option} {shortened}".rstrip(), tuple(_LINE_BREAK.split(text)), is_option=True)

    def problem(
        self, position: Position, message: str, *, where: Loc = (), hint: str | None = None
    ) -> Problem:
        """Make a problem of this file, or of the option that the position is in."""
        source = position.option or self
        return Problem(
            file=source.file,
            line=position.line,
            column=position.column,
            width=position.width,
            where=path_text(where),
            message=message,
            hint=hint,
            source_line=source.lines[position.line - 1] if position.line <= len(source.lines) else "",
            is_option=source.is_option,
        )


class ExperimentFileError(ExperimentError):
    """An experiment file has problems; the message is the rendering of all.

    Attributes:
        problems: in the order of the file; after them those of options, as they were found.
    """

    prefix: ClassVar[str] = ""  # a line that begins with its place is what editors can jump to

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=_place))
        rendered = [problem.render() for problem in self.problems[:_RENDERED]]
        if len(self.problems) > _RENDERED:
            rendered.append(f"… and {len(self.problems) - _RENDERED:,} more problems")
        super().__init__("\n\n".join(rendered))

    def __reduce__(self) -> tuple[type["ExperimentFileError"], tuple[tuple[Problem, ...]]]:
        return (type(self), (self.problems,))


def _place(problem: Problem) -> tuple[bool, int, int]:
    return (True, 0, 0) if problem.is_option else (False, problem.line, problem.column)


def path_text(path: Loc) -> str:
    """Return a path as a person writes it: ``sweep[0].guard[1]``."""
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif _PLAIN_KEY.match(part) and len(part) <= _SHOWN_TEXT:
            parts.append(f".{part}" if parts else part)
        else:
            parts.append(f"[{quoted(part)}]")
    return "".join(parts)


def quoted(text: str) -> str:
    """Return a text in quotes, shortened, with whatever can't be printed escaped."""
    return repr(text if len(text) <= _SHOWN_TEXT else text[: _SHOWN_TEXT - 1] + "…")


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint with the nearest of the known words, or the one that has the word in it, if there is one.

    Upper and lower case are the same in it.
    """
    if len(word) > _SHOWN_TEXT:
        return None
    by_case = {name.casefold(): name for name in known}
    folded = word.casefold()
    synonym = _SYNONYMS.get(folded)
    near = synonym if synonym in by_case else nearest(folded, by_case)
    if near is None and len(folded) >= _SHORT_FOR:
        longer = [name for name in by_case if folded in name]
        near = longer[0] if len(longer) == 1 else None
    return None if near is None else f"did you mean '{by_case[near]}'?"
