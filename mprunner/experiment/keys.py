"""The keys of an experiment file and their types. What the params mean is up to the scenario: see params.py.

A new key is a field here, one in :class:`~mprunner.model.experiment.Experiment`, and a line in load.py. The text
below a field is what an editor shows of it, and what docs/experiment-file.md has in its table; json_schema.py takes
the rest from its type, most of which are in value_types.py, and from the
:class:`~mprunner.experiment.messages.Keywords` beside a validator.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final, Literal, cast, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import ErrorDetails

from mprunner.experiment.document import Document, ScalarNode, parts, plain
from mprunner.experiment.messages import KEYS, Keywords, explained, fault, not_a_choice
from mprunner.experiment.problems import Loc, Problem, did_you_mean
from mprunner.experiment.value_types import (
    MAX_RULES,
    MOST_PROCESSES,
    Baseline,
    Blocks,
    Cpus,
    Ends,
    Exclusions,
    LeastRepeats,
    Lines,
    Memory,
    MostRepeats,
    Name,
    Number,
    Operand,
    Output,
    Ratio,
    Scalars,
    Seconds,
    Text,
    Tolerance,
    TrialCount,
    True_,
    Values,
    Where,
)
from mprunner.experiment.variants import MAX_VARIANTS, VariantEntry
from mprunner.model.adaptive import MIN_REPEATS, Until
from mprunner.model.experiment import DEFAULT_REPEATS, DEFAULT_TIMEOUT_S, Isolation, OnFailure, Order
from mprunner.model.records import DEFAULT_OUTPUT_BYTES, DEFAULT_PROCESSES, Status
from mprunner.model.rules import Condition, OutcomeVerdict, ParamValue, Stat

MAX_RETRIES = 100


class LimitsFile(BaseModel):
    """The keys of ``limits``."""

    model_config = KEYS

    memory_per_process: Memory | None = None
    """private data of each process of a trial: bytes, or a size such as `1GiB`"""

    processes: Annotated[int, Field(ge=1, le=MOST_PROCESSES)] = DEFAULT_PROCESSES
    """how many processes a trial may have at once"""

    output: Output = DEFAULT_OUTPUT_BYTES
    """what a trial may print: bytes, or a size such as `1MiB`"""


class UntilEntry(BaseModel):
    """When a case has enough repeats."""

    model_config = KEYS

    metric: str
    """a metric of the scenario that is a number"""

    ci_ratio: Ratio = cast("Any", None)  # a union would be named in what is said of a wrong value
    """half of the interval's width, as a share of the median, that is narrow enough: 0.05 is ±5 %"""

    find: Literal["fastest"] = cast("Any", None)
    """instead of `ci_ratio`: a case has enough once it is clearly not the one with the smallest values"""

    @model_validator(mode="after")
    def _asks_for_one(self) -> "UntilEntry":
        if bool(self.ci_ratio) == bool(self.find):
            raise fault(
                "it needs `ci_ratio` or `find`, and not both", "write `ci_ratio: 0.05`, or `find: fastest`"
            )
        return self


class RepeatsEntry(BaseModel):
    """How many repeats at least and at most, and when a case has enough."""

    model_config = KEYS

    min: LeastRepeats = MIN_REPEATS
    """the repeats that every case gets"""

    max: MostRepeats
    """the most that a case gets"""

    until: UntilEntry
    """when a case has enough"""

    @model_validator(mode="after")
    def _fits_together(self) -> "RepeatsEntry":
        if self.min > self.max:
            raise fault(
                f"`min` {self.min} is more than `max` {self.max}", f"raise `max` to {self.min} or more"
            )
        return self

    def as_until(self) -> Until:
        """Return what it asks for."""
        return Until(least=self.min, metric=self.until.metric, ci_ratio=self.until.ci_ratio or None)


def _fixed_or_adaptive(value: object) -> str:
    """Return which of the two forms of ``repeats`` a value is meant to have."""
    return "a mapping" if isinstance(value, dict | RepeatsEntry) else "a number"


_Repeats = Annotated[
    Annotated[TrialCount, Field(ge=1), Tag("a number")] | Annotated[RepeatsEntry, Tag("a mapping")],
    Discriminator(_fixed_or_adaptive),
]

_RULES = Field(min_length=1, max_length=MAX_RULES)

CONDITIONS = ("equals", "one_of", "min", "max", "between")
"""The keys that say what a value must be."""


class ConditionEntry(BaseModel):
    """What a value must be, and in which cases."""

    model_config = KEYS

    equals: Operand = None
    """this value, or `{param: NAME}`: the value that the case has for a param"""

    tolerance: Tolerance = 0.0
    """by how much a number may differ from `equals`"""

    one_of: Scalars = Field(default_factory=list)
    """one of these values"""

    min: Number = None
    """at least this number"""

    max: Number = None
    """at most this number"""

    between: Ends = Field(default_factory=list)
    """a number between the two of `[least, most]`, ends included"""

    where: Where = Field(default_factory=dict)
    """the cases that are meant: params with a value, or with a list of which any will do"""

    @property
    def conditions(self) -> list[str]:
        """The keys given that say what a value must be."""
        return [name for name in CONDITIONS if name in self.model_fields_set]

    @property
    def given(self) -> dict[str, Any]:
        """The conditions given and the tolerance, with their values."""
        names = [*self.conditions, *({"tolerance"} & self.model_fields_set)]
        return {name: getattr(self, name) for name in names}

    def condition(self) -> Condition | None:
        """Return what a value must be; None where nothing is said of that."""
        if not self.conditions:
            return None
        least, most = self.between or (self.min, self.max)
        equals = ParamValue(self.equals["param"]) if isinstance(self.equals, dict) else self.equals
        return Condition(
            equals=equals, tolerance=self.tolerance, one_of=tuple(self.one_of), min=least, max=most
        )


class OutcomeEntry(ConditionEntry):
    """One rule of an outcome variable."""

    otherwise: True_ = False
    """any state; write `true`"""

    verdict: OutcomeVerdict
    """what such a state is: `forbidden` fails the run"""

    note: Annotated[Text, Keywords({"minLength": 1})] = ""
    """what it means"""


class ExpectEntry(ConditionEntry):
    """One expectation."""

    metric: Text = ""
    """a metric of the scenario"""

    status: Annotated[Text, Keywords({"enum": [each.value for each in Status]})] = ""
    """the status in which trials are expected to end"""

    stat: Stat = "every"
    """what is made of the trials: `every` one or `any` by itself, or one number of all, such as the `ratio` to the
    baseline; of a status only every, any or share"""


class ExperimentFile(BaseModel):
    """The keys of an experiment file, in the order in which people write them."""

    model_config = KEYS

    name: Name = ""
    """names the results' folder: lower-case letters, digits and hyphens"""

    description: Lines = ""
    """what the experiment asks"""

    scenario: Text
    """what to study; `mprunner scenarios` lists them"""

    params: Values = Field(default_factory=dict)
    """values that are the same in every case"""

    sweep: Blocks = Field(default_factory=list)
    """values that vary"""

    exclude: Exclusions = Field(default_factory=list)
    """combinations to leave out"""

    repeats: _Repeats = DEFAULT_REPEATS
    """trials per case: a number, or until an interval is narrow"""

    warmup: Annotated[TrialCount, Field(ge=0)] = 0
    """trials per case before those; recorded and flagged, in no summary"""

    order: Order = "interleaved"
    """`interleaved`: every case once, then every case again; `shuffled`: the same, each time in an order drawn from
    `seed`; `sequential`: one case after the other"""

    seed: Annotated[int, Field(ge=0)] = 0
    """what every random choice derives from"""

    timeout: Seconds = DEFAULT_TIMEOUT_S
    """how long a trial may take: seconds, or `500ms`, `90s`, `2m`, `1h`; then its whole process tree is killed"""

    on_failure: OnFailure = "stop-if-all"
    """`continue`; `stop` after the first trial that is not ok; or `stop-if-all`: stop if every trial raised an
    exception until each case had one, and there were two or more. `mprunner resume` executes the rest"""

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

    variants: Annotated[dict[str, VariantEntry], Field(max_length=MAX_VARIANTS)] = Field(default_factory=dict)
    """environments in which every case is executed, by name: `python`, `env`, `flags`, `path`, `revision`"""

    baseline: Baseline = Field(default_factory=dict)
    """the cases that the others are compared with: the values that they share; `{}` for none, where the scenario
    would name some"""

    outcomes: dict[str, Annotated[list[OutcomeEntry], _RULES]] = Field(default_factory=dict)
    """which states of an outcome are acceptable, interesting or forbidden"""

    expect: Annotated[list[ExpectEntry], _RULES] = Field(default_factory=list)
    """what metrics and statuses must come to"""


def check_structure(
    document: Document, params: Collection[str] = ()
) -> tuple[ExperimentFile | None, list[Problem]]:
    """Check the keys of a file and their types.

    Args:
        document: the file.
        params: the names of the scenario's params, which are no keys of the file.

    Returns:
        the checked keys, or None and every problem in them.
    """
    try:
        return ExperimentFile.model_validate(plain(document.root)), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        return None, [_problem(document, each, params) for each in errors if not _is_told(document, each)]


def _is_told(document: Document, details: ErrorDetails) -> bool:
    """Return whether an error is of what the reader has reported, which pydantic takes for null."""
    kind, loc = details["type"], _in_file(details["loc"])
    if kind == "extra_forbidden":
        return document.is_refused(loc, at_key=True)
    if kind == "missing":
        return False
    node = document.find(loc).node
    holds_refused = any(isinstance(part, ScalarNode) and part.refused for _, part in parts(node))
    return document.is_refused(loc) or (kind == "fault" and holds_refused)


def _problem(document: Document, details: ErrorDetails, params: Collection[str]) -> Problem:
    kind, loc = details["type"], _in_file(details["loc"])
    model = _model_of(loc)
    if kind == "missing":
        return document.problem(loc[:-1], f"required key '{loc[-1]}' is missing", at_key=True)
    if kind == "extra_forbidden":
        known = list(model.model_fields)
        if model is ExperimentFile and loc[-1] in params:
            name, message = f"params.{loc[-1]}", "is a param of the scenario, and no key of the file"
            way = f"write `--set {name}=…`" if document.is_set(loc) else f"{name} is written under `params`"
            return document.problem(loc, message, way, at_key=True)
        hint = did_you_mean(str(loc[-1]), known) or f"the keys are {', '.join(known)}"
        return document.problem(loc, "unknown key", hint, at_key=True)
    place = document.find(loc)
    if kind == "literal_error":
        found = not_a_choice(get_args(model.model_fields[str(loc[-1])].annotation), place.node)
    else:
        found = explained(kind, details.get("ctx", {}), details["msg"], place.node)
    if kind == "fault":  # what does not fit together is told at the option that brought a part of it
        loc = document.set_within(loc) or loc
    return document.problem(loc, found.message, found.hint)


_MODELS: Final[Mapping[tuple[str, int], type[BaseModel]]] = {
    ("limits", 2): LimitsFile,
    ("variants", 3): VariantEntry,
    ("repeats", 2): RepeatsEntry,
    ("outcomes", 3): OutcomeEntry,
    ("expect", 2): ExpectEntry,
}
"""What the keys are that a path leads into, by its first part and the least length of one that does."""


def _model_of(loc: Loc) -> type[BaseModel]:
    """Return what the keys are that a path leads into."""
    match loc:
        case ("repeats", "until", _, *_):
            return UntilEntry
    found = (model for (first, least), model in _MODELS.items() if loc[:1] == (first,) and len(loc) >= least)
    return next(found, ExperimentFile)


def _in_file(loc: Loc) -> Loc:
    """Return the path in a file that pydantic's path means: that one also names the form of ``repeats``."""
    return (loc[0], *loc[2:]) if loc[0] == "repeats" else loc
