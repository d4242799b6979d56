"""Names and versions of installed distributions are what importlib.metadata says."""

from importlib import metadata

import pytest

from mprunner.model.provenance import identity_of, version_of


@pytest.mark.parametrize("package", ["click", "numpy", "pandas", "pydantic", "PyYAML", "pytest", "mprunner"])
def test_the_version_is_what_the_standard_library_says(package):
    assert version_of(package) == metadata.version(package)
    distribution = metadata.distribution(package)
    assert identity_of(distribution) == (distribution.name, distribution.version)


def test_what_is_not_installed_has_no_version():
    assert version_of("no-such-package-anywhere") is None


@pytest.mark.parametrize("text", ["", "Name: x\n\nVersion: of the README\n"])
def test_what_does_not_say_its_version_has_none(tmp_path, text, monkeypatch):
    folder = tmp_path / "x-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(text)
    assert identity_of(metadata.Distribution.at(folder))[1] == ""
    monkeypatch.syspath_prepend(tmp_path)
    assert version_of("x") is None
