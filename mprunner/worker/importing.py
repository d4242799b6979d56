"""Importing the scenario, in the launcher or in a fresh worker."""

import importlib
import os
import sys
import threading
from functools import reduce
from pathlib import Path
from typing import Any

from mprunner.scenario import Scenario
from mprunner.worker.protocol import Hello

# What nearly every scenario uses. Imported before the scenario's `run`, it is not imported inside what that
# measures; in the launcher it is imported once for all trials.
PRELOADED = (
    "mprunner.actors.group",
    "multiprocessing.popen_fork",
    "multiprocessing.queues",
    "multiprocessing.sharedctypes",
    "multiprocessing.synchronize",
)

_SHIM = """\
import importlib.util, sys
_spec = importlib.util.spec_from_file_location(__name__, {file!r})
sys.modules[__name__] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules[__name__])
"""


def make_importable(hello: Hello) -> None:
    """Write what makes a plugin that is one file importable by its module's name; once per launcher.

    That is a folder at the end of ``sys.path``, which multiprocessing hands to spawned and forkserver children
    however they are started.
    """
    if hello.files:
        _modules(hello).mkdir()
        for name, file in hello.files.items():
            (_modules(hello) / f"{name}.py").write_text(_SHIM.format(file=file), encoding="utf-8")


def preload(hello: Hello) -> None:
    """Set the import path, and import what nearly every scenario uses."""
    sys.path[:] = hello.sys_path
    if hello.files:
        sys.path.append(str(_modules(hello)))
    for name in PRELOADED:
        importlib.import_module(name)


def import_scenario(hello: Hello) -> type[Scenario[Any, Any]]:
    """Import the scenario's class; a plugin's code can raise anything."""
    module = importlib.import_module(hello.module)
    scenario: type[Scenario[Any, Any]] = reduce(getattr, hello.qualname.split("."), module)  # type: ignore[assignment]
    return scenario


def count_threads() -> int:
    """Return how many threads this process has, those that a library started behind Python's back included."""
    try:
        return len(os.listdir("/proc/self/task"))
    except FileNotFoundError:
        return threading.active_count()


def _modules(hello: Hello) -> Path:
    return Path(hello.scratch) / "m"
