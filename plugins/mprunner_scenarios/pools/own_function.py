"""The user's own function, and the items that it is called with: found by ``package.module:callable``."""

import importlib
import os
import pickle
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import islice
from typing import Any

from mprunner_scenarios.pools.tasks import Tasks

DEFAULT_ITEMS = 10_000
"""How many items there are where nothing says how many: 0, 1, 2 …"""

MAX_ITEMS = 1_000_000
"""How many items a callable may yield where `numbers` does not say how many: one without an end would fill memory."""


class OwnFunctionError(Exception):
    """The user's function, or what makes its items, can't be used or failed; the message says which and why."""


def place_fault(name: str, text: str) -> str | None:
    """Say what is wrong with the text of a callable's place, or None; nothing is imported."""
    module, colon, path = text.partition(":")
    if colon and all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        return None
    return f"{name}: {text!r} is no place of a callable; write package.module:callable"


def own_tasks(function: str, items: str | None, numbers: int | None) -> Tasks:
    """Import the user's function and make its items.

    Args:
        function: where it is.
        items: where a callable is that returns an iterable of items; None for the numbers from 0 on.
        numbers: how many items there are; None for 10,000 numbers, or all of ``items``.

    Raises:
        OwnFunctionError: either can't be found, or called, or ``items`` raises or yields nothing.
    """
    _search_current_folder()
    work = _callable("function", function)
    made: Sequence[object] = range(DEFAULT_ITEMS if numbers is None else numbers)
    if items is not None:
        made = _made(items, numbers)
    return Tasks(work=work, items=made, are_done=lambda results, ordered: len(results) == len(made))


def check_sendable(function: str, work: Callable[[Any], object]) -> None:
    """Check that a function can be sent to a process.

    Raises:
        OwnFunctionError: it can't, as a lambda or a function within a function.
    """
    try:
        pickle.dumps(work)
    except Exception as error:  # pickling executes code of the callable's class
        raise OwnFunctionError(
            f"function {function!r} can't be sent to a process, write it with def at the top of its module: "
            f"{error}"
        ) from error


def _search_current_folder() -> None:
    """Find modules in the current folder too, after all others: a file there must not hide one of Python's.

    multiprocessing hands ``sys.path`` to spawned and forkserver children.
    """
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)


def _callable(name: str, place: str) -> Callable[..., Any]:
    module, _, path = place.partition(":")
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # the module is the user's code
        raise OwnFunctionError(
            f"{name} {place!r} can't be imported (the current folder and PYTHONPATH are searched): "
            f"{type(error).__name__}: {error}"
        ) from error
    try:
        found = reduce(getattr, path.split("."), imported)
    except AttributeError as error:
        raise OwnFunctionError(f"{name} {place!r} is not there: {error}") from error
    if not callable(found):
        raise OwnFunctionError(f"{name} {place!r} can't be called: it is of type {type(found).__name__}")
    called: Callable[..., Any] = found
    return called


def _made(place: str, numbers: int | None) -> list[object]:
    make = _callable("items", place)
    try:
        made = list(islice(make(), MAX_ITEMS + 1 if numbers is None else numbers))
    except (Exception, SystemExit) as error:  # it is the user's code
        raise OwnFunctionError(f"items {place!r} raised {type(error).__name__}: {error}") from error
    if not made:
        raise OwnFunctionError(f"items {place!r} yields nothing")
    if numbers is None and len(made) > MAX_ITEMS:
        raise OwnFunctionError(f"items {place!r} yields more than {MAX_ITEMS:,}, say how many by `numbers`")
    return made
