"""The keys of an experiment file and their types. What the params mean is up to the scenario: see params.py.

A new key is a field here, one in :class:`~mprunner.spec.model.Experiment`, and a line in reading.py. The text below
a field is what an editor shows of it, and what docs/experiment-file.md has in its table; json_schema.py takes the
rest from its type, and from what stands as :class:`~mprunner.spec.keywords.Keywords` beside a validator.
"""

import re
from itertools import islice
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from mprunner.spec.adaptive import RepeatsEntry, fixed_or_adaptive, in_file, repeats_type
from mprunner.spec.entries import MAX_RULES, ExpectEntry, OutcomeEntry, entry_type
from mprunner.spec.keywords import KEYS, SCALAR_TYPES, Keywords
from mprunner.spec.limits import LimitsFile
from mprunner.spec.messages import explained, fault, not_a_choice, text_fault
from mprunner.spec.model import DEFAULT_REPEATS, DEFAULT_TIMEOUT_S, Isolation, OnFailure, Order
from mprunner.spec.nodes import Document, ScalarNode, children, plain
from mprunner.spec.problems import MAX_PROBLEMS, Loc, Problem, did_you_mean, quoted

NAME = re.compile(r"[a-z0-9][a-z0-9-]*\Z")
MAX_NAME = 100
MAX_TRIALS_PER_CASE = 1_000_000
MAX_RETRIES = 100
MAX_EXCLUSIONS = 100
MAX_CPU = 8191
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


def _cpus(value: list[int]) -> list[int]:
    if not value:
        raise fault("is empty", "name the CPUs that a worker may use, or remove it for all of them")
    if len(value) > MAX_CPU + 1:
        raise fault(f"has {len(value):,} numbers; the most is {MAX_CPU + 1:,}", "name each CPU once")
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


_OneValue = Annotated[Any, BeforeValidator(_scalar), WithJsonSchema({"type": SCALAR_TYPES})]
_NotEmpty = Keywords({"minProperties": 1})
_Block = Annotated[dict[str, Any], AfterValidator(_not_empty), _NotEmpty]  # what is in it: see swept.py
_OneEach = Annotated[dict[str, _OneValue], AfterValidator(_not_empty), _NotEmpty]
_Cpu = Annotated[int, Field(ge=0, le=MAX_CPU)]
_Cpus = Annotated[list[_Cpu], AfterValidator(_cpus), Keywords({"minItems": 1, "uniqueItems": True})]
_TrialCount = Annotated[int, Field(le=MAX_TRIALS_PER_CASE)]
_Repeats = Annotated[
    Annotated[_TrialCount, Field(ge=1), Tag("a number")] | Annotated[RepeatsEntry, Tag("a mapping")],
    Discriminator(fixed_or_adaptive),
]
_RuleList = Keywords({"minItems": 1, "maxItems": MAX_RULES})
_Name = Annotated[
    str,
    AfterValidator(_name),
    Keywords({"maxLength": MAX_NAME, "pattern": "^[a-z0-9][a-z0-9-]*$"}),
]
_Blocks = Annotated[
    list[_Block],
    BeforeValidator(_blocks),
    WithJsonSchema({"type": ["object", "array"], "minProperties": 1, "minItems": 1}),
]
_Exclusions = Annotated[
    list[_OneEach],
    AfterValidator(_exclusions),
    Keywords({"minItems": 1, "maxItems": MAX_EXCLUSIONS}),
]
_Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, le=MAX_TIMEOUT_S),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_S},
                {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?[smh]$"},
            ]
        }
    ),
]


class ExperimentFile(BaseModel):
    """The keys of an experiment file, in the order in which people write them."""

    model_config = KEYS

    name: _Name = ""
    """names the results' folder: lower-case letters, digits and hyphens"""

    description: Annotated[str, AfterValidator(_lines)] = ""
    """what the experiment asks"""

    scenario: Annotated[str, AfterValidator(_scenario_name)]
    """what to study; `mprunner scenarios` lists them"""

    params: dict[str, _OneValue] = Field(default_factory=dict)
    """values that are the same in every case"""

    sweep: _Blocks = Field(default_factory=list)
    """values that vary"""

    exclude: _Exclusions = Field(default_factory=list)
    """combinations to leave out"""

    repeats: _Repeats = DEFAULT_REPEATS
    """trials per case: a number, or until an interval is narrow"""

    warmup: Annotated[_TrialCount, Field(ge=0)] = 0
    """trials per case before those; recorded and flagged, in no summary"""

    order: Order = "interleaved"
    """`interleaved`: every case once, then every case again; `shuffled`: the same, each time in an order drawn from
    `seed`; `sequential`: one case after the other"""

    seed: Annotated[int, Field(ge=0)] = 0
    """what every random choice derives from"""

    timeout: _Seconds = DEFAULT_TIMEOUT_S
    """how long a trial may take: seconds, or `90s`, `2m`, `1h`; then its whole process tree is killed"""

    on_failure: OnFailure = "continue"
    """`continue`, or `stop` after the first trial that is not ok; `mprunner resume` executes the rest"""

    isolation: Isolation = "forked"
    """`forked`: the launcher has imported the scenario, and a worker is a fork of it; `fresh`: a worker is an
    interpreter of its own, which imports the scenario itself"""

    cpus: _Cpus = Field(default_factory=list)
    """the numbers of the CPUs that a trial may use, such as `[0, 1]`"""

    limits: LimitsFile = Field(default_factory=LimitsFile)
    """what a trial may use: `memory_per_process`, `processes` and `output`"""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    """how many more times a trial is executed whose attempt was `lost`; a failure is a result, and never tried
    again"""

    baseline: _OneEach = Field(default_factory=dict)
    """the cases that the others are compared with: the values that they share"""

    outcomes: dict[str, Annotated[list[OutcomeEntry], AfterValidator(_rules), _RuleList]] = Field(
        default_factory=dict
    )
    """which states of an outcome are acceptable, interesting or forbidden"""

    expect: Annotated[list[ExpectEntry], AfterValidator(_rules), _RuleList] = Field(default_factory=list)
    """what metrics and statuses must come to"""


def check_structure(document: Document) -> tuple[ExperimentFile | None, list[Problem]]:
    """Check the keys of a file and their types.

    Returns:
        the checked keys, or None and every problem in them.
    """
    try:
        return ExperimentFile.model_validate(plain(document.root)), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        untold = (details for details in errors if not _is_told(document, details))
        return None, [_problem(document, details) for details in islice(untold, MAX_PROBLEMS)]


def _is_told(document: Document, details: ErrorDetails) -> bool:
    """Return whether an error is of what the reader has reported, which pydantic takes for null."""
    kind, loc = details["type"], in_file(details["loc"])
    if kind == "extra_forbidden":
        return document.is_refused(loc, at_key=True)
    if kind == "missing":
        return False
    node = document.find(loc).node
    holds_refused = any(isinstance(child, ScalarNode) and child.refused for child in children(node))
    return document.is_refused(loc) or (kind == "fault" and holds_refused)


def _problem(document: Document, details: ErrorDetails) -> Problem:
    kind, loc = details["type"], in_file(details["loc"])
    model = _model_of(loc)
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


def _model_of(loc: Loc) -> type[BaseModel]:
    """Return what the keys are that a path leads into."""
    if len(loc) > 1 and loc[0] == "limits":
        return LimitsFile
    return entry_type(loc) or repeats_type(loc) or ExperimentFile
