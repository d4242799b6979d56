"""A revision of a git repository, checked out aside: nothing is written in the repository, not even for a while.

Not ``git worktree``, which notes in the repository where a checkout is, and leaves the note if mprunner is killed;
nor ``git archive``, which leaves out what attributes say, and takes pointers for large files. A checkout is made by
an index of its own, with the files as ``git checkout`` would write them. Submodules are empty folders in it.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from mprunner.errors import MprunnerError
from mprunner.model.git import without_repository
from mprunner.worker.containment import remove_tree

GIT_LIMIT_S: Final = 300.0
"""How long git may take for one step."""

_PREFIX: Final = "mpr-variants-"
_QUIET: Final = ("core.fsmonitor=false", "core.sparseCheckout=false", "core.splitIndex=false")
"""git's settings for an index that is used once, by nobody else, in another folder."""


class GitError(MprunnerError):
    """git can't do what a revision needs."""


class SharedFolder:
    """A folder that several launchers of one runner use: for checkouts, and for what makes mprunner importable.

    It is removed by :meth:`close`; by a launcher, if the runner is killed; by a later runner, if all of them were.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        _remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        new = self.path / "lock.new"
        self._lock: IO[str] = new.open("w", encoding="utf-8")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        new.rename(self.path / "lock")  # from now on it tells that someone needs the folder

    def close(self) -> Sequence[str]:
        """Remove it; return what of it is left, and why."""
        with self._lock:
            return remove_tree(self.path)


def _remove_abandoned() -> None:
    """Remove the folders of runners that were killed with all their launchers."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if folder.lstat().st_uid != os.getuid():
                continue
            with (folder / "lock").open("r+", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_tree(folder)
        except OSError:  # it is needed, or gone
            continue


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository.

    Attributes:
        root: the folder that has its files.
    """

    root: Path

    @classmethod
    def of(cls, folder: Path) -> "Repository":
        """Return the repository that a folder is in.

        Raises:
            GitError: it is in none, or git is missing.
        """
        try:
            root = _git(folder, "rev-parse", "--show-toplevel")
        except GitError as error:
            if "not a git repository" not in str(error.hint):
                raise
            hint = "a `revision` is one of the repository that the experiment's file is in"
            raise GitError(f"{folder} is in no git repository", hint) from None
        return cls(Path(os.path.realpath(root)))

    def commit_of(self, revision: str) -> str:
        """Return the commit that a revision is now.

        Raises:
            GitError: there is none.
        """
        try:
            if revision.startswith("-"):  # git would take it for an option
                raise GitError("")
            return _git(self.root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        except GitError:
            hint = f"`git -C {self.root} log --oneline` shows the revisions that it has"
            raise GitError(f"the repository {self.root} has no revision {revision!r}", hint) from None

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the files of a commit to a folder that is not there yet.

        Raises:
            GitError: it can't be done; the hint has git's words.
        """
        folder.mkdir(parents=True)
        index = folder.with_name(f"{folder.name}.index")
        own = [part for each in _QUIET for part in ("-c", each)]
        _git(self.root, *own, "read-tree", commit, index=index)
        _git(self.root, *own, "checkout-index", "--all", f"--prefix={folder}/", index=index)
        index.unlink()


def _git(folder: Path, *arguments: str, index: Path | None = None) -> str:
    """Return what git prints.

    It has a session of its own: a Ctrl-C is the runner's to handle, which ends in order.
    """
    command = ("git", "-C", str(folder), "--no-optional-locks", *arguments)
    environment = without_repository(os.environ) | ({} if index is None else {"GIT_INDEX_FILE": str(index)})
    shown = f"git {next(each for each in arguments if not each.startswith('-') and '=' not in each)}"
    try:
        done = subprocess.run(
            command,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_LIMIT_S,
            start_new_session=True,
            check=False,
        )
    except FileNotFoundError:
        raise GitError(
            "a `revision` needs git, which is not installed", "install git, or leave it out"
        ) from None
    except subprocess.TimeoutExpired:
        raise GitError(f"{shown} was not done within {GIT_LIMIT_S:g} s") from None
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise GitError(f"{shown} failed in {folder}", words[0] if words else f"exit code {done.returncode}")
    return done.stdout.strip()
