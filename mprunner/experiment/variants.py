"""``variants``: what is wrong with what a file says of its environments, and the axis that they are to a sweep."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from pydantic import BaseModel, Field, TypeAdapter

from mprunner.experiment.checking import ParamType
from mprunner.experiment.document import Document, MappingNode
from mprunner.experiment.messages import KEYS
from mprunner.experiment.problems import Problem, quoted
from mprunner.experiment.value_types import Lines, Text
from mprunner.model.experiment import Block, Experiment, names_of
from mprunner.model.variants import VARIANT, Variant, variant_field
from mprunner.values import Scalar

MAX_VARIANTS: Final = 32
"""Each has a process of its own that waits for its trials."""

VARIANTS: Final = "variants"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}\Z")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OWN: Final = ("PYTHONPATH", "TMPDIR", "PYTHONFAULTHANDLER")
"""Variables that mprunner sets in a worker."""

_WITH_VALUE: Final = ("-X", "-W")
_FLAG: Final = re.compile(r"-(?:[BOPRSbdsuvq]+|[XW].*)\Z")
"""The options of an interpreter that leave it what it is to do, and where it finds mprunner."""


_IS_OLD: Final = "import sys; sys.exit(sys.version_info < (3, 11))"
_LIMIT_S: Final = 30.0


class VariantEntry(BaseModel):
    """An environment: of an interpreter, variables and files."""

    model_config = KEYS

    python: Text = ""
    """the interpreter: a name that PATH has, such as `python3.13`, or a path; mprunner's own if it is left out"""

    env: dict[str, Lines | None] = Field(default_factory=dict)
    """environment variables, as text; null removes one"""

    flags: list[Text] = Field(default_factory=list)
    """options of the interpreter, such as `[-X, gil=0]`"""

    path: list[Text] = Field(default_factory=list)
    """folders that are first on the import path, as seen from the folder of the file"""

    revision: Text = ""
    """a revision of the git repository that the file is in, such as `HEAD~1`: modules of the repository are imported
    as they were then; the files as they are, if it is left out"""

    optional: bool = False
    """whether it is left out where PATH has no such interpreter, or one that mprunner can't use"""

    @property
    def is_missing(self) -> bool:
        """Whether it is left out on this machine: an interpreter of that name may be there and not start."""
        if not self.optional or not self.python:
            return False
        found = shutil.which(self.python)
        if found is None:
            return True
        try:
            done = subprocess.run([found, "-c", _IS_OLD], capture_output=True, timeout=_LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return True
        return done.returncode != 0

    def as_variant(self) -> Variant:
        """Return what it asks for."""
        return Variant(
            python=self.python,
            env=dict(self.env),
            flags=tuple(self.flags),
            path=tuple(self.path),
            revision=self.revision,
        )


def variant_type(document: Document, scenario: str) -> dict[str, ParamType]:
    """Return the type of the param that says in which environment a case is executed; none without environments."""
    place = document.find((VARIANTS,))
    names = list(place.node.entries) if place.path and isinstance(place.node, MappingNode) else []
    if not names:
        return {}
    return {VARIANT: ParamType(variant_field(names), TypeAdapter(str), scenario)}


def variant_problems(document: Document, variants: Mapping[str, VariantEntry]) -> Iterator[Problem]:
    """Yield what is wrong with the names, the variables and the flags of some environments."""
    if not variants and document.find((VARIANTS,)).path:
        hint = "name one, as in `variants: {before: {revision: HEAD~1}, after: {}}`"
        yield document.problem((VARIANTS,), "is empty", hint)
    for name, entry in variants.items():
        if not _NAME.match(name):
            hint = "use up to 40 letters, digits, points, hyphens and underscores, a letter or a digit first"
            yield document.problem((VARIANTS, name), f"{quoted(name)} can't be its name", hint, at_key=True)
        yield from _env_problems(document, name, entry)
        yield from _flag_problems(document, name, entry.flags)


def without_missing(experiment: Experiment, variants: Mapping[str, VariantEntry]) -> Experiment:
    """Return an experiment without the environments that this machine does not have, if those may be left out."""
    missing = tuple(name for name, entry in variants.items() if entry.is_missing)
    if not missing or len(missing) == len(variants):
        return experiment  # with none left, the first is an error that says what there is
    return replace(
        experiment,
        variants={name: each for name, each in experiment.variants.items() if name not in missing},
        exclude=(*experiment.exclude, *({VARIANT: name} for name in missing)),
        left_out=missing,
    )


def _env_problems(document: Document, name: str, entry: VariantEntry) -> Iterator[Problem]:
    for variable in entry.env:
        place = (VARIANTS, name, "env", variable)
        if not _VARIABLE.match(variable):
            hint = "use letters, digits and underscores"
            yield document.problem(place, f"{quoted(variable)} is no name of a variable", hint, at_key=True)
        elif variable in _OWN:
            hint = "`path` puts folders first" if variable == "PYTHONPATH" else "remove it"
            yield document.problem(place, "is set by mprunner itself", hint, at_key=True)


def _flag_problems(document: Document, name: str, flags: Sequence[str]) -> Iterator[Problem]:
    is_value = False
    for index, flag in enumerate(flags):
        place = (VARIANTS, name, "flags", index)
        if not is_value and not _FLAG.match(flag):
            yield document.problem(place, f"{quoted(flag)} can't be a flag", _flag_hint(flag))
        is_value = not is_value and flag in _WITH_VALUE
    if is_value:
        hint = f"write it as [{flags[-1]}, …]"
        yield document.problem((VARIANTS, name, "flags", len(flags) - 1), "its value is missing", hint)


def _flag_hint(flag: str) -> str:
    if flag in ("-E", "-I"):
        return "a worker finds mprunner by its environment, of which this takes no notice"
    if " " in flag and flag.split(maxsplit=1)[0] in _WITH_VALUE:
        return f"write it as [{', '.join(flag.split())}]"
    if not flag.startswith("-"):
        return f"did you mean -X {flag}? Write it as [-X, {flag}]"
    return "it would not be a worker: flags are -X, -W, -O, -OO, -B, -b, -s, -S, -u, -v and the like"


def with_axis(
    sweep: tuple[Block, ...], fixed: Mapping[str, Scalar], variants: Mapping[str, VariantEntry]
) -> tuple[Block, ...]:
    """Return a sweep of which each block has all environments, unless it or ``params`` says which.

    They vary fastest, so that all of a case stand next to each other where cases are interleaved.
    """
    if not variants or VARIANT in fixed:
        return sweep
    axis = {VARIANT: tuple(variants)}
    return tuple(
        block if any(VARIANT in names_of(key) for key in block) else {**block, **axis}
        for block in sweep or ({},)
    )
