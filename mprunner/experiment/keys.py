"""The keys of an experiment file and their types. What the params mean is up to the scenario: see params.py.

A new key is a field here, one in :class:`~mprunner.model.experiment.Experiment`, and a line in load.py. The text
below a field is what an editor shows of it, and what docs/experiment-file.md has in its table; json_schema.py takes
the rest from its type, most of which are in value_types.py, and from the
:class:`~mprunner.experiment.messages.Keywords` beside a validator.
"""

from itertools import islice
from typing import Annotated, get_args

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from mprunner.experiment.document import Document, ScalarNode, parts, plain
from mprunner.experiment.messages import KEYS, explained, not_a_choice
from mprunner.experiment.problems import MAX_PROBLEMS, Loc, Problem, did_you_mean
from mprunner.experiment.repeats import in_file, repeats_type
from mprunner.experiment.rule_keys import ExpectEntry, OutcomeEntry, entry_type
from mprunner.experiment.value_types import (
    RULE_COUNT,
    RULE_LIST,
    Baseline,
    Blocks,
    Cpus,
    Exclusions,
    LimitsFile,
    Lines,
    Name,
    Repeats,
    ScenarioName,
    Seconds,
    TrialCount,
    Values,
)
from mprunner.model.experiment import DEFAULT_REPEATS, DEFAULT_TIMEOUT_S, Isolation, OnFailure, Order

MAX_RETRIES = 100


class ExperimentFile(BaseModel):
    """The keys of an experiment file, in the order in which people write them."""

    model_config = KEYS

    name: Name = ""
    """names the results' folder: lower-case letters, digits and hyphens"""

    description: Lines = ""
    """what the experiment asks"""

    scenario: ScenarioName
    """what to study; `mprunner scenarios` lists them"""

    params: Values = Field(default_factory=dict)
    """values that are the same in every case"""

    sweep: Blocks = Field(default_factory=list)
    """values that vary"""

    exclude: Exclusions = Field(default_factory=list)
    """combinations to leave out"""

    repeats: Repeats = DEFAULT_REPEATS
    """trials per case: a number, or until an interval is narrow"""

    warmup: Annotated[TrialCount, Field(ge=0)] = 0
    """trials per case before those; recorded and flagged, in no summary"""

    order: Order = "interleaved"
    """`interleaved`: every case once, then every case again; `shuffled`: the same, each time in an order drawn from
    `seed`; `sequential`: one case after the other"""

    seed: Annotated[int, Field(ge=0)] = 0
    """what every random choice derives from"""

    timeout: Seconds = DEFAULT_TIMEOUT_S
    """how long a trial may take: seconds, or `90s`, `2m`, `1h`; then its whole process tree is killed"""

    on_failure: OnFailure = "continue"
    """`continue`, or `stop` after the first trial that is not ok; `mprunner resume` executes the rest"""

    isolation: Isolation = "forked"
    """`forked`: the launcher has imported the scenario, and a worker is a fork of it; `fresh`: a worker is an
    interpreter of its own, which imports the scenario itself"""

    cpus: Cpus = Field(default_factory=list)
    """the numbers of the CPUs that a trial may use, such as `[0, 1]`"""

    limits: LimitsFile = Field(default_factory=LimitsFile)
    """what a trial may use: `memory_per_process`, `processes` and `output`"""

    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    """how many more times a trial is executed whose attempt was `lost`; a failure is a result, and never tried
    again"""

    baseline: Baseline = Field(default_factory=dict)
    """the cases that the others are compared with: the values that they share"""

    outcomes: dict[str, Annotated[list[OutcomeEntry], RULE_COUNT, RULE_LIST]] = Field(default_factory=dict)
    """which states of an outcome are acceptable, interesting or forbidden"""

    expect: Annotated[list[ExpectEntry], RULE_COUNT, RULE_LIST] = Field(default_factory=list)
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
    holds_refused = any(isinstance(part, ScalarNode) and part.refused for _, part in parts(node))
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
    if kind == "fault":  # what does not fit together is told at the option that brought a part of it
        loc = document.set_within(loc) or (loc if found.key is None else (*loc, found.key))
    return document.problem(loc, found.message, found.hint)


def _model_of(loc: Loc) -> type[BaseModel]:
    """Return what the keys are that a path leads into."""
    if len(loc) > 1 and loc[0] == "limits":
        return LimitsFile
    return entry_type(loc) or repeats_type(loc) or ExperimentFile
