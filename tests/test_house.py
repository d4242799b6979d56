"""The house: which room imports what, by the syntax tree; and its description names only what is there."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import ROOT

HOUSE = ROOT / "mprunner"
EMPTY = ("actors", "model", "worker", "workflow")  # whoever imports one module of these executes their face


@pytest.mark.parametrize("package", EMPTY)
def test_the_face_of_what_a_trial_imports_is_empty(package):
    body = ast.parse((HOUSE / package / "__init__.py").read_text()).body
    assert [type(node) for node in body] == [ast.Expr]


def test_every_path_that_the_page_on_architecture_names_is_there():
    named = re.findall(
        r"`((?:mprunner|plugins|tests|docs)/[^`\s]*)`", (ROOT / "docs" / "architecture.md").read_text()
    )
    assert len(named) > 30
    assert [path for path in named if not Path(ROOT, path).exists()] == []


def test_every_room_stands_in_the_page_on_architecture():
    page = (ROOT / "docs" / "architecture.md").read_text()
    rooms = [path.name for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert [room for room in rooms if f"| `mprunner/{room}/` |" not in page] == []
