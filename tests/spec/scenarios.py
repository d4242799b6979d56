"""The scenarios that the tests of the spec know: a bank with one param of each kind."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Gt, Le

from mprunner.errors import ExperimentError
from mprunner.scenario import CPU_COUNT, Doc, ProcessCount


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Params with defaults, one of each type."""

    guard: Literal["none", "lock", "rlock"] = "none"
    transactions: Annotated[int, Le(1_000_000), Doc("withdrawals")] = 10
    pause_s: Annotated[float, Gt(0)] = 0.5
    label: str = "bank"
    fair: bool = False
    workers: ProcessCount = CPU_COUNT
    chunk: int | None = None
    level: Literal[1, 2] = 1


@dataclass(frozen=True, kw_only=True)
class Strict:
    """A required param."""

    n: int
    m: int = 0


def params_type_of(name):
    """Return the params of a scenario, as the registry does."""
    known = {"bank": Bank, "strict": Strict}
    if name not in known:
        raise ExperimentError(f"there is no scenario {name!r}", "installed scenarios: bank, strict")
    return known[name]
