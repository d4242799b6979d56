"""Variants: environments in which every case of an experiment is executed, and the param that says in which.

A variant is a pseudo-param: a column like any other, that a sweep, a rule or an option can name. Its scenario never
sees it, since what differs is around the scenario.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mprunner.model.declaration import Declaration, Field
from mprunner.values import Scalar

VARIANT: Final = "variant"
"""The name of the param that says in which environment a case is executed; no scenario has one of that name."""

_GIL_FLAG = re.compile(r"gil=([01])\Z")
_SWITCHES: Final = {"0": False, "1": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """An environment in which cases are executed.

    Attributes:
        python: the interpreter: a name that PATH has, or a path; empty for that of the runner.
        env: environment variables and their values; None removes one.
        flags: options of the interpreter.
        path: folders that are first on the import path.
        revision: which revision of the experiment's repository is imported, as the file says it; empty for the files
            as they are.
        commit: the commit that this was when the experiment was planned; empty until then.
    """

    python: str = ""
    env: Mapping[str, str | None] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    revision: str = ""
    commit: str = ""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What makes a case another one than that of another variant: a revision counts as its commit."""
        return {
            "python": self.python,
            "env": dict(self.env),
            "flags": list(self.flags),
            "path": list(self.path),
            "commit": self.commit or self.revision,
        }

    @property
    def wants_gil(self) -> bool | None:
        """Whether it asks for a GIL, or for none; None where it leaves that to its interpreter.

        A flag counts more than a variable, as it does for the interpreter.
        """
        wanted = _SWITCHES.get(self.env.get("PYTHON_GIL") or "")
        for flag, value in zip(("", *self.flags), (*self.flags, ""), strict=True):
            given = value if flag == "-X" else flag.removeprefix("-X")
            if (flag == "-X" or flag.startswith("-X")) and (found := _GIL_FLAG.match(given)):
                wanted = _SWITCHES[found[1]]
        return wanted

    def __str__(self) -> str:
        """Say what it is, in the words of the file."""
        env = " ".join(
            f"{name}={value}" if value is not None else f"-{name}" for name, value in self.env.items()
        )
        parts = (
            f"revision {self.revision}{f' ({self.commit[:12]})' if self.commit else ''}"
            if self.revision
            else "",
            " ".join((self.python, *self.flags)).strip(),
            f"env {env}" if env else "",
            f"path {' '.join(self.path)}" if self.path else "",
        )
        return ", ".join(filter(None, parts)) or "as it is here"


def variant_field(names: Sequence[str] = ()) -> Field:
    """Return the param that says in which of some environments a case is executed."""
    return Field(
        name=VARIANT,
        type="str",
        choices=tuple(names) or None,
        required=False,
        default=names[0] if names else None,
        doc="the environment in which the case is executed, one of the experiment's `variants`",
    )


def with_variants(declaration: Declaration, names: Iterable[str]) -> Declaration:
    """Return what a scenario declares with the param that says in which environment a case is executed, if any."""
    chosen = tuple(names)
    if not chosen:
        return declaration
    return replace(declaration, params=(*declaration.params, variant_field(chosen)))


def without_variant(params: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the params of a case that are its scenario's."""
    return {name: value for name, value in params.items() if name != VARIANT}
