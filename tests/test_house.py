"""The house: which room imports what, by the syntax tree; and its description names only what is there."""

import ast
import re
from pathlib import Path

import pytest

from tests.support import ROOT

HOUSE = ROOT / "mprunner"
FACED = {"executors", "experiment", "report", "runs", "tables"}
EMPTY = (
    "actors",
    "analysis",
    "model",
    "plugins",
    "worker",
    "workflow",
)  # whoever imports one module of these executes their face


def imports_of(file):
    """Yield the modules that a file imports names from."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_a_package_is_imported_by_others_through_its_face():
    past = [
        f"{file.relative_to(ROOT)}: {module}"
        for file in HOUSE.rglob("*.py")
        for module in imports_of(file)
        if (parts := module.split("."))[0] == "mprunner"
        and len(parts) > 2
        and parts[1] in FACED
        and file.relative_to(HOUSE).parts[0] != parts[1]
        and file != HOUSE / "__init__.py"  # a face would cost every spawned actor what it imports
    ]
    assert past == []


@pytest.mark.parametrize("package", EMPTY)
def test_a_face_that_would_cost_those_who_need_one_module_of_it_is_empty(package):
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


def test_there_is_one_door_to_the_terminal():
    doors = {"cli/__init__.py": 1, "cli/output.py": 2}  # say(), and the Console that prints styled pages
    found = {}
    for file in (ROOT / "mprunner").rglob("*.py"):
        count = len(re.findall(r"\b(?:click\.s?echo|print|rich\.print|Console)\(", file.read_text()))
        if count and file.parent.name == "cli":
            found[file.relative_to(ROOT / "mprunner").as_posix()] = count
    assert found == doors | {"cli/progress.py": 2}  # the line of progress, and a failure above it
