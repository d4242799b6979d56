"""Where attempts are executed: the protocol, the local executor, what is executed next, and interrupts.

:class:`LocalExecutor` executes on this machine. A plugin adds others with the hook ``mprunner_register_executors``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mprunner.executors.launcher_client import Launcher, launcher_at_hand
from mprunner.executors.local import Executor, LocalExecutor, ScenarioSource, VariantError
from mprunner.executors.orphans import find_orphans
from mprunner.executors.schedule import Schedule, schedule_for
from mprunner.signals import Interrupt

if TYPE_CHECKING:
    from mprunner.executors.checkouts import GitError, Repository
    from mprunner.executors.variants import VariantsExecutor

__all__ = [
    "Executor",
    "GitError",
    "Interrupt",
    "Launcher",
    "LocalExecutor",
    "Repository",
    "ScenarioSource",
    "Schedule",
    "VariantError",
    "VariantsExecutor",
    "find_orphans",
    "launcher_at_hand",
    "schedule_for",
]

_LATER = {"GitError": "checkouts", "Repository": "checkouts", "VariantsExecutor": "variants"}
"""What is imported when it is asked for: most experiments have no variants, and a launcher is started after this."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
