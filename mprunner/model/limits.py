"""What a trial may use before it is ended, or refused more memory."""

from dataclasses import dataclass
from typing import Final

DEFAULT_OUTPUT_BYTES: Final = 10 << 20

DEFAULT_PROCESSES: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a trial may use.

    Attributes:
        memory_per_process: bytes of memory that each of its processes may have; None for no limit.
        processes: how many processes it may have at once, its worker included.
        output: bytes that it may print.
    """

    memory_per_process: int | None = None
    processes: int = DEFAULT_PROCESSES
    output: int = DEFAULT_OUTPUT_BYTES
