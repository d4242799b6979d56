"""What variants share while they are executed: a folder that is removed in the end, whoever is left to do it."""

import shutil
import subprocess
import sys

import pytest

from mprunner.executors import GitError, Repository
from mprunner.executors.checkouts import SharedFolder
from mprunner.executors.environments import Checkout, is_installed


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """The folder in which temporary ones are made."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def abandoned(scratch, name="mpr-variants-old"):
    """Make what a runner leaves that was killed with all its launchers."""
    folder = scratch / name
    (folder / "abc").mkdir(parents=True)
    (folder / "abc" / "file").touch()
    (folder / "lock").touch()
    return folder


def test_a_folder_is_removed_in_the_end(scratch):
    shared = SharedFolder()
    (shared.path / "file").touch()
    assert shared.close() == []
    assert list(scratch.iterdir()) == []


def test_a_later_runner_removes_what_nobody_needs_any_more(scratch):
    folder, other = abandoned(scratch), scratch / "mpr-variants-no-lock"
    other.mkdir()
    shared = SharedFolder()
    assert not folder.exists()
    assert other.exists()  # its runner may be about to lock it
    shared.close()


def test_a_later_runner_leaves_what_another_one_needs(scratch):
    first = SharedFolder()
    second = SharedFolder()
    assert first.path.exists()
    first.close()
    second.close()
    assert list(scratch.iterdir()) == []


@pytest.fixture
def repository(tmp_path):
    """A repository with a link, a program and a file that archives leave out, and another file since."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root = tmp_path / "repository"
    root.mkdir()
    (root / ".gitattributes").write_text("left_out export-ignore\n")
    (root / "left_out").write_text("it is there")
    (root / "link").symlink_to("left_out")
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    git = ("git", "-c", "user.name=some", "-c", "user.email=some@where")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "first"), ("tag", "v1")):
        subprocess.run([*git, *command], cwd=root, check=True)
    (root / "later").touch()
    return Repository.of(root)


def test_a_checkout_has_every_file_of_its_commit_and_no_other(repository, tmp_path):
    folder = tmp_path / "checkout"
    repository.check_out(repository.commit_of("v1"), folder)
    assert {file.name for file in folder.iterdir()} == {".gitattributes", "left_out", "link", "program"}
    assert (folder / "link").readlink().name == "left_out"
    assert (folder / "program").stat().st_mode & 0o111
    assert not folder.with_name("checkout.index").exists()


def test_a_repository_that_a_hook_names_is_not_meant(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "another"))
    assert len(repository.commit_of("HEAD")) == 40


def test_git_that_is_not_installed_is_told(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="a `revision` needs git, which is not installed"):
        Repository.of(repository.root)


def test_a_path_of_the_repository_is_that_of_the_checkout_and_no_other_path_is(tmp_path):
    root, folder = tmp_path / "root", tmp_path / "checkout"
    for path in (root / "src", root / "new", folder / "src"):
        path.mkdir(parents=True)
    checkout = Checkout(root=str(root), folder=str(folder))
    assert checkout.of(str(root / "src")) == str(folder / "src")
    assert checkout.of(str(root)) == str(folder)
    assert checkout.of(str(root / "new")) is None
    assert checkout.of(str(tmp_path)) == str(tmp_path)
    assert checkout.of(str(tmp_path / "rootless")) == str(tmp_path / "rootless")


def test_what_is_installed_stays_where_it_is(tmp_path):
    site, library = (
        next(path for path in sys.path if path.endswith(end)) for end in ("site-packages", "lib-dynload")
    )
    assert is_installed(site)
    assert is_installed(library)
    assert not is_installed(str(tmp_path))
    assert Checkout(root="/", folder=str(tmp_path)).of(site) == site
