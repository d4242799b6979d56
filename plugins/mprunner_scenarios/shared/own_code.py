"""The user's own code, found by ``package.module:name``: a function, what makes its items, a class."""

import importlib
import os
import sys
import traceback
from difflib import get_close_matches
from functools import reduce
from typing import Any


class OwnCodeError(Exception):
    """The user's code can't be used or failed; the message says which and why."""


def place_fault(name: str, text: str, what: str = "callable") -> str | None:
    """Say what is wrong with the text of a place in the user's code, or None; nothing is imported.

    Args:
        name: the param that names the place.
        text: the place, such as ``work:parse``.
        what: what is to be found there, a ``callable`` or a ``class``.
    """
    module, colon, path = text.partition(":")
    if colon and all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        return None
    package, dot, last = text.rpartition(".")
    if not colon and dot and all(part.isidentifier() for part in text.split(".")):
        return f"{name}: {text!r} is no place of a {what}; did you mean {f'{package}:{last}'!r}?"
    return f"{name}: {text!r} is no place of a {what}; write package.module:{what}"


def find(name: str, place: str, kind: type | None = None) -> Any:
    """Import what stands at a place in the user's code.

    The experiment's folder is on a worker's ``sys.path``; the current folder is added, after all others, as a file
    there must not hide one of Python's. multiprocessing hands ``sys.path`` to spawned and forkserver children.

    Args:
        name: the param that names the place.
        place: as :func:`place_fault` accepts it.
        kind: of what can be meant; None for whatever can be called.

    Raises:
        OwnCodeError: it can't be imported, or is not there.
    """
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.append(folder)
    module, _, path = place.partition(":")
    try:
        imported = importlib.import_module(module)
    except (Exception, SystemExit) as error:  # the module is the user's code
        raise OwnCodeError(
            f"{name} {place!r} can't be imported (the experiment's folder, the current folder and PYTHONPATH are "
            f"searched): {blame(error)}"
        ) from error
    try:
        return reduce(getattr, path.split("."), imported)
    except AttributeError as error:
        meant = [each for each in dir(imported) if _is_meant(getattr(imported, each, None), kind)]
        near = get_close_matches(path, meant, 1)
        hint = f"; did you mean {f'{module}:{near[0]}'!r}?" if near else ""
        raise OwnCodeError(f"{name} {place!r} is not there: {error}{hint}") from error


def _is_meant(value: object, kind: type | None) -> bool:
    return callable(value) if kind is None else isinstance(value, kind)


def blame(error: BaseException) -> str:
    """Say what was raised, and in which line of the user's code."""
    ours = os.path.dirname(os.path.dirname(__file__))
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(ours) and "importlib" not in frame.filename
    ]
    where = f" ({os.path.relpath(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
