"""Where attempts are executed: the protocol, the local executor, what is executed next, and interrupts.

:class:`LocalExecutor` executes on this machine. A plugin adds others with the hook ``mprunner_register_executors``.
"""

from mprunner.executors.checkouts import GitError, Repository
from mprunner.executors.environments import VariantError
from mprunner.executors.launcher_client import Launcher, launcher_at_hand
from mprunner.executors.local import Executor, LocalExecutor, ScenarioSource
from mprunner.executors.orphans import find_orphans
from mprunner.executors.schedule import Schedule, schedule_for
from mprunner.executors.variants import VariantsExecutor
from mprunner.signals import Interrupt

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
