"""Imports that cost no time, because something else is awaited meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Thread


@contextmanager
def imported_meanwhile(module: str) -> Iterator[None]:
    """Import a module in a thread while the body waits for something else; it is there in the end."""
    thread = Thread(target=import_module, args=(module,))
    thread.start()
    try:
        yield
    finally:
        thread.join()
