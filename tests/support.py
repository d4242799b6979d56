"""What several test modules share: paths, command lines, and a look at the processes that a test started."""

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
PLUGINS = Path(__file__).parent / "plugins"
GENEROUS_S = 60.0


def processes_marked(token: str) -> list[psutil.Process]:
    """Return the living processes whose environment holds the token."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("MPRUNNER_TEST") == token:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def launchers() -> list[psutil.Process]:
    """Return the launchers that this process has started."""
    return [child for child in psutil.Process().children() if "mprunner.worker" in child.cmdline()]


def command(*arguments: str | Path) -> Sequence[str]:
    """Return the command line of the program."""
    return [sys.executable, "-m", "mprunner", *map(str, arguments)]
