"""Removing what a trial left; shutil would bring compression libraries along."""

import os
from pathlib import Path


def remove_tree(root: Path) -> None:
    """Remove a file, a link or a folder and all in it, as far as that can be done; links are never followed."""
    folders = [os.fspath(root)]
    for folder in folders:  # grows while it is walked: deep nesting must not need a deep stack
        folders += _emptied(folder)
    for folder in reversed(folders):
        try:
            os.rmdir(folder)
        except OSError:  # not empty, since something in it can't be removed; or gone, since it was no folder
            continue


def _emptied(folder: str) -> list[str]:
    """Remove what is directly in a folder, or the path itself if it is no folder; return the folders in it."""
    inner: list[str] = []
    try:
        if os.path.islink(folder) or not os.path.isdir(folder):
            os.unlink(folder)
            return inner
        os.chmod(folder, 0o700)  # a scenario may have made it unreadable
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    inner.append(entry.path)
                else:
                    os.unlink(entry.path)
    except OSError:
        return inner
    return inner
