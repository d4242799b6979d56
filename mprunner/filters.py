"""Which combinations a run takes of those that its experiment makes: what ``--only`` says of their values."""

from collections.abc import Iterator, Mapping
from typing import Any

from mprunner.declarations import Field, cpu_counter
from mprunner.errors import NothingSelectedError
from mprunner.spec import Experiment
from mprunner.spec.messages import as_yaml, list_of_names
from mprunner.values import Scalar


class Filters:
    """Take the combinations that have, of each ``--only``, one of its values.

    Attributes:
        left_out: how many it was shown and did not take.
    """

    def __init__(self, experiment: Experiment, fields: tuple[Field, ...], cpus: int) -> None:
        self.left_out = 0
        self._only = experiment.only
        value_of = cpu_counter(fields, cpus)
        self._wanted = [
            (name, {value_of(name, value) for value in values}) for name, values in _pairs(self._only)
        ]
        self._seen: dict[str, dict[Any, None]] = {name: {} for name, _ in self._wanted}

    def takes(self, params: Mapping[str, Scalar]) -> bool:
        """Return whether a combination, with defaults and ``cpu_count`` resolved, is taken."""
        if not self._wanted:
            return True
        for name, seen in self._seen.items():
            seen[params[name]] = None
        if all(params[name] in values for name, values in self._wanted):
            return True
        self.left_out += 1
        return False

    def nothing(self) -> NothingSelectedError:
        """Return the error that says that no combination was taken, and what values they have."""
        filters = " ".join(f"--only {name}={_list(list(values))}" for name, values in _pairs(self._only))
        have = "; ".join(
            f"{name} {list_of_names([as_yaml(value) for value in values])}"
            for name, values in self._seen.items()
        )
        return NothingSelectedError(f"no case has what is asked for by {filters}", f"the cases have {have}")


def _pairs(only: tuple[Mapping[str, Any], ...]) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    return ((name, values) for each in only for name, values in each.items())


def _list(values: list[Scalar]) -> str:
    shown = list_of_names([as_yaml(value) for value in values])
    return shown if len(values) == 1 else f"[{shown}]"
