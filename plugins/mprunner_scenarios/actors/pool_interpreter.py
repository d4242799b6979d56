"""What an interpreter of pool-map's pools does beside its tasks: it begins, and tells what it did when it ends."""

from __future__ import annotations

import atexit
import os
import pickle
import struct

from mprunner_scenarios.actors.pool_map import be_ready, done

TYPE_CHECKING = False  # typing's constant, without importing typing
if TYPE_CHECKING:
    from mprunner_scenarios.actors.pool_map import Work

TALLY = "=qd"
"""How an interpreter packs what it did: its tasks, and the seconds within them."""


def enter_interpreter(work: bytes, writer: int) -> None:
    """Begin as an interpreter of a pool: be ready for tasks, and report them to a pipe when the interpreter ends.

    A function that can't be imported in an interpreter fails each task, so that its reason is told: of an
    initializer that raises, an executor says no more than that it did.
    """
    try:
        be_ready(pickle.loads(work))
    except BaseException as error:
        be_ready(_refusing(error))
    atexit.register(_tell, writer)


def _refusing(error: BaseException) -> Work:
    def refuse(_: object) -> object:
        raise error

    return refuse


def _tell(writer: int) -> None:
    os.write(writer, struct.pack(TALLY, *done()))
