"""The scenarios that the tests of the spec know: a bank with one param of each kind, and a toy to plan."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le

from mprunner.errors import ExperimentError
from mprunner.model.declaration import Declaration, Field, fields_of
from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Trial, Unit


@dataclass(frozen=True, kw_only=True)
class Bank:
    """Params with defaults, one of each type."""

    guard: Literal["none", "lock", "rlock"] = "none"
    transactions: Annotated[int, Le(1_000_000), Doc("withdrawals")] = 10
    pause_s: Annotated[float, Gt(0), Unit("s")] = 0.5
    label: str = "bank"
    fair: bool = False
    workers: Annotated[ProcessCount, Doc("how many take part")] = CPU_COUNT
    chunk: int | None = None
    level: Literal[1, 2] = 1


@dataclass(frozen=True, kw_only=True)
class Strict:
    """A required param."""

    n: int
    m: int = 0


@dataclass(frozen=True)
class Known:
    """A scenario as the reader sees it."""

    params_type: type
    declaration: Declaration

    @classmethod
    def of(cls, params_type, metrics=(), outcomes=()):
        """Make one of its params, metrics and the names of its outcomes."""
        declaration = Declaration(
            name="any",
            doc="",
            params=fields_of(params_type, "any"),
            metrics=tuple(metrics),
            outcomes=dict.fromkeys(outcomes, ""),
        )
        return cls(params_type, declaration)


METRICS = (
    Field(name="lost_updates", type="int"),
    Field(name="wall_s", type="float", unit="s"),
    Field(name="lossy", type="bool"),
    Field(name="how", type="str", choices=("well", "badly")),
)


def scenario_of(name):
    """Return a scenario, as the registry does."""
    known = {"bank": Known.of(Bank, METRICS, ["final_balance"]), "strict": Known.of(Strict)}
    if name not in known:
        raise ExperimentError(f"there is no scenario {name!r}", "installed scenarios: bank, strict")
    return known[name]


@dataclass(frozen=True, kw_only=True)
class ToyParams:
    """What may vary."""

    size: Annotated[int, Ge(1)] = 1_000
    guard: Literal["none", "lock"] = "none"
    pause_s: float = 0.0
    workers: ProcessCount = CPU_COUNT
    chunk: int | None = None

    def __post_init__(self) -> None:
        if self.guard == "lock" and self.size > 5_000:
            raise ValueError("a lock takes too long beyond 5000")


@dataclass(frozen=True, kw_only=True)
class ToyMetrics:
    """What is measured."""

    wall_s: float


class Toy(Scenario[ToyParams, ToyMetrics]):
    """Do nothing."""

    name = "toy"

    def run(self, params: ToyParams, trial: Trial) -> ToyMetrics:
        raise NotImplementedError
