"""Values for tests: a declaration, a header, records, and runs made of them."""

from dataclasses import dataclass

from mprunner.analysis.verdict import judge_states, outcomes_table
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Header, Session
from mprunner.model.records import ActorRow, Attempt, Ending, OutcomeCount, Record, Result, ResultKind, Status
from mprunner.model.rules import Rules
from mprunner.tables.frames import Collector, build_frames

DECLARATION = Declaration(
    name="race-bank",
    doc="Withdraw from and deposit to one shared balance.",
    params=(
        Field(name="guard", type="str", choices=("none", "lock")),
        Field(name="transactions", type="int"),
    ),
    metrics=(
        Field(name="lost_updates", type="int"),
        Field(name="final_balance", type="int"),
        Field(name="wall_s", type="float", unit="s"),
        Field(name="lossy", type="bool"),
        Field(name="remark", type="str", optional=True),
    ),
    outcomes={"final_balance": "the balance when both actors are done"},
    summary="{lost_updates:affected} lost updates, final balance {final_balance:range}",
)


def header(declaration=DECLARATION, *, planned=50, name="bank", **experiment):
    return Header(
        run_id="20250101T000000Z-abcdef",
        experiment={"name": name, "scenario": declaration.name, "sweep": [], **experiment},
        declaration=declaration,
        planned=planned,
        python="3.12.1",
        host="here",
    )


def attempt(guard="none", repeat=0, *, number=1, order=None, params=None):
    return Attempt(
        trial_id=f"trial-{guard}-{repeat}",
        case_id=f"case-{guard}",
        case_label=f"guard {guard}",
        repeat=repeat,
        attempt=number,
        order=repeat if order is None else order,
        is_warmup=repeat < 0,
        seed=2**53 - 1,
        params=params or {"guard": guard, "transactions": 1_000},
        timeout_s=60.0,
    )


def record(guard="none", repeat=0, *, status=Status.OK, metrics=None, number=1, order=None, **result):
    """A record; its metrics are those of a run of the bank, changed by ``metrics``."""
    usual = {"lost_updates": 0, "final_balance": 100, "wall_s": 0.5, "lossy": False, "remark": None}
    is_ok = status is Status.OK
    return Record(
        attempt=attempt(guard, repeat, number=number, order=order),
        status=status,
        ending=Ending(
            exit_code=0 if is_ok else 1,
            wall_s=0.75,
            result=Result(
                kind=ResultKind.OK if is_ok else ResultKind.ERROR,
                metrics={**usual, **(metrics or {})} if is_ok else {},
                **{name: tuple(v) if isinstance(v, list) else v for name, v in result.items()},
            ),
        ),
        containment="subreaper",
        started_at="2025-01-01T00:00:00.000000Z",
    )


def actor(index):
    return ActorRow(
        actor=index,
        kind="process",
        pid=1_000 + index,
        start_latency_s=0.001,
        start_skew_s=None,
        wall_s=0.5,
        cpu_s=0.25,
        rounds=3,
        exit_code=0,
        error_type=None,
    )


def outcome(value, count=1, variable="final_balance"):
    return OutcomeCount(variable=variable, value=value, count=count)


@dataclass(frozen=True)
class Run:
    """Stands for a journal that was read."""

    made: tuple[Record, ...]
    header: Header

    @property
    def session(self):
        return Session(python=self.header.python, host=self.header.host, conditions={})

    def records(self):
        return iter(self.made)


def tables(made):
    """Return the tables of a run as frames, by name."""
    collector = Collector()
    frames = build_frames(made, begin=collector)
    outcomes = outcomes_table(frames, made.header, judge_states(frames, Rules()))
    return {"trials": frames.trials, "outcomes": outcomes, **collector.frames()}


def run(*records, header=None, **options):
    return Run(records, header or globals()["header"](**options))
