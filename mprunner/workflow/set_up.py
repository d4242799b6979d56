"""What a scenario sets up before the first trial: what would fail in every trial fails here, once."""

import builtins
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mprunner.errors import ExperimentError
from mprunner.executors import Executor
from mprunner.model.records import Attempt, Record, Status, label_of
from mprunner.model.text import reason_of
from mprunner.model.variants import VARIANT
from mprunner.signals import Interrupt
from mprunner.values import Scalar
from mprunner.workflow.prepare import Prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What was set up for some trials.

    Attributes:
        params: the values that these trials have in common.
        wall_s: how long it took, in seconds.
    """

    params: Mapping[str, Scalar]
    wall_s: float

    def to_json(self) -> dict[str, Any]:
        """Return what run.json says of it."""
        return {"params": dict(self.params), "wall_s": self.wall_s}


def set_up(prepared: Prepared, executor: Executor, interrupt: Interrupt) -> tuple[SetUp, ...]:
    """Have an executor set up what the trials of a plan need; one of a plugin's that can't is not asked.

    Args:
        prepared: the experiment and its plan.
        executor: has been started.
        interrupt: ends it early.

    Raises:
        ExperimentError: it failed, and so would every trial that needs it.
    """
    call = getattr(executor, "set_up", None)
    scenario = prepared.scenario
    if call is None or not (scenario.declaration.set_up_params or scenario.cls.needs):
        return ()
    done: list[SetUp] = []
    with tempfile.TemporaryDirectory(prefix="mpr-logs-") as logs:
        for values, attempt in _distinct(prepared):
            record: Record = call(attempt, Path(logs), interrupt)
            if interrupt.signal is not None:
                break
            if record.status is not Status.OK:
                raise _failed(prepared, values, record)
            done.append(SetUp(params=values, wall_s=record.ending.wall_s or 0.0))
    return tuple(done)


def _distinct(prepared: Prepared) -> Iterator[tuple[Mapping[str, Scalar], Attempt]]:
    """Return each combination of values by which something is set up, or needed, with the first trial that has it."""
    seen: set[tuple[tuple[str, type, Scalar], ...]] = set()
    names, needs = prepared.scenario.declaration.set_up_params, prepared.scenario.cls.needs
    for attempt in prepared.plan.first_attempts():
        meant = prepared.relevance.of(attempt.params)
        values = {name: meant.get(name) for name in names}
        if names and values[names[0]] is None:
            values = {}
        values |= {name: meant[name] for name, packages in needs.items() if meant.get(name) in packages}
        if values and VARIANT in attempt.params:
            values[VARIANT] = attempt.params[VARIANT]
        key = tuple((name, type(value), value) for name, value in values.items())
        if values and key not in seen:
            seen.add(key)
            yield values, attempt


def _failed(prepared: Prepared, values: Mapping[str, Scalar], record: Record) -> ExperimentError:
    shown = label_of(values, [name for name, value in values.items() if value is not None])
    if record.status is Status.TIMEOUT:
        why = f"it was not done within the timeout of {record.attempt.timeout_s:g} s"
    else:
        why = reason_of(record) or record.status.value
        kind, colon, message = why.partition(": ")
        if colon and message and not hasattr(builtins, kind):
            why = message  # an exception of the scenario's own speaks for itself; KeyError's message is but the key
    return ExperimentError(
        f"{prepared.experiment.path}: {why}",
        f"nothing was executed: each trial with {shown} would fail so",
    )
