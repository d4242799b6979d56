"""Text made safe for a row of CSV or a line on a terminal: no character in it can end or split the line.

Line breaks are what CSV readers disagree about; NUL and lone surrogates are what some refuse altogether.
"""

import re
from collections.abc import Mapping
from typing import Final

_ESCAPES: Final[Mapping[str, str]] = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN: Final[Mapping[str, str]] = {escape: character for character, escape in _ESCAPES.items()}
# The C0 and C1 controls, DEL, Unicode's line separators, and lone surrogates, which UTF-8 can't hold.
_UNSAFE = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ESCAPED = re.compile(r"\\(?:[\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4})")


def escaped(text: str) -> str:
    """Return text in which unsafe characters are escaped as in Python (LF is ``\\n``), and backslashes doubled."""
    return _UNSAFE.sub(_escape, text)


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
    """Return text for a person to read: as :func:`escaped`, but backslashes stay as they are."""
    return _UNSAFE.sub(lambda match: "\\" if match.group() == "\\" else _escape(match), text)
