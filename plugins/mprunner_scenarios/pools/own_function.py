"""The user's own function, and the items that it is called with: found by ``package.module:callable``."""

import importlib
import os
import pickle
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from functools import reduce
from itertools import islice
from pathlib import Path
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
    package, dot, last = text.rpartition(".")
    if not colon and dot and all(part.isidentifier() for part in text.split(".")):
        return f"{name}: {text!r} is no place of a callable; did you mean {f'{package}:{last}'!r}?"
    return f"{name}: {text!r} is no place of a callable; write package.module:callable"


_ITEMS = "items.pickle"


def try_own(function: str, items: str | None, numbers: int | None, folder: Path) -> None:
    """Import the user's function and make its items; leave these in the folder for the trials.

    Raises:
        OwnFunctionError: either can't be found, or called, or ``items`` raises or yields nothing.
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
        OwnFunctionError: either can't be found, or called, or ``items`` raises or yields nothing.
    """
    _search_current_folder()
    work = _callable("function", function)
    made: Sequence[object] = range(DEFAULT_ITEMS if numbers is None else numbers)
    if items is not None:
        left = None if folder is None else folder / _ITEMS
        made = _made(items, numbers) if left is None or not left.exists() else pickle.loads(left.read_bytes())
    return Tasks(work=work, items=made, are_done=lambda results, ordered: len(results) == len(made))


def _blame(error: BaseException) -> str:
    """Say what was raised, and in which line of the user's code."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "importlib" not in frame.filename
    ]
    where = f" ({os.path.relpath(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


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
            f"{_blame(error)}"
        ) from error
    try:
        found = reduce(getattr, path.split("."), imported)
    except AttributeError as error:
        near = get_close_matches(
            path, [each for each in dir(imported) if callable(getattr(imported, each, None))], 1
        )
        hint = f"; did you mean {f'{module}:{near[0]}'!r}?" if near else ""
        raise OwnFunctionError(f"{name} {place!r} is not there: {error}{hint}") from error
    if not callable(found):
        raise OwnFunctionError(f"{name} {place!r} can't be called: it is of type {type(found).__name__}")
    called: Callable[..., Any] = found
    return called


def _made(place: str, numbers: int | None) -> list[object]:
    make = _callable("items", place)
    try:
        made = list(islice(make(), MAX_ITEMS + 1 if numbers is None else numbers))
    except (Exception, SystemExit) as error:  # it is the user's code
        raise OwnFunctionError(f"items {place!r} raised {_blame(error)}") from error
    if not made:
        raise OwnFunctionError(f"items {place!r} yields nothing")
    if numbers is None and len(made) > MAX_ITEMS:
        raise OwnFunctionError(f"items {place!r} yields more than {MAX_ITEMS:,}, say how many by `numbers`")
    return made
