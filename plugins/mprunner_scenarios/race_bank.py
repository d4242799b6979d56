"""race-bank: withdraw from and deposit to one shared balance, with and without a guard."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le

from mprunner.scenario import Doc, Scenario, Trial, Unit, Unless
from mprunner_scenarios.shared.number import WIDTH, SharedNumberParams, lock_times, shared_number

LIMIT = 1_000_000_000
"""The balance has 32 bits: twice this is as far as one pair of actors can get."""


@dataclass(frozen=True, kw_only=True)
class Params(SharedNumberParams):
    """What a race-bank experiment may vary."""

    granularity: Annotated[
        Literal["transaction", "loop"],
        Doc("what the guard is held for: each transaction, or all of a round"),
        Unless(guard=("none", "value-lock")),
    ] = "transaction"
    time_lock: Annotated[
        bool,
        Doc("measure how long the guard is waited for and held, which makes each transaction slower"),
        Unless(guard=("none", "value-lock")),
        Unless(mode="sequential"),
    ] = False
    initial_balance: Annotated[int, Ge(-LIMIT), Le(LIMIT), Doc("the balance before each round")] = 100
    transactions: Annotated[
        int, Ge(1), Le(LIMIT), Doc("what each actor withdraws, or deposits, in a round")
    ] = 10_000
    rounds: Annotated[int, Ge(1), Doc("how often the same actors start over")] = 1
    sync: Annotated[
        Literal["none", "barrier", "spin"],
        Doc("how a round starts: as the actors come up, from a barrier, or from a spinning start gate"),
        Unless(mode="sequential"),
    ] = "none"

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        super().__post_init__()
        if abs(self.initial_balance) + self.actors // 2 * self.transactions >= WIDTH:
            raise ValueError("the balance could outgrow its 32 bits")


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What race-bank measures."""

    final_balance: Annotated[int, Doc("the balance after the last round")]
    lost_updates: Annotated[
        int, Doc("at least so many transactions are missing from the final balances of all rounds")
    ]
    lossy_rounds: Annotated[int, Doc("rounds that did not end with the initial balance")]
    lossy_share: Annotated[float, Doc("lossy_rounds as a share of all rounds")]
    wall_s: Annotated[float, Unit("s"), Doc("from the first transaction to the last")]
    rounds_per_s: Annotated[float, Unit("per_s"), Doc("rounds over wall_s")]
    transactions_per_s: Annotated[float, Unit("per_s"), Doc("transactions of all actors over wall_s")]
    lock_wait_s: Annotated[
        float | None, Unit("s"), Doc("how long all actors together waited for the guard; needs time_lock")
    ]
    lock_hold_s: Annotated[
        float | None, Unit("s"), Doc("how long all actors together held the guard; needs time_lock")
    ]


class RaceBank(Scenario[Params, Metrics]):
    """Withdraw from and deposit to one shared balance.

    As many withdrawals as deposits leave the balance as it was, if none is lost. `balance.value - 1` is a read, a
    subtraction and a write. `multiprocessing.Value` locks each read and each write, but not the three together:
    another process can write in between, and its update is lost. How often that shows depends on how the actors
    start: processes that come up one after the other hardly meet (see experiments/race-odds.yaml), actors that
    start every round together, from `sync: spin`, meet in nearly every round.

    With `transactions: 1` the final balances are the interleavings themselves. 100: one transaction came after the
    other. 99: both read 100, and the withdrawal wrote last. 101: both read 100, and the deposit wrote last. A lock
    leaves only 100, and experiments/guards.yaml says at what price.
    """

    name = "race-bank"
    baseline = {"guard": "none"}  # noqa: RUF012 - read only
    work = ("transactions", "rounds", "actors")
    outcomes = {"final_balance": Doc("the balance when all actors have done a round")}  # noqa: RUF012 - read only
    summary = (
        "{lost_updates:affected} lost updates ({lossy_share:percent} of rounds), "
        "final balance {final_balance:states}, {transactions_per_s:median}"
        "[, waited {lock_wait_s:median} for the guard and held it {lock_hold_s:median}]"
    )

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Execute all rounds and count the balances that they end with."""
        with shared_number(params, trial, params.initial_balance) as balance:
            actors = [
                balance.changes(
                    amount,
                    params.transactions,
                    at_once=params.granularity == "loop",
                    time_lock=params.time_lock,
                )
                for _ in range(params.actors // 2)
                for amount in (-1, +1)
            ]
            last = trial.context(params.start_method).RawValue("q", params.initial_balance)
            settle = balance.settled(last, params.initial_balance)
            lock_wait_s = lock_hold_s = None
            if params.mode == "sequential":
                watch = trial.stopwatch()
                balances = _one_after_the_other(actors, settle, params.rounds)
                wall_s = watch.elapsed_s
            else:
                done = trial.run_actors(
                    actors,
                    kind=params.kind,
                    method=params.start_method,
                    sync=params.sync,
                    rounds=params.rounds,
                    settle=settle,
                )
                done.raise_failures()
                balances, wall_s = done.settled, done.wall_s or 0.0
                lock_wait_s, lock_hold_s = lock_times(done)
        trial.observe(final_balance=balances)
        lossy = {balance: count for balance, count in balances.items() if balance != params.initial_balance}
        lossy_rounds = sum(lossy.values())
        return Metrics(
            final_balance=last.value,
            lost_updates=sum(abs(balance - params.initial_balance) * n for balance, n in lossy.items()),
            lossy_rounds=lossy_rounds,
            lossy_share=lossy_rounds / params.rounds,
            wall_s=wall_s,
            rounds_per_s=params.rounds / wall_s,
            transactions_per_s=params.actors * params.transactions * params.rounds / wall_s,
            lock_wait_s=lock_wait_s,
            lock_hold_s=lock_hold_s,
        )


def _one_after_the_other(
    actors: Sequence[Callable[[], Any]], settle: Callable[[], int], rounds: int
) -> Mapping[int, int]:
    """Do the work of one actor after the other in this process; count the balance that each round ends with."""
    balances: dict[int, int] = {}
    for _ in range(rounds):
        for work in actors:
            work()
        state = settle()
        balances[state] = balances.get(state, 0) + 1
    return balances


def mprunner_register_scenarios() -> list[type[RaceBank]]:
    """Register the scenario with mprunner."""
    return [RaceBank]
