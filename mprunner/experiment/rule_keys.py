"""The keys of an outcome's rules and of expectations, and their types; rules.py says what their values mean."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from mprunner.experiment.messages import (
    KEYS,
    NUMBER,
    SCALAR_TYPES,
    TEXT,
    TRUE_OR_FALSE,
    VALUE_TYPES,
    Keywords,
    fault,
    text_fault,
)
from mprunner.model.records import Status
from mprunner.model.rules import OF_EACH, Condition, OutcomeVerdict, Stat

Given = Mapping[str, Any]
"""The keys of a condition that a file gives, with their values."""


def refuse_senseless(given: Given) -> None:
    """Refuse a condition that nothing can meet.

    Raises:
        PydanticCustomError: why, at one of its keys.
    """
    equals = given.get("equals")
    if isinstance(equals, dict):
        equals = None  # which value a case has is not known here
    if "tolerance" in given and isinstance(equals, str | bool):
        kind = TEXT if isinstance(equals, str) else TRUE_OR_FALSE
        raise fault(f"says how near a number must be, and `equals` is {kind}", "remove it", key="tolerance")
    values = given.get("one_of", [])
    if equals is None and not values:
        return
    least, most = given.get("between") or (given.get("min"), given.get("max"))
    others = Condition(equals=equals, tolerance=given.get("tolerance", 0.0), min=least, max=most)
    if not any(others.holds(each, {}) for each in values or (equals, least, most)):
        named = [f"`{key}`" for key in given if key != "tolerance"]
        message = f"{', '.join(named[:-1])} and {named[-1]} can't hold together"
        raise fault(message, "remove what is not meant", key="one_of" if values else "equals")


def refuse_no_share(given: Given) -> None:
    """Refuse a share that is not between 0 and 1.

    Raises:
        PydanticCustomError: at the key that has it.
    """
    for key, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            is_number = isinstance(each, int | float) and not isinstance(each, bool)
            if is_number and key != "tolerance" and not 0 <= each <= 1:
                hint = f"write {each / 100:g} for {each:g} %" if 1 < each <= 100 else None
                raise fault(f"{each} is no share: a share is between 0 and 1", hint, key=key)


MAX_RULES = 100

CONDITIONS = ("equals", "one_of", "min", "max", "between")
"""The keys that say what a value must be."""


def _one_or_param(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"param"} and isinstance(value["param"], str):
        return value
    if isinstance(value, dict | list):
        raise fault("must be one value, or {param: NAME} for the value that the case has for a param")
    if value is None:
        raise fault("has no value", "write the value, or {param: NAME}")
    return value


def _number(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise fault(f"must be {NUMBER}", "write digits, such as 10 or 0.5")


def _scalars(value: list[Any]) -> list[Any]:
    if not value or any(isinstance(item, dict | list) or item is None for item in value):
        raise fault("must be a list of values", "write it as [first, second]")
    return value


def _ends(value: list[Any]) -> list[Any]:
    if len(value) != 2:
        raise fault("must be two numbers, the least and the most", "write it as [0, 10]")
    if value[0] > value[1]:
        raise fault(f"{value[0]} is more than {value[1]}", f"write [{value[1]}, {value[0]}]")
    return value


def _where(value: dict[str, Any]) -> dict[str, Any]:
    if not value:
        raise fault("is empty", "name a param and its value, or remove it")
    return value


def _fit_text(value: str) -> str:
    if found := text_fault(value):
        raise fault(found.message, found.hint)
    return value


def _only_true(value: object) -> object:
    if value is not True:
        raise fault("must be true", "leave it out of a rule that has a condition")
    return value


_VALUE = {"type": VALUE_TYPES, "minLength": 1}
_PARAM = {
    "type": "object",
    "properties": {"param": {"type": "string", "description": "the value that the case has for this param"}},
    "required": ["param"],
    "additionalProperties": False,
}
_Operand = Annotated[Any, BeforeValidator(_one_or_param), WithJsonSchema({"anyOf": [_VALUE, _PARAM]})]
_Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number"})]
_Scalars = Annotated[list[Any], AfterValidator(_scalars), Keywords({"items": _VALUE, "minItems": 1})]
_Ends = Annotated[list[_Number], AfterValidator(_ends), Keywords({"minItems": 2, "maxItems": 2})]
_Where = Annotated[
    dict[str, Any],
    AfterValidator(_where),
    Keywords({"minProperties": 1, "additionalProperties": {"type": [*SCALAR_TYPES, "array"]}}),
]


class _Entry(BaseModel):
    model_config = KEYS

    equals: _Operand = None
    """this value, or `{param: NAME}`: the value that the case has for a param"""

    tolerance: Annotated[float, Field(ge=0)] = 0.0
    """by how much a number may differ from `equals`"""

    one_of: _Scalars = Field(default_factory=list)
    """one of these values"""

    min: _Number = None
    """at least this number"""

    max: _Number = None
    """at most this number"""

    between: _Ends = Field(default_factory=list)
    """a number between the two of `[least, most]`, ends included"""

    where: _Where = Field(default_factory=dict)
    """the cases that are meant: params with a value, or with a list of which any will do"""

    @property
    def conditions(self) -> list[str]:
        """The keys given that say what a value must be."""
        return [name for name in CONDITIONS if name in self.model_fields_set]

    @model_validator(mode="after")
    def _fits_together(self) -> "_Entry":
        given = self.conditions
        if "tolerance" in self.model_fields_set and "equals" not in given:
            raise fault("`tolerance` says how near `equals` must be met, and there is no `equals`")
        if "between" in given and ("min" in given or "max" in given):
            raise fault("`between` has both ends", "remove `min` and `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise fault(f"`min` {self.min} is more than `max` {self.max}")
        refuse_senseless(self._given())
        return self

    def _given(self) -> dict[str, Any]:
        return {
            name: getattr(self, name) for name in (*CONDITIONS, "tolerance") if name in self.model_fields_set
        }


class OutcomeEntry(_Entry):
    """One rule of an outcome variable."""

    otherwise: Annotated[bool, BeforeValidator(_only_true), WithJsonSchema({"const": True})] = False
    """any state; write `true`"""

    verdict: OutcomeVerdict
    """what such a state is: `forbidden` fails the run"""

    note: Annotated[str, AfterValidator(_fit_text), Keywords({"minLength": 1})] = ""
    """what it means"""

    @model_validator(mode="after")
    def _says_which_states(self) -> "OutcomeEntry":
        if self.otherwise and self.conditions:
            raise fault(f"has `otherwise` and `{self.conditions[0]}`", "remove one of them")
        if not self.otherwise and not self.conditions:
            raise fault("does not say which states", f"give it one of {_listed()}, or `otherwise: true`")
        return self


class ExpectEntry(_Entry):
    """One expectation."""

    metric: Annotated[str, AfterValidator(_fit_text)] = ""
    """a metric of the scenario"""

    status: Annotated[str, AfterValidator(_fit_text), Keywords({"enum": [each.value for each in Status]})] = (
        ""
    )
    """the status in which trials are expected to end"""

    stat: Stat = "every"
    """what is made of the trials: `every` one or `any` by itself, or one number of all; of a status only every, any
    or share"""

    @model_validator(mode="after")
    def _says_what(self) -> "ExpectEntry":
        given = [name for name in ("metric", "status") if name in self.model_fields_set]
        if len(given) != 1:
            raise fault(
                "must be about a metric or a status", "give it `metric` or `status`, and not both of them"
            )
        if given == ["metric"] and not self.conditions:
            raise fault("does not say what the metric must be", f"give it one of {_listed()}")
        if given == ["status"]:
            self._fits_a_status()
        if self.stat == "share":
            refuse_no_share(self._given())
        return self

    def _fits_a_status(self) -> None:
        if self.stat not in (*OF_EACH, "share"):
            raise fault(f"the `{self.stat}` of a status means nothing", "use every, any or share")
        if self.stat == "share" and not self.conditions:
            raise fault("does not say what the share must be", "give it `min` or `max`, such as `min: 0.5`")
        if self.stat != "share" and self.conditions:
            hint = f"remove `{self.conditions[0]}`, or use `stat: share`"
            raise fault(
                f"every or any trial has the status or has not: `{self.conditions[0]}` is too much", hint
            )


def _listed() -> str:
    return ", ".join(f"`{name}`" for name in CONDITIONS)


def entry_type(loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return what the entry is that a path leads to or into; None where it leads to none."""
    if len(loc) >= 3 and loc[0] == "outcomes":
        return OutcomeEntry
    return ExpectEntry if len(loc) >= 2 and loc[0] == "expect" else None
