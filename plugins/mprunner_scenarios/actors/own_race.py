"""What an actor of own-race executes: one method of the user's object, round after round.

What a method returns is kept as text, so that threads, processes and interpreters hand it over in the same way.
"""

from __future__ import annotations

import mmap
import struct
from time import perf_counter

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    class Texts(Protocol):
        """What the actors of a round returned, by their index."""

        def __setitem__(self, index: int, text: str | None, /) -> None:
            """Keep what one returned; None for nothing."""

        def __getitem__(self, index: int, /) -> str | None:
            """Say what one returned."""


MAX_TEXT = 60
"""Characters of a value that are kept."""

_PLAIN = (bool, int, float, str)


def text_of(value: object) -> str | None:
    """Say what was returned: a plain value as ``str`` does, a container of such as ``repr`` does, else its type.

    The text has no control characters, and at most 60 characters.
    """
    if value is None:
        return None
    if isinstance(value, str):
        text = value or "''"
    elif isinstance(value, _PLAIN):
        text = str(value)
    elif _is_plain(value, 3):
        text = repr(value) if isinstance(value, (tuple, list, dict)) else _set_in_words(value)
    else:
        text = type(value).__name__
    if not text.isprintable():
        text = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:MAX_TEXT])
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _is_plain(value: Any, depth: int) -> bool:
    if value is None or isinstance(value, _PLAIN):
        return True
    if isinstance(value, (tuple, list, set, frozenset)):
        return depth > 0 and all(_is_plain(each, depth - 1) for each in value)
    if isinstance(value, dict):
        return depth > 0 and all(_is_plain(each, depth - 1) for pair in value.items() for each in pair)
    return False


def _set_in_words(value: Any) -> str:
    """Show a set in one order, whatever the hashes of its items are."""
    return "{" + ", ".join(sorted(map(repr, value))) + "}"


class Slots:
    """Texts in a file that the processes of a trial map into their memory, each actor's in a place of its own."""

    _SIZE = 8 * MAX_TEXT  # a character takes four bytes at most
    _LENGTH = struct.Struct("<h")

    def __init__(self, path: str, actors: int) -> None:
        self._path = path
        self._actors = actors
        with open(path, "a+b") as file:
            file.truncate(self._SIZE * actors)
            self._map = mmap.mmap(file.fileno(), self._SIZE * actors)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the file's name."""
        return Slots, (self._path, self._actors)

    def __setitem__(self, index: int, text: str | None) -> None:
        data = b"" if text is None else text.encode(errors="replace")
        start = self._SIZE * index
        self._LENGTH.pack_into(self._map, start, -1 if text is None else len(data))
        self._map[start + 2 : start + 2 + len(data)] = data

    def __getitem__(self, index: int) -> str | None:
        start = self._SIZE * index
        (length,) = self._LENGTH.unpack_from(self._map, start)
        return None if length < 0 else self._map[start + 2 : start + 2 + length].decode()


class Shared:
    """What the actors of a round share: the user's object, and what each of them returned."""

    __slots__ = ("subject", "texts")

    def __init__(self, subject: Any, texts: Texts) -> None:
        self.subject = subject
        self.texts = texts

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to an actor's process, once for all its rounds."""
        return Shared, (self.subject, self.texts)


class Call:
    """Calls one method of the shared object and returns how long its calls took together, in seconds."""

    __slots__ = ("index", "method", "shared", "spent_s")

    def __init__(self, shared: Shared, index: int, method: str) -> None:
        self.shared = shared
        self.index = index
        self.method = method
        self.spent_s = 0.0

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to an actor's process."""
        return Call, (self.shared, self.index, self.method)

    def __call__(self) -> float:
        """Call it once; what it raises is what it returned: the name of the exception's type."""
        work = getattr(self.shared.subject, self.method)
        began = perf_counter()
        try:
            value = work()
        except (Exception, SystemExit) as error:
            self.spent_s += perf_counter() - began
            self.shared.texts[self.index] = type(error).__name__
        else:
            self.spent_s += perf_counter() - began
            self.shared.texts[self.index] = text_of(value)
        return self.spent_s


class Settle:
    """Reads the state that a round has ended in, and makes the object ready for the next one.

    Attributes:
        shared: what the actors share.
        parts: a name for each method, and the indices of its actors.
        make: makes a fresh object; None where the object has a ``reset``.
    """

    __slots__ = ("make", "parts", "shared")

    def __init__(
        self,
        shared: Shared,
        parts: Sequence[tuple[str, Sequence[int]]],
        make: Callable[[], Any] | None,
    ) -> None:
        self.shared = shared
        self.parts = parts
        self.make = make

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel with the actor that settles."""
        return Settle, (self.shared, self.parts, self.make)

    def __call__(self) -> bool | int | float | str:
        """Return the state, as docs/races.md writes it."""
        shared = self.shared
        state = state_of(self.parts, shared.texts, shared.subject)
        if self.make is None:
            shared.subject.reset()
        else:
            shared.subject = self.make()
        return state


def state_of(
    parts: Sequence[tuple[str, Sequence[int]]], texts: Texts, subject: Any
) -> bool | int | float | str:
    """Return the state of a round: what its actors returned, and what the object's ``result`` says in the end.

    ``get=1,2 result=2``: the values of a method's actors are sorted. Actors that all returned nothing are left out;
    a result that stands alone is the state itself.
    """
    said = []
    for name, indices in parts:
        returned = [texts[index] for index in indices]
        if any(text is not None for text in returned):
            said.append(f"{name}={','.join(sorted(map(str, returned)))}")
    result = getattr(subject, "result", None)
    if result is not None:
        try:
            value = result()
        except (Exception, SystemExit) as error:
            said.append(f"result={type(error).__name__}")
        else:
            text = text_of(value)
            if not said and isinstance(value, (bool, int)):
                return value
            if not said:
                return str(text)
            said.append(f"result={text}")
    return " ".join(said) or "done"
