"""What a journal says of a run as a whole: the header, and each session that executed a part of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mprunner.model.declaration import Declaration, with_cpus
from mprunner.model.records import fields_by_name
from mprunner.model.rules import Rules
from mprunner.values import Scalar

FORMAT = 1
"""The format that this module writes, and the only one that it reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a run is about: enough to rebuild its tables and its report without the plugin.

    Attributes:
        run_id: identifies the run.
        experiment: the resolved experiment, as JSON.
        declaration: what the scenario declared when the run began.
        planned: how many trials the plan has, warm-up trials included.
        python: the version that executes the trials, such as ``3.12.1``.
        host: the machine's name.
        cpus: how many CPUs ``cpu_count`` means in this run; None if that was not noted.
        plugin_file: the plugin's file, where ``--plugin`` gave it.
        conditions: the code and the Python that the results are of; see :mod:`mprunner.model.provenance`.
        format: of the journal.
    """

    run_id: str
    experiment: Mapping[str, Any]
    declaration: Declaration
    planned: int
    python: str
    host: str
    cpus: int | None = None
    plugin_file: str | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def baseline(self) -> Mapping[str, Scalar]:
        """What the experiment's cases are compared with, ``cpu_count`` resolved; empty if it has no baseline."""
        return with_cpus(self.experiment.get("baseline") or {}, self.declaration.params, self.cpus or 1)

    @property
    def rules(self) -> Rules:
        """What the experiment expects, ``cpu_count`` resolved."""
        return Rules.from_json(self.experiment).resolved(self.declaration.params, self.cpus or 1)

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back."""
        return fields_by_name(self) | {"declaration": self.declaration.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Header":
        """Rebuild a header.

        Raises:
            KeyError, TypeError, ValueError: the value is not the JSON form of a header.
        """
        return cls(**{**value, "declaration": Declaration.from_json(value["declaration"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A part of a run that one invocation of mprunner executed.

    Attributes:
        python: the version that executed its trials.
        host: the machine's name.
        conditions: the code and the Python that its results are of.
        first_record: the number of its first record in the journal, from 0.
    """

    python: str
    host: str
    conditions: Mapping[str, str]
    first_record: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write; its line in the journal says how many records were before it."""
        return {"python": self.python, "host": self.host, "conditions": self.conditions}
