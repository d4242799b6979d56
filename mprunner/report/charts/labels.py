"""Labels that fit: the short text of a case that an axis shows, and which cases are drawn of many."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mprunner.model.text import printable

WIDTH: Final = 24
"""Characters of a line of a label."""
LINES: Final = 3
"""Lines of a label; the whole text is in the tooltip."""
LONGEST: Final = 300
"""Characters of what a tooltip shows of a text."""


def told(text: str) -> str:
    """Return a text as a tooltip can show it: no control characters, not without end."""
    plain = printable(text)
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1] + "…"


def short(text: str, width: int = WIDTH, lines: int = LINES) -> str:
    """Return a text in lines as wide as an axis has room for, shortened where that is not enough.

    Lines end behind a comma where there is one.
    """
    made: list[str] = []
    for part in _pieces(printable(text), width):
        if made and len(made[-1]) + 1 + len(part) <= width:
            made[-1] += f" {part}"
        else:
            made.append(part)
        if len(made) > lines:
            last = made[lines - 1].rstrip(",")
            return "\n".join([*made[: lines - 1], (last if len(last) < width else last[: width - 1]) + "…"])
    return "\n".join(made)


def _pieces(text: str, width: int) -> Iterator[str]:
    """Return what is not parted: what ends with a comma, or else a word, or the beginning of one."""
    for part in text.replace(", ", ",\n").split("\n"):
        for piece in [part] if len(part) <= width else part.split(" "):
            yield piece if len(piece) <= width else piece[: width - 1] + "…"


def short_labels(labels: Mapping[str, str], width: int = WIDTH, lines: int = LINES) -> dict[str, str]:
    """Return the short label of each case, by its id: no two are alike; an only case is ``all trials``."""
    texts = [short(label, width, lines) or "all trials" for label in labels.values()]
    return dict(zip(labels, unique(texts), strict=True))


def unique(texts: Iterable[str]) -> list[str]:
    """Return texts of which no two are alike: one that was there before has a number behind it."""
    used: set[str] = set()
    made: list[str] = []
    for text in texts:
        name, number = text, 2
        while name in used:
            name, number = f"{text} ({number})", number + 1
        used.add(name)
        made.append(name)
    return made


def spread(ordered: Sequence[str], most: int, always: Iterable[str] = ()) -> list[str]:
    """Choose so many of some names: those in ``always``, then evenly by place, the first and the last among them."""
    if len(ordered) <= most:
        return list(ordered)
    kept = [name for name in dict.fromkeys(always) if name in set(ordered)][: most // 2]
    others = [name for name in ordered if name not in set(kept)]
    room = most - len(kept)
    places = {round(place * (len(others) - 1) / (room - 1)) for place in range(room)} if room > 1 else {0}
    chosen = {others[place] for place in places} | set(kept)
    return [name for name in ordered if name in chosen]
