"""Removing what a trial left in its scratch folder; shutil would bring every compression library along."""

import os
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder and all in it, as far as that can be done; links are removed, never followed."""
    try:
        folder.chmod(0o700)  # a scenario may have made it unreadable
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                remove_tree(Path(entry.path))
            else:
                Path(entry.path).unlink()
        folder.rmdir()
    except OSError:  # such as a file that can't be removed: the rest of its folder stays with it
        return
