"""State that processes share: values, arrays, mapped memory, files, a database. Each race stands beside its cure.

Such an object travels to the processes once, and `reset` puts its state back before each round.
"""

import fcntl
import mmap
import multiprocessing
import os
import sqlite3
import struct
import tempfile
from contextlib import closing
from pathlib import Path


class ValueCounter:
    """A Value locks each read and each write, not what comes between. Ends in 1."""

    def __init__(self):
        self.n = multiprocessing.Value("i", 0)

    def reset(self):
        self.n.value = 0

    def actor(self):
        self.n.value += 1

    def result(self):
        return self.n.value


class ValueCounterLocked(ValueCounter):
    """The Value's own lock is held from the read to the write. Ends in 2."""

    def actor(self):
        with self.n.get_lock():
            self.n.value += 1


class ArrayTransfer:
    """Money is on its way between two places of an Array when they are added up. Ends in sum=90."""

    def __init__(self):
        self.accounts = multiprocessing.Array("i", [100, 0])

    def reset(self):
        self.accounts[:] = [100, 0]

    def actor_move(self):
        self.accounts[0] -= 10
        self.accounts[1] += 10

    def actor_sum(self):
        return self.accounts[0] + self.accounts[1]


class ArrayTransferLocked(ArrayTransfer):
    """Who moves and who adds up hold the Array's lock. Ends in sum=100."""

    def actor_move(self):
        with self.accounts.get_lock():
            super().actor_move()

    def actor_sum(self):
        with self.accounts.get_lock():
            return super().actor_sum()


class MappedCounter:
    """A number in a mapped file is read, added to and written. Ends in 1."""

    def __init__(self):
        self.attach(Path(tempfile.mkdtemp(), "counter"))

    def attach(self, path):
        self.path = path
        with path.open("a+b") as file:
            file.truncate(8)
            self.memory = mmap.mmap(file.fileno(), 8)

    def __getstate__(self):
        return self.path

    def __setstate__(self, path):
        self.attach(path)

    def reset(self):
        self.memory[:] = bytes(8)

    def actor(self):
        (n,) = struct.unpack("q", self.memory)
        self.memory[:] = struct.pack("q", n + 1)

    def result(self):
        return struct.unpack("q", self.memory)[0]


class MappedCounterLocked(MappedCounter):
    """Each opens a lock's file and holds its lock from the read to the write. Ends in 2."""

    def actor(self):
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().actor()


class _InFile:
    """A file in a folder of its own."""

    def __init__(self):
        self.path = Path(tempfile.mkdtemp(), "file")


class FileCounter(_InFile):
    """A number in a file is read, added to and written. Ends in 1."""

    def __init__(self):
        super().__init__()
        self.path.write_text("0")

    def reset(self):
        self.write(0)

    def actor(self):
        self.write(self.result() + 1)

    def write(self, n):
        with self.path.open("r+") as file:  # a file emptied first would also be read while it is empty
            file.write(str(n))

    def result(self):
        return int(self.path.read_text())


class FileCounterLocked(FileCounter):
    """A lock's file is locked from the read to the write. Ends in 2."""

    def actor(self):
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().actor()


class RemovedIfThere(_InFile):
    """Both see the file, and one finds it gone. Ends in remove=FileNotFoundError,True."""

    def reset(self):
        self.path.touch()

    def actor_remove(self):
        if self.path.exists():
            self.path.unlink()
            return True
        return False


class RemovedOrGone(RemovedIfThere):
    """The file is removed without a look; who comes second is told. Ends in remove=False,True."""

    def actor_remove(self):
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True


class CreatedIfMissing(_InFile):
    """Both see no file, and both create it: each holds itself for the first. Ends in create=True,True."""

    def reset(self):
        self.path.unlink(missing_ok=True)

    def actor_create(self):
        if self.path.exists():
            return False
        self.path.touch()
        return True


class CreatedExclusively(CreatedIfMissing):
    """The system looks and creates in one step. Ends in create=False,True."""

    def actor_create(self):
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


class SqliteReadThenWrite(_InFile):
    """A number is selected, and then updated in another statement. Ends in 1."""

    timeout = 30  # seconds that one waits for the other's statement to end

    def __init__(self):
        super().__init__()
        with closing(self.connected()) as database:
            database.execute("CREATE TABLE counter (n)")
            database.execute("INSERT INTO counter VALUES (0)")

    def connected(self):
        # Each statement is a transaction of its own; a test needs nothing of it after a power cut.
        database = sqlite3.connect(self.path, isolation_level=None, timeout=self.timeout)
        database.execute("PRAGMA synchronous=OFF")
        return database

    def reset(self):
        with closing(self.connected()) as database:
            database.execute("UPDATE counter SET n = 0")

    def actor(self):
        with closing(self.connected()) as database:
            (n,) = database.execute("SELECT n FROM counter").fetchone()
            database.execute("UPDATE counter SET n = ?", (n + 1,))

    def result(self):
        with closing(self.connected()) as database:
            return database.execute("SELECT n FROM counter").fetchone()[0]


class SqliteTransaction(SqliteReadThenWrite):
    """The transaction takes the right to write before it reads. Ends in 2."""

    def actor(self):
        with closing(self.connected()) as database:
            database.execute("BEGIN IMMEDIATE")
            (n,) = database.execute("SELECT n FROM counter").fetchone()
            database.execute("UPDATE counter SET n = ?", (n + 1,))
            database.execute("COMMIT")
