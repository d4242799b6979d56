"""What is shown of a line that has a fault: as much as fits, with carets under the fault."""

import unicodedata

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
