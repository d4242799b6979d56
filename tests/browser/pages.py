"""A Chromium, and the pages of runs in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import ROOT

HERE = Path(__file__).resolve().parent
GOLDEN = ROOT / "tests" / "golden" / "runs"
RUNS = {path.parent.name: path for path in sorted(GOLDEN.glob("*/*")) if path.is_dir()}
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"


class MissingError(Exception):
    """Something that pages are looked at with is not installed; the message says what installs it."""


def make_page(run: Path, output: Path) -> Path:
    """Make the page of a run as a user does."""
    command = [sys.executable, "-m", "mprunner", "report", str(run), "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


@contextmanager
def browser() -> Iterator[Any]:
    """Start a Chromium without a window.

    Raises:
        MissingError: there is no playwright, or no Chromium.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingError("playwright is not installed: `pip install 'mprunner[dev]'`") from None
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise MissingError("there is no chromium: `apt-get install chromium`")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=flags)
        try:
            yield started
        finally:
            started.close()
