"""Limiting what a worker and all that it starts may use."""

import resource
import sys
from typing import Final

_MEMORY: Final = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
"""On Linux private writable memory, whatever was used to get it. RLIMIT_AS would count what is only reserved: a
thread's arena alone is 64 MiB of addresses."""


def limit_memory(size: int) -> None:
    """Let this process, and each that it starts, have ``size`` bytes of memory; what exceeds that fails."""
    _, hard = resource.getrlimit(_MEMORY)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(_MEMORY, (most, most))
