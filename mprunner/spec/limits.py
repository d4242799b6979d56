"""``limits`` of an experiment file: sizes, and what they may be."""

import re
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from mprunner.limits import DEFAULT_OUTPUT_BYTES, DEFAULT_PROCESSES
from mprunner.spec.keywords import KEYS
from mprunner.spec.messages import fault
from mprunner.spec.problems import quoted

UNITS: Final = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}
LEAST_MEMORY: Final = 64 << 20
"""An interpreter with a plugin takes a good part of this."""

LEAST_OUTPUT: Final = 64 << 10
"""The traceback of a failure must fit, or it would be told as too much output."""

MOST: Final = 1 << 50

MOST_PROCESSES: Final = 32_768
"""What a kernel allows by default, on small machines."""

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]+)\Z")
_EXAMPLES = "write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB, such as 512MiB"


def size_in_bytes(value: object) -> object:
    """Return the bytes of a size such as ``512MiB``; what is neither that nor text is returned as it is.

    Raises:
        PydanticCustomError: it is text, and no size.
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    unit = next((unit for unit in UNITS if match and unit.lower() == match[2].lower()), None)
    if match is None or unit is None:
        raise fault(f"{quoted(value)} is not a size", _EXAMPLES)
    if match[2] != unit:
        raise fault(f"{quoted(value)} is not a size", f"the unit is written {unit}: {match[1]}{unit}")
    return int(float(match[1]) * UNITS[unit])


def shown_size(size: int) -> str:
    """Return a size as a file says it: in the largest binary unit of which it is a whole number."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return "1 byte" if size == 1 else f"{size} bytes"


def _size_from(least: int) -> Callable[[object], object]:
    def check(value: object) -> object:
        size = size_in_bytes(value)
        if isinstance(size, int) and not isinstance(size, bool) and not least <= size <= MOST:
            bound = f"at least {shown_size(least)}" if size < least else f"at most {shown_size(MOST)}"
            raise fault(f"must be {bound}, not {shown_size(size)}", _EXAMPLES)
        return size

    return check


def _in_words(least: int) -> WithJsonSchema:
    """Return what JSON Schema says of a size in bytes."""
    pattern = f"^[0-9]+(\\.[0-9]+)? ?({'|'.join(UNITS)})$"
    return WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string", "pattern": pattern}]}
    )


_Memory = Annotated[int, BeforeValidator(_size_from(LEAST_MEMORY)), _in_words(LEAST_MEMORY)]
_Output = Annotated[int, BeforeValidator(_size_from(LEAST_OUTPUT)), _in_words(LEAST_OUTPUT)]


class LimitsFile(BaseModel):
    """The keys of ``limits``."""

    model_config = KEYS

    memory_per_process: _Memory | None = None
    """private data of each process of a trial: bytes, or a size such as `1GiB`"""

    processes: Annotated[int, Field(ge=1, le=MOST_PROCESSES)] = DEFAULT_PROCESSES
    """how many processes a trial may have at once"""

    output: _Output = DEFAULT_OUTPUT_BYTES
    """what a trial may print: bytes, or a size such as `1MiB`"""
