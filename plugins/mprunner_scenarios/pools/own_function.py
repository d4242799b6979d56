"""The user's own function, and the items that it is called with: found by ``package.module:callable``."""

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from mprunner_scenarios.pools.tasks import Tasks
from mprunner_scenarios.shared.own_code import OwnCodeError, blame, find

DEFAULT_ITEMS = 10_000
"""How many items there are where nothing says how many: 0, 1, 2 …"""

MAX_ITEMS = 1_000_000
"""How many items a callable may yield where `numbers` does not say how many: one without an end would fill memory."""


_ITEMS = "items.pickle"


def try_own(function: str, items: str | None, numbers: int | None, folder: Path) -> None:
    """Import the user's function and make its items; leave these in the folder for the trials.

    Raises:
        OwnCodeError: either can't be found, or called, or ``items`` raises or yields nothing.
    """
    made = own_tasks(function, items, numbers).items
    if items is not None:
        with suppress(Exception):  # what can't be pickled is made anew in each trial
            (folder / _ITEMS).write_bytes(pickle.dumps(made, pickle.HIGHEST_PROTOCOL))


def own_tasks(function: str, items: str | None, numbers: int | None, folder: Path | None = None) -> Tasks:
    """Import the user's function and make its items.

    Args:
        function: where it is.
        items: where a callable is that returns an iterable of items; None for the numbers from 0 on.
        numbers: how many items there are; None for 10,000 numbers, or all of ``items``.
        folder: where :func:`try_own` has left the items, if it has.

    Raises:
        OwnCodeError: either can't be found, or called, or ``items`` raises or yields nothing.
    """
    work = _callable("function", function)
    made: Sequence[object] = range(DEFAULT_ITEMS if numbers is None else numbers)
    if items is not None:
        left = None if folder is None else folder / _ITEMS
        made = _made(items, numbers) if left is None or not left.exists() else pickle.loads(left.read_bytes())
    return Tasks(work=work, items=made, are_done=lambda results, ordered: len(results) == len(made))


def check_sendable(function: str, work: Callable[[Any], object], kind: str) -> None:
    """Check that a function can be sent to an actor of a kind: a process or an interpreter.

    Raises:
        OwnCodeError: it can't, as a lambda or a function within a function.
    """
    try:
        pickle.dumps(work)
    except Exception as error:  # pickling executes code of the callable's class
        raise OwnCodeError(
            f"function {function!r} can't be sent to {'an' if kind == 'interpreter' else 'a'} {kind}, write it "
            f"with def at the top of its module: {error}"
        ) from error


def _callable(name: str, place: str) -> Callable[..., Any]:
    found = find(name, place)
    if not callable(found):
        raise OwnCodeError(f"{name} {place!r} can't be called: it is of type {type(found).__name__}")
    called: Callable[..., Any] = found
    return called


def _made(place: str, numbers: int | None) -> list[object]:
    make = _callable("items", place)
    try:
        made = list(islice(make(), MAX_ITEMS + 1 if numbers is None else numbers))
    except (Exception, SystemExit) as error:  # it is the user's code
        raise OwnCodeError(f"items {place!r} raised {blame(error)}") from error
    if not made:
        raise OwnCodeError(f"items {place!r} yields nothing")
    if numbers is None and len(made) > MAX_ITEMS:
        raise OwnCodeError(f"items {place!r} yields more than {MAX_ITEMS:,}, say how many by `numbers`")
    return made
