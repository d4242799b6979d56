"""How runner and launcher talk: JSON messages with a length before each, over a private socket pair.

The runner sends a :class:`Hello`, then an :class:`Order` per attempt, perhaps a :class:`Cancel`. The launcher
answers the first with :class:`Ready` or :class:`Refused` and every order with :class:`Ended`. When either side dies,
the other reads the end of the stream.
"""

import json
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mprunner.values import Scalar

MAX_RESULT_BYTES: Final = 8 << 20
"""The largest result that a worker may send; more is a ``bad-result``."""

RESULT_HEADER: Final = struct.Struct("<Qii")
"""What a worker sends before the JSON of a result, or the names of what it has in /dev/shm, each after a slash: that
text's length in bytes, then the process ids of multiprocessing's resource tracker and fork server, 0 for none."""

_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """What the launcher must know before its first trial.

    Attributes:
        module: the importable module of the scenario's class.
        qualname: the class's name within it.
        files: module names of plugins that are single files, and the file of each.
        sys_path: the runner's, so that both import the same plugin; an empty entry stands for what the launcher's
            interpreter has of itself.
        scratch: an empty folder for this launcher alone, which it removes when it ends; whoever greets it makes it.
        containment: ``subreaper`` or ``process-group``; the best that works where it is None.
        isolation: ``forked``: the launcher imports the scenario and forks workers that have it; ``fresh``: it
            does not, and every worker is an interpreter of its own.
        limits: the :class:`~mprunner.model.records.Limits` of a trial, by name; what is missing is its default.
        flags: the options that its interpreter was started with, for workers with an interpreter of their own.
        shared: a folder of the runner's that the launcher removes if the runner dies; empty if there is none.
        cpus: the CPUs that the launcher, and so all that it starts, is bound to; None for all that it may use.
    """

    module: str
    qualname: str
    files: Mapping[str, str]
    sys_path: tuple[str, ...]
    scratch: str = ""
    containment: str | None = None
    isolation: str = "forked"
    flags: tuple[str, ...] = ()
    shared: str = ""
    cpus: tuple[int, ...] | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The launcher's answer: what contains its trials, how many threads it has, and what interpreter it is.

    Forking wants one thread.
    """

    containment: str
    threads: int
    interpreter: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The launcher's answer when the scenario can't be imported; the traceback is on its stderr."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Execute one attempt.

    Attributes:
        params: every param of the scenario.
        seed: of the trial's random generator.
        repeat: the trial's repeat.
        timeout_s: after how many seconds its processes are killed.
        log: where its output goes, if there is any.
        is_set_up: whether it is no trial: the scenario's ``set_up`` is called, for all trials like this one.
    """

    params: Mapping[str, Scalar]
    seed: int
    repeat: int
    timeout_s: float
    log: str
    is_set_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End the attempt in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an attempt's worker ended.

    Attributes:
        facts: the attributes of an :class:`~mprunner.model.records.Ending`, but for what came as its result.
        results: what came over the result channel, JSON texts unless a trial wrote to it: of each actor that failed
            what was known at once, then the trial's result.
    """

    facts: Mapping[str, Any]
    results: tuple[str, ...]


Message = Hello | Ready | Refused | Order | Cancel | Ended

_KINDS: Mapping[str, Callable[..., Message]] = {
    cls.__name__: cls for cls in (Hello, Ready, Refused, Order, Cancel, Ended)
}


def encode(message: Message) -> dict[str, Any]:
    """Return a message's JSON form, which names its class."""
    return {"kind": type(message).__name__} | {f: getattr(message, f) for f in message.__dataclass_fields__}


def decode(value: Mapping[str, Any]) -> Message:
    """Rebuild a message from its JSON form."""
    fields = {key: tuple(item) if isinstance(item, list) else item for key, item in value.items()}
    return _KINDS[str(fields.pop("kind"))](**fields)


class Channel:
    """One end of the control socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()

    def fileno(self) -> int:
        """Return the socket's descriptor, for poll."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            OSError: the other side is gone.
        """
        payload = json.dumps(encode(message), separators=(",", ":"), allow_nan=False).encode()
        self._socket.sendall(_LENGTH.pack(len(payload)) + payload)

    def fill(self) -> None:
        """Read what has arrived, or wait for something to arrive.

        Raises:
            EOFError: the other side is gone.
        """
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError("the other side of the control socket is gone")
        self._buffer += data

    def next(self) -> Message | None:
        """Take the next complete message out of what was read, or return None."""
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        message = decode(json.loads(self._buffer[_LENGTH.size : end]))
        del self._buffer[:end]
        return message

    def receive(self) -> Message:
        """Wait for the next message.

        Raises:
            EOFError: the other side is gone.
        """
        while (message := self.next()) is None:
            self.fill()
        return message

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
