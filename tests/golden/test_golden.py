"""What the program said before its inside was restructured is what it says, byte for byte."""

import difflib
import tempfile
from itertools import islice
from pathlib import Path

import pytest

from tests.golden import make

RENEW = """
If that is meant, `python tests/golden/make.py` renews the expected files: look at what git says of them.
Behind a hash: `python tests/golden/make.py --whole FOLDER`, here and where it was right, and compare both.
"""
MOST_LINES = 60
MACHINE = tuple(str(path).encode() + b"/" for path in (make.ROOT.parent, Path.home(), tempfile.gettempdir()))


@pytest.mark.parametrize("name", make.FILES)
def test_the_program_says_what_it_said(name):
    expected = (make.EXPECTED / name).read_bytes()
    found = make.made(name)
    if found != expected:
        texts = (text.decode().splitlines(keepends=True) for text in (expected, found))
        lines = list(islice(difflib.unified_diff(*texts, f"expected/{name}", "today"), MOST_LINES + 1))
        more = "…\n" if len(lines) > MOST_LINES else ""
        pytest.fail("".join(lines[:MOST_LINES]) + more + RENEW, pytrace=False)


def test_nothing_is_expected_that_is_not_made():
    kept = {path.relative_to(make.EXPECTED).as_posix() for path in make.EXPECTED.rglob("*.*")}
    assert kept == set(make.FILES), RENEW


def test_no_file_tells_of_the_machine_that_made_it():
    files = [path for path in make.HERE.rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert len(files) > len(make.FILES)
    assert [path for path in files for machine in MACHINE if machine in path.read_bytes()] == []
