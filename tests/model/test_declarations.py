"""A scenario's types are its schema: what is read from them, what is refused, what survives JSON."""

import json
import re
from dataclasses import field, make_dataclass
from enum import Enum, IntEnum, StrEnum
from importlib import import_module
from pathlib import Path
from types import new_class
from typing import Annotated, Any, Literal, Optional, Union

import numpy as np
import pytest
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MultipleOf
from hypothesis import given
from hypothesis import strategies as st

from mprunner.errors import PluginError
from mprunner.model.declaration import (
    BadValueError,
    Declaration,
    Field,
    checked_value,
    checked_values,
    declare,
    fields_of,
    params_of,
)
from mprunner.scenario import CPU_COUNT, Doc, ProcessCount, Scenario, Unit
from mprunner_scenarios import race_bank

BUNDLED = [path.stem for path in Path(race_bank.__file__).parent.glob("*.py")]
Nothing = make_dataclass("Nothing", [], frozen=True)
Wall = make_dataclass("Wall", [("wall_s", float)], frozen=True, kw_only=True)


def one(annotation: object, *default: object) -> Field:
    """Return the field that a dataclass with one member of that annotation declares."""
    return fields_of(make_dataclass("Params", [("x", annotation, *default)]), "scenario: Params")[0]


def scenario_class(params=Nothing, metrics=Wall, **attributes):
    class Some(Scenario[params, metrics]):
        """Do something."""

        name = "some"

    for attribute, value in attributes.items():
        setattr(Some, attribute, value)
    return Some


@pytest.mark.parametrize(
    ("annotation", "declared"),
    [
        (bool, {"type": "bool"}),
        (int, {"type": "int"}),
        (float, {"type": "float"}),
        (str, {"type": "str"}),
        (Optional[int], {"type": "int", "optional": True}),  # noqa: UP045 - each spelling is the point
        (Union[int, None], {"type": "int", "optional": True}),  # noqa: UP007
        (Union[None, int], {"type": "int", "optional": True}),  # noqa: UP007
        (int | None, {"type": "int", "optional": True}),
        (Literal["none", "lock"], {"type": "str", "choices": ("none", "lock")}),
        (Literal[2, 1], {"type": "int", "choices": (2, 1)}),
        (Literal[True, False], {"type": "bool", "choices": (True, False)}),
        (Literal[0.5, 1.5], {"type": "float", "choices": (0.5, 1.5)}),
        (Literal["a", "b"] | None, {"type": "str", "choices": ("a", "b"), "optional": True}),
        (ProcessCount, {"type": "int", "counts_processes": True, "bounds": {"ge": 1}}),
        (
            ProcessCount | None,
            {"type": "int", "counts_processes": True, "optional": True, "bounds": {"ge": 1}},
        ),
        (Annotated[ProcessCount, Ge(2)], {"type": "int", "counts_processes": True, "bounds": {"ge": 2}}),
        (Annotated[int, Ge(1)], {"type": "int", "bounds": {"ge": 1}}),
        (Annotated[int, Ge(1)] | None, {"type": "int", "bounds": {"ge": 1}, "optional": True}),
        (Annotated[float, Gt(0), Lt(1)], {"type": "float", "bounds": {"gt": 0, "lt": 1}}),
        (Annotated[int, Le(9), MultipleOf(3)], {"type": "int", "bounds": {"le": 9, "multiple_of": 3}}),
        (Annotated[int, Interval(ge=0, lt=10)], {"type": "int", "bounds": {"ge": 0, "lt": 10}}),
        (Annotated[str, Len(1, 8)], {"type": "str", "bounds": {"min_length": 1, "max_length": 8}}),
        (Annotated[float, Unit("s"), Doc("a pause")], {"type": "float", "unit": "s", "doc": "a pause"}),
        (Annotated[float, Doc("a pause"), Unit("s")], {"type": "float", "unit": "s", "doc": "a pause"}),
    ],
)
def test_a_field_is_what_its_annotation_says(annotation, declared):
    assert one(annotation) == Field(name="x", **declared)


@pytest.mark.parametrize(
    ("annotation", "default", "kept"),
    [
        (int | None, None, None),
        (ProcessCount, 4, 4),
        (Annotated[ProcessCount, Doc("how many")], CPU_COUNT, "cpu_count"),  # for the plan to resolve
        (Annotated[ProcessCount | None, Doc("")], None, None),
    ],
)
def test_a_field_with_a_default_is_not_required(annotation, default, kept):
    declared = one(annotation, default)
    assert (declared.default, declared.required) == (kept, False)


def test_fields_keep_the_order_of_their_dataclass():
    names = ["z", "a", "m"]
    made = make_dataclass("Params", [(name, int) for name in names])
    assert [declared.name for declared in fields_of(made, "")] == names


def test_a_field_that_no_one_can_set_is_no_param():
    made = make_dataclass("Params", [("x", int), ("total", int, field(init=False, default=0))])
    assert [declared.name for declared in fields_of(made, "")] == ["x"]


@pytest.mark.parametrize(
    ("annotation", "shown"),
    [
        *((list[int], "list[int]"), (dict, "dict"), (None, "NoneType"), (Any, "Any"), (complex, "complex")),
        *((int | str, "int | str"), (int | str | None, "int | str | None"), (Literal[b"x"], "Literal[b'x']")),
        *((Literal["a", 1], "Literal['a', 1]"), (Literal[True, 1], "Literal[True, 1]")),
    ],
)
def test_a_type_outside_the_closed_set_is_refused_with_its_place(annotation, shown):
    message = f"scenario: Params.x has the type {shown}, which can't be a column"
    with pytest.raises(PluginError, match=f"^{re.escape(message)}$") as caught:
        one(annotation)
    assert caught.value.hint == "use bool, int, float, str, Literal, ProcessCount, or one of them `| None`"


@pytest.mark.parametrize("name", ["X", "maxSize", "_hidden", "größe"])
def test_a_field_that_can_not_name_a_column_is_refused(name):
    with pytest.raises(PluginError, match=rf"^scenario: Params: '{name}' can't be a column's name$"):
        fields_of(make_dataclass("Params", [(name, int)]), "scenario: Params")


def test_an_annotation_that_can_not_be_resolved_is_refused():
    message = r"^scenario: Params: its annotations can't be read: name 'Nowhere' is not defined$"
    with pytest.raises(PluginError, match=message):
        one("Nowhere")


def test_a_default_factory_is_refused_because_a_plan_needs_the_default():
    with pytest.raises(PluginError, match=r"^scenario: Params\.x has a default_factory, so") as caught:
        one(int, field(default_factory=int))
    assert caught.value.hint == "write the default itself: `= 1`, not `= field(default_factory=…)`"


@pytest.mark.parametrize("bases", [(Scenario,), (Scenario[int, str],)])
def test_a_scenario_that_names_no_two_dataclasses_is_refused(bases):
    cls = new_class("Untyped", bases, {}, lambda body: body.update(name="untyped"))
    message = "^scenario class Untyped does not say what its params and metrics are$"
    with pytest.raises(PluginError, match=message):
        declare(cls)


def test_a_subclass_of_a_scenario_inherits_its_types():
    class Variant(race_bank.RaceBank):
        """The same bank, with a twist."""

        name = "variant"

    assert declare(Variant).params == declare(race_bank.RaceBank).params


@pytest.mark.parametrize("name", [None, "", "Race", "race_bank", "-x", "x-", "a--b", "1st", "x\n", 7])
def test_a_scenario_needs_a_name_of_lower_case_words_with_hyphens(name):
    with pytest.raises(PluginError, match=r"^scenario class .*Some has the name "):
        declare(scenario_class(name=name))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"params": Wall}, r"scenario 'some' has both a param and a metric named 'wall_s'"),
        ({"outcomes": {"Final": Doc("")}}, r"some: outcome 'Final' can't be a column's name"),
        ({"outcomes": ("state",)}, r"some: outcomes is \('state',\) \(tuple\), not a mapping"),
        ({"outcomes": {"seen": "a state"}}, r"some: outcome 'seen' is 'a state' \(str\), not a Doc"),
        ({"sample": dict}, r"some: sample is <class 'dict'> \(type\), which is no dataclass"),
    ],
)
def test_a_scenario_that_declares_what_can_not_be_is_refused(attributes, reason):
    with pytest.raises(PluginError, match=rf"^{reason}$"):
        declare(scenario_class(**attributes))


def through_json(declaration: Declaration) -> Declaration:
    return Declaration.from_json(json.loads(json.dumps(declaration.to_json(), allow_nan=False)))


@pytest.mark.parametrize("module", sorted(set(BUNDLED) - {"__init__"}))
def test_every_bundled_declaration_survives_json(module):
    for cls in import_module(f"mprunner_scenarios.{module}").mprunner_register_scenarios():
        assert through_json(declare(cls)) == declare(cls)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
FIELDS = st.builds(
    Field,
    name=st.text(),
    type=st.sampled_from(["bool", "int", "float", "str"]),
    optional=st.booleans(),
    choices=st.none() | st.lists(SCALARS).map(tuple),
    counts_processes=st.booleans(),
    required=st.booleans(),
    default=SCALARS,
    unit=st.text(),
    doc=st.text(),
    bounds=st.dictionaries(st.sampled_from(["ge", "lt", "pattern"]), SCALARS),
)
MANY = st.lists(FIELDS, max_size=3).map(tuple)


@given(params=MANY, metrics=MANY, sample=st.none() | MANY, outcomes=st.dictionaries(st.text(), st.text()))
def test_any_declaration_survives_json(params, metrics, sample, outcomes):
    declaration = Declaration(
        name="n", doc="d", params=params, metrics=metrics, outcomes=outcomes, sample=sample, summary="s"
    )
    assert repr(through_json(declaration)) == repr(declaration)  # 1 == 1.0 == True, but not in a table


Guard = StrEnum("Guard", {"LOCK": "lock"})
Level = IntEnum("Level", {"LOW": 1})


class OldGuard(str, Enum):  # noqa: UP042 - its str() is not its value
    LOCK = "lock"


@pytest.mark.parametrize(
    ("type_", "value", "plain"),
    [
        *(
            ("bool", False, False),
            ("int", 3, 3),
            ("int", Level.LOW, 1),
            ("float", 0.5, 0.5),
            ("float", 2, 2.0),
        ),
        *(("str", "lock", "lock"), ("str", Guard.LOCK, "lock"), ("str", OldGuard.LOCK, "lock")),
    ],
)
def test_a_value_of_the_declared_type_becomes_exactly_that_type(type_, value, plain):
    checked = checked_value(Field(name="x", type=type_), value)
    assert checked == plain
    assert type(checked).__name__ == type_


class NumpyLike:
    """An integer that is no int, as numpy's are."""

    def __index__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return "np.int64(3)"


class Unspeakable:
    def __repr__(self) -> str:
        raise ValueError("no")


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        ("int", True, r"True \(bool\)"),
        ("float", True, r"True \(bool\)"),
        ("bool", 1, r"1 \(int\)"),
        ("int", 1.0, r"1\.0 \(float\)"),
        ("int", "1", r"'1' \(str\)"),
        ("int", NumpyLike(), r"np\.int64\(3\) \(NumpyLike\)"),
        ("float", NumpyLike(), r"np\.int64\(3\) \(NumpyLike\)"),
        ("str", 1, r"1 \(int\)"),
        ("str", b"x", r"b'x' \(bytes\)"),
        ("str", list(range(99)), r"\[0, 1, .*… \(list\)"),
        ("str", Unspeakable(), r"a value \(Unspeakable\)"),
    ],
)
def test_a_value_of_another_type_is_refused_and_its_type_named(type_, value, shown):
    with pytest.raises(BadValueError, match=rf"^x is {shown}, but its type is {type_}$"):
        checked_value(Field(name="x", type=type_), value)


@pytest.mark.parametrize(
    ("type_", "value", "plain"),
    [
        ("bool", np.True_, True),
        ("int", np.int64(3), 3),
        ("int", np.uint8(3), 3),
        ("int", np.array(3), 3),
        ("float", np.int32(3), 3.0),
        ("float", np.float32(0.5), 0.5),
        ("str", np.str_("lock"), "lock"),
    ],
)
def test_a_value_of_numpy_s_is_what_python_calls_the_same(type_, value, plain):
    checked = checked_value(Field(name="x", type=type_), value)
    assert (checked, type(checked)) == (plain, type(plain))


@pytest.mark.parametrize(
    ("type_", "value", "shown"),
    [
        ("int", np.True_, r"True \(bool\)"),
        ("bool", np.int64(1), r"1 \(int\)"),
        ("int", np.timedelta64(3, "ns"), r"np\.timedelta64\(3,'ns'\) \(timedelta64\)"),
        ("int", np.array([1, 2]), r"array\(\[1, 2\]\) \(ndarray\)"),
    ],
)
def test_a_value_of_numpy_s_of_another_type_is_refused(type_, value, shown):
    with pytest.raises(BadValueError, match=rf"^x is {shown}, but its type is {type_}$"):
        checked_value(Field(name="x", type=type_), value)


@pytest.mark.parametrize(
    ("type_", "value", "reason"),
    [
        ("float", float("nan"), "is nan, which is not a finite number"),
        ("float", -float("inf"), "is -inf, which is not a finite number"),
        ("float", 10**400, "is inf, which is not a finite number"),
        ("int", 2**63, "is an integer that 64 bits don't hold"),
        ("str", "", "is empty text, which a table can't tell from a missing value"),
        ("str", "two\nlines", "has a control character or half a character in it"),
    ],
)
def test_a_value_that_csv_readers_would_read_differently_is_refused(type_, value, reason):
    with pytest.raises(BadValueError, match=rf"^x {reason}$"):
        checked_value(Field(name="x", type=type_), value)


Guarded = Literal["none", "lock"]


def default_of(annotation: object, default: object) -> Any:
    """Return the default of a param that is declared with it."""
    (param,) = params_of(make_dataclass("Params", [("x", annotation, default)]), "some: Params")
    return param.default


def test_a_default_is_a_value_of_its_type_as_a_file_would_give_it():
    assert type(default_of(float, 1)) is float
    assert default_of(Guarded, Guard.LOCK) == "lock"
    assert type(default_of(Guarded, Guard.LOCK)) is str
    assert default_of(int | None, None) is None
    assert default_of(ProcessCount, CPU_COUNT) == "cpu_count"


CANT = "has a default that it can't have: x is "


@pytest.mark.parametrize(
    ("annotation", "default", "why"),
    [
        (int, 0.5, CANT + r"0\.5 \(float\), but its type is int"),
        (int, None, CANT + "None, but its type is int"),
        (int, True, CANT + r"True \(bool\), but its type is int"),
        (int, "cpu_count", CANT + r"'cpu_count' \(str\), but its type is int"),
        (float, float("inf"), CANT + "inf, which is not a finite number"),
        (float, float("nan"), CANT + "nan, which is not a finite number"),
        (str, Path("x"), CANT + r"PosixPath\('x'\) \(PosixPath\), but .*"),
        (str, "", CANT + "empty text, which .*"),
        (Literal["a", "b"], "c", CANT + r"'c' \(str\), not one of a, b"),
        (ProcessCount, 0, "has the default 0, which is not at least 1"),
        (Annotated[int, Ge(1)], 0, "has the default 0, which is not at least 1"),
        (Annotated[float, Lt(1)], 1, "has the default 1.0, which is not less than 1"),
        (Annotated[str, MaxLen(1)], "ab", "has the default 'ab', which is not of a length of at most 1"),
    ],
)
def test_a_default_that_the_param_could_not_be_given_is_the_plugin_s_fault(annotation, default, why):
    with pytest.raises(PluginError, match=rf"^some: Params\.x {why}$") as caught:
        default_of(annotation, default)
    assert caught.value.exit_code == 4


@given(
    annotation=st.sampled_from([bool, int, float, str, Literal[1, 2], Annotated[int, Ge(3)], int | None]),
    default=st.none() | st.booleans() | st.integers(-9, 9) | st.floats() | st.text() | st.just(Path("x")),
)
def test_a_default_is_refused_or_a_value_that_json_and_the_field_give_back(annotation, default):
    try:
        value = default_of(annotation, default)
    except PluginError:
        return
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert value is None or checked_value(one(annotation), value) == value


def test_a_serial_value_that_its_param_can_not_have_is_refused():
    params = make_dataclass("Params", [("workers", int, 1)], frozen=True, kw_only=True)
    message = "^some: serial has a value that its param can't have: workers is '1'"
    with pytest.raises(PluginError, match=message):
        declare(scenario_class(params, serial={"workers": "1"}))


@pytest.mark.parametrize("type_", ["bool", "int", "float", "str"])
def test_none_is_a_value_only_of_an_optional_field(type_):
    assert checked_value(Field(name="x", type=type_, optional=True), None) is None
    with pytest.raises(BadValueError, match=rf"^x is None, but its type is {type_}$"):
        checked_value(Field(name="x", type=type_), None)


def test_a_value_outside_the_choices_is_refused_and_the_choices_named():
    declared = Field(name="guard", type="str", choices=("none", "lock"))
    assert checked_value(declared, "lock") == "lock"
    with pytest.raises(BadValueError, match=r"^guard is 'lokc' \(str\), not one of none, lock$"):
        checked_value(declared, "lokc")


def test_all_values_of_a_dataclass_are_checked_in_their_order():
    fields = fields_of(Wall, "")
    assert checked_values(fields, Wall(wall_s=1)) == {"wall_s": 1.0}
