"""The files of a folder that may come from anyone. Reading takes nothing for a file of it that is none.

Writing survives a crash: a file is old or new, never half of it; a folder remembers what is in it.
"""

import errno
import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, TextIO

from mprunner.errors import ResultsError

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space",
    errno.EDQUOT: "your disk quota is used up: free some space",
    errno.EFBIG: "a limit on the size of files is reached: see `ulimit -f`",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "you lack the permission: see who owns the folder",
    errno.EPERM: "you lack the permission: see who owns the folder",
    errno.ENOENT: "the folder is gone: was it moved or removed?",
}


def unwritable(path: Path, error: OSError) -> ResultsError:
    """Return the error that says ``path`` can't be written, why, and what to do."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    hint = _HINTS.get(error.errno or 0, "choose another folder with --results")
    return ResultsError(f"{path} can't be written: {reason}", hint)


MOST_BYTES: Final = 16 << 20
"""The most that a file of JSON may have, which is read as a whole."""


def opened(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file that is in its folder itself; a pipe is not waited for, nor a link followed out of it.

    Raises:
        OSError: it can't be opened.
        ResultsError: it is something else.
    """
    real, folder = path.resolve(strict=True), path.parent.resolve()
    if real.parent != folder:
        raise ResultsError(f"{path} leads out of its folder, to {real}", "put the file itself there")
    fd = os.open(real, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise ResultsError(f"{path} is no regular file", "put the file itself there")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode


def decoded(text: str) -> Any:
    """Return the value that JSON says, or raise ValueError."""
    try:
        return _decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """Return what a file of JSON in its folder says.

    Raises:
        OSError: it can't be opened or read.
        ResultsError, ValueError: it is not the file itself, too large, or no JSON.
    """
    with open(opened(path), "rb") as file:
        text = file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    return decoded(text.decode())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: without it, a new or renamed file may be gone after a power cut.

    Raises:
        ResultsError: the folder can't be opened or synced.
    """
    try:
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        if error.errno == errno.EINVAL:
            message = f"{folder} is on a file system that can't sync folders: results could be lost"
            raise ResultsError(message, "choose another folder with --results") from error
        raise unwritable(folder, error) from error


@contextmanager
def bytes_written_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of ``path`` only when the block has ended well.

    Whenever the process dies, ``path`` holds the old content or the new.

    Raises:
        ResultsError: the file can't be written; ``path`` is as it was.
    """
    # Of the same folder, since a rename is atomic only within a file system; the process's number keeps two
    # commands on one run apart.
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _remove_abandoned(path)
        try:
            with scratch.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        except BaseException:
            with suppress(OSError):
                scratch.unlink()
            raise
    except OSError as error:
        raise unwritable(path, error) from error
    sync_folder(path.parent)


def _remove_abandoned(path: Path) -> None:
    """Remove what processes that are gone, or had this one's number, left where they were killed as they wrote it."""
    scratch = re.compile(rf"\.{re.escape(path.name)}\.([0-9]{{1,9}})\.tmp")
    for name in os.listdir(path.parent):
        if (match := scratch.fullmatch(name)) and not _is_another(int(match[1])):
            path.with_name(name).unlink(missing_ok=True)


def _is_another(pid: int) -> bool:
    """Whether there is a process of that number, other than this one."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid not in (0, os.getpid())


@contextmanager
def written_atomically(path: Path) -> Iterator[TextIO]:
    """Open a UTF-8 text file that takes the place of ``path`` when it is whole; line ends are written as given.

    Raises:
        ResultsError: the file can't be written; ``path`` is as it was.
    """
    with bytes_written_atomically(path) as file:
        text = TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")  # as JSON has it
        try:
            yield text
        finally:
            text.detach()  # writes what it holds back, and leaves the file open
