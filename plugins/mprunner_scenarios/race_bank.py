"""race-bank: withdraw from and deposit to one shared balance, with and without a lock."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import BaseContext
from typing import Annotated, Literal

from annotated_types import Ge, Le

from mprunner.scenario import Doc, Scenario, Trial, Unit
from mprunner_scenarios.actors.race_bank import deposit, deposit_locked, settle, withdraw, withdraw_locked

LIMIT = 1_000_000_000
"""The shared balance has 32 bits: twice this is as far as it can get."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """What a race-bank experiment may vary."""

    mode: Annotated[
        Literal["concurrent", "sequential"],
        Doc("both actors at once, or one process that withdraws and then deposits"),
    ] = "concurrent"
    guard: Annotated[Literal["none", "lock"], Doc("what protects the balance")] = "none"
    initial_balance: Annotated[int, Ge(-LIMIT), Le(LIMIT), Doc("the balance before each round")] = 100
    transactions: Annotated[int, Ge(1), Le(LIMIT), Doc("withdrawals, and deposits, in a round")] = 10_000
    rounds: Annotated[int, Ge(1), Doc("how often the same two actors start over")] = 1
    sync: Annotated[
        Literal["none", "barrier", "spin"],
        Doc("how a round starts: as the processes come up, from a barrier, or from a spinning start gate"),
    ] = "none"
    start_method: Annotated[
        Literal["fork", "spawn", "forkserver"], Doc("how the actors' processes are started")
    ] = "fork"

    def __post_init__(self) -> None:
        """Refuse what would be the same experiment under two names."""
        if self.mode == "sequential" and (self.sync != "none" or self.start_method != "fork"):
            raise ValueError("a sequential bank starts no actors: sync and start_method mean nothing to it")


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
    transactions_per_s: Annotated[float, Unit("per_s"), Doc("withdrawals and deposits together, over wall_s")]


class RaceBank(Scenario[Params, Metrics]):
    """Withdraw from and deposit to one shared balance.

    As many withdrawals as deposits leave the balance as it was, if none is lost. `balance.value - 1` is a
    read, a subtraction and a write. `multiprocessing.Value` locks each read and each write, but not the three
    together: another process can write in between, and its update is lost.
    """

    name = "race-bank"
    outcomes = {"final_balance": Doc("the balance when both actors have done a round")}  # noqa: RUF012 - read only
    summary = (
        "{lost_updates:affected} lost updates ({lossy_share:percent} of rounds), "
        "final balance {final_balance:range}"
    )

    def run(self, params: Params, trial: Trial) -> Metrics:
        """Execute all rounds and count the balances that they end with."""
        context = trial.context(params.start_method)
        bank = _Bank(context, params)
        if params.mode == "sequential":
            watch = trial.stopwatch()
            balances = bank.sequential_rounds()
            wall_s = watch.elapsed_s
        else:
            actors = trial.run_actors(
                [bank.withdrawals, bank.deposits],
                method=params.start_method,
                sync=params.sync,
                rounds=params.rounds,
                settle=bank.settle,
            )
            actors.raise_failures()
            balances, wall_s = actors.settled, actors.wall_s or 0.0
        trial.observe(final_balance=balances)
        lossy = {balance: count for balance, count in balances.items() if balance != params.initial_balance}
        lossy_rounds = sum(lossy.values())
        return Metrics(
            final_balance=bank.last.value,
            lost_updates=sum(abs(balance - params.initial_balance) * n for balance, n in lossy.items()),
            lossy_rounds=lossy_rounds,
            lossy_share=lossy_rounds / params.rounds,
            wall_s=wall_s,
            transactions_per_s=2 * params.transactions * params.rounds / wall_s,
        )


class _Bank:
    """A shared balance, and what is done with it in a round."""

    def __init__(self, context: BaseContext, params: Params) -> None:
        self.balance = context.Value("i", params.initial_balance)
        self.last = context.Value("i", params.initial_balance)
        self._rounds = params.rounds
        self.withdrawals: Callable[[], None]
        self.deposits: Callable[[], None]
        if params.guard == "lock":
            lock = context.Lock()
            self.withdrawals = partial(withdraw_locked, self.balance, params.transactions, lock)
            self.deposits = partial(deposit_locked, self.balance, params.transactions, lock)
        else:
            self.withdrawals = partial(withdraw, self.balance, params.transactions)
            self.deposits = partial(deposit, self.balance, params.transactions)
        self.settle = partial(settle, self.balance, self.last, params.initial_balance)

    def sequential_rounds(self) -> Mapping[int, int]:
        """Withdraw, then deposit, in this process; count the balance that each round ends with."""
        balances: dict[int, int] = {}
        for _ in range(self._rounds):
            self.withdrawals()
            self.deposits()
            state = self.settle()
            balances[state] = balances.get(state, 0) + 1
        return balances


def mprunner_register_scenarios() -> list[type[RaceBank]]:
    """Register the scenario with mprunner."""
    return [RaceBank]
