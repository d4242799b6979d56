"""Text of the values that the stages pass on: made safe for a row of CSV or a line on a terminal, and reasons.

Line breaks are what CSV readers disagree about; NUL and lone surrogates are what some refuse altogether.
"""

import difflib
import re
import signal
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from mprunner.model.records import Record, Status
from mprunner.values import UNPRINTABLE

_ESCAPES: Final[Mapping[str, str]] = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN: Final[Mapping[str, str]] = {escape: character for character, escape in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")


LINE_WIDTH = 80
"""Columns of a line where nobody says how wide it may be: in a file, in a log."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like another, if one is like it; first one with the same letters."""
    near = difflib.get_close_matches(word, known, 5)
    return min(near, key=lambda each: sorted(each) != sorted(word), default=None)


def escaped(text: str) -> str:
    """Return text in which unsafe characters are escaped as in Python (LF is ``\\n``), and backslashes doubled."""
    return UNPRINTABLE.sub(_escape, text.replace("\\", "\\\\"))


def unescaped(text: str) -> str:
    """Return the text that :func:`escaped` was given."""
    return _ESCAPED.sub(_unescape, text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _ESCAPES.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _unescape(match: re.Match[str]) -> str:
    escape = match.group()
    return _PLAIN.get(escape) or chr(int(escape[2:], 16))


def printable(text: str) -> str:
    """Return text for a line on a terminal: whatever can't be printed is escaped as in Python, backslashes stay.

    That is every control character, and every mark that changes the direction of the text after it. Spaces of any
    width stay.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else _escaped_char(c) for c in text
    )


def _escaped_char(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def printable_lines(text: str) -> str:
    """Return text of several lines for a terminal: each line as :func:`printable`."""
    return "\n".join(map(printable, text.split("\n")))


_LONGEST: Final = 200  # characters of a message


def reason(
    status: Status, error_type: str | None, message: str | None, number: int | None, exit_code: int | None
) -> str:
    """Say what a status does not: the exception, the signal, the exit code; nothing where there is no more to say.

    Args:
        status: what happened.
        error_type: the exception's type, where there was one.
        message: its first line is used, and only the beginning of a long one.
        number: the signal's that ended the worker.
        exit_code: the worker's.
    """
    if error_type or message:
        first = (message or "").strip().partition("\n")[0]
        shown = first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"
        return printable(": ".join(part for part in (error_type, shown) if part))
    if status is Status.SIGNAL and number is not None:
        return _name_of(number)
    if status in (Status.EXIT, Status.NO_RESULT) and exit_code is not None:
        return f"exit code {exit_code}"
    return ""


def reason_of(record: Record) -> str:
    """Say the same of an attempt's record."""
    ending, result = record.ending, record.ending.result
    error_type, message = (
        (None, ending.malformed) if result is None else (result.error_type, result.error_message)
    )
    return reason(record.status, error_type, message, ending.signal, ending.exit_code)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
