"""Which interpreter this process is, and how it executes threads just now: an import can bring the GIL back."""

import sys
from typing import Final

_NAMES: Final = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


def _described() -> str:
    """Return its implementation and version, and what tells it from another of that version."""
    name = sys.implementation.name
    language = sys.version.split(maxsplit=1)[0]
    own = ".".join(map(str, sys.implementation.version[:3]))
    is_own_version = name == "cpython" or language.startswith(own)
    parts = (
        _NAMES.get(name, name),
        language,
        "" if is_own_version else f"({own})",
        "free-threading" if "free-threading" in sys.version else "",
    )
    return " ".join(filter(None, parts))


PYTHON: Final = _described()
"""Such as ``CPython 3.13.1 free-threading``."""


def gil_enabled() -> bool:
    """Return whether one thread at a time executes Python now."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def settings() -> tuple[bool, float]:
    """Return whether there is a GIL, and after how long a thread lets go of it, both as they are now."""
    return gil_enabled(), sys.getswitchinterval()


def facts() -> dict[str, object]:
    """Return what is told of this interpreter once its scenario is imported."""
    return {
        "python": PYTHON,
        "build": " ".join(sys.version.split()),
        "executable": sys.executable,
        "gil_enabled": gil_enabled(),
    }
