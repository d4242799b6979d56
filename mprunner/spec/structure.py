"""The keys of an experiment file and their types. What the params mean is up to the scenario: see params.py.

A new key is a field here, one in :class:`~mprunner.spec.model.Experiment`, and a line in reading.py.
"""

import re
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
)
from pydantic_core import ErrorDetails

from mprunner.spec.adaptive import RepeatsEntry, fixed_or_adaptive, in_file, repeats_type
from mprunner.spec.entries import MAX_RULES, ExpectEntry, OutcomeEntry, entry_type
from mprunner.spec.messages import explained, fault, not_a_choice, text_fault
from mprunner.spec.model import DEFAULT_REPEATS, DEFAULT_TIMEOUT_S, Isolation, OnFailure, Order
from mprunner.spec.nodes import Document, plain
from mprunner.spec.problems import Problem, did_you_mean, quoted

NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
MAX_NAME = 100
MAX_TRIALS_PER_CASE = 1_000_000
MAX_RETRIES = 100
MAX_EXCLUSIONS = 100
MAX_TIMEOUT_S = 7 * 24 * 3600.0

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smh])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def _name(value: str) -> str:
    if len(value) > MAX_NAME:
        raise fault(f"is longer than {MAX_NAME} characters", "it names the results folder")
    if not NAME.match(value):
        raise fault(
            f"{quoted(value)} can't be a name",
            "use lower-case letters, digits and hyphens, such as 'my-bank'",
        )
    return value


def _scenario_name(value: str) -> str:
    if len(value) > MAX_NAME:
        raise fault(f"is longer than {MAX_NAME} characters", "it is the name of a scenario")
    if found := text_fault(value):
        raise fault(found.message, found.hint)
    return value


def _lines(value: str) -> str:
    if found := text_fault(value, lines=True):
        raise fault(found.message, found.hint)
    return value


def _scalar(value: object) -> object:
    if isinstance(value, dict):
        raise fault("must be one value, not a mapping")
    if isinstance(value, list):
        raise fault("must be one value, not a list", "a param with several values belongs under sweep")
    return value


def _not_empty(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise fault("is empty", "name a param and its values, or remove it")
    return value


def _exclusions(value: list[Any]) -> list[Any]:
    if len(value) > MAX_EXCLUSIONS:
        raise fault(
            f"has {len(value):,} mappings; the most is {MAX_EXCLUSIONS}", "sweep rows of values instead"
        )
    if not value:
        raise fault("is empty", "give it mappings of params to values, or remove it")
    return value


def _rules(value: list[Any]) -> list[Any]:
    if not value:
        raise fault("is empty", "give it mappings, or remove it")
    if len(value) > MAX_RULES:
        raise fault(f"has {len(value):,} mappings; the most is {MAX_RULES}")
    return value


def _blocks(value: object) -> object:
    if value in ({}, []):
        raise fault("is empty", "name a param and its values, or remove it")
    if isinstance(value, dict):
        return [value]
    if value is not None and not isinstance(value, list):
        raise fault("must be a mapping of params to values, or a list of such mappings")
    return value


def _seconds(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.match(value) if isinstance(value, str) else None
    if match:
        return float(match[1]) * _SECONDS[match[2]]
    if isinstance(value, str):
        raise fault(f"{quoted(value)} is not a time", 'write seconds, such as 90, or "90s", "2m" or "1h"')
    return value


_OneValue = Annotated[Any, BeforeValidator(_scalar)]
_Block = Annotated[dict[str, Any], AfterValidator(_not_empty)]  # what is in it: see swept.py
_OneEach = Annotated[dict[str, _OneValue], AfterValidator(_not_empty)]
_TrialCount = Annotated[int, Field(le=MAX_TRIALS_PER_CASE)]


class ExperimentFile(BaseModel):
    """The keys of an experiment file, in the order in which people write them."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)] = ""
    description: Annotated[str, AfterValidator(_lines)] = ""
    scenario: Annotated[str, AfterValidator(_scenario_name)]
    params: dict[str, _OneValue] = Field(default_factory=dict)
    sweep: Annotated[list[_Block], BeforeValidator(_blocks)] = Field(default_factory=list)
    exclude: Annotated[list[_OneEach], AfterValidator(_exclusions)] = Field(default_factory=list)
    repeats: Annotated[
        Annotated[_TrialCount, Field(ge=1), Tag("a number")] | Annotated[RepeatsEntry, Tag("a mapping")],
        Discriminator(fixed_or_adaptive),
    ] = DEFAULT_REPEATS
    warmup: Annotated[_TrialCount, Field(ge=0)] = 0
    order: Order = "interleaved"
    seed: Annotated[int, Field(ge=0)] = 0
    timeout: Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=MAX_TIMEOUT_S)] = DEFAULT_TIMEOUT_S
    on_failure: OnFailure = "continue"
    isolation: Isolation = "forked"
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    baseline: _OneEach = Field(default_factory=dict)
    outcomes: dict[str, Annotated[list[OutcomeEntry], AfterValidator(_rules)]] = Field(default_factory=dict)
    expect: Annotated[list[ExpectEntry], AfterValidator(_rules)] = Field(default_factory=list)


def check_structure(document: Document) -> tuple[ExperimentFile | None, list[Problem]]:
    """Check the keys of a file and their types.

    Returns:
        the checked keys, or None and every problem in them.
    """
    try:
        return ExperimentFile.model_validate(plain(document.root)), []
    except ValidationError as error:
        return None, [_problem(document, details) for details in error.errors(include_url=False)]


def _problem(document: Document, details: ErrorDetails) -> Problem:
    kind, loc = details["type"], in_file(details["loc"])
    model = entry_type(loc) or repeats_type(loc) or ExperimentFile
    if kind == "missing":
        return document.problem(loc[:-1], f"required key '{loc[-1]}' is missing", at_key=True)
    if kind == "extra_forbidden":
        known = list(model.model_fields)
        hint = did_you_mean(str(loc[-1]), known) or f"the keys are {', '.join(known)}"
        return document.problem(loc, "unknown key", hint, at_key=True)
    place = document.find(loc)
    if kind == "literal_error":
        found = not_a_choice(get_args(model.model_fields[str(loc[-1])].annotation), place.node)
    else:
        found = explained(kind, details.get("ctx", {}), details["msg"], place.node)
    return document.problem(loc, found.message, found.hint)
