"""What the tests of actors share."""

import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def workers():
    """The actors' functions, importable by spawned children too."""
    folder = str(Path(__file__).parents[1] / "plugins")
    sys.path.append(folder)
    import workers

    yield workers
    sys.path.remove(folder)
