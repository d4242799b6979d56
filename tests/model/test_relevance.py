"""Which params mean something to a case: what a scenario declares of that, what follows, and what is refused."""

import json
from dataclasses import make_dataclass
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mprunner.errors import PluginError
from mprunner.model.declaration import Declaration, Field, params_of
from mprunner.model.records import label_of, varying
from mprunner.model.relevance import Agreeing, Relevance, check_conditions, conditions_in_words
from mprunner.scenario import Doc, ProcessCount, Unless, When

Method = Literal["serial", "map", "imap", "apply"]
IMAP_OF_THREADS = Unless(method="imap", kind="thread")
Params = make_dataclass(
    "Params",
    [
        ("chunk", Annotated[int | None, Unless(method=("serial", "apply")), IMAP_OF_THREADS], None),
        ("start", Annotated[Literal["fork", "spawn"], When(kind="process")], "fork"),
        ("kind", Annotated[Literal["process", "thread"], Doc("what"), Unless(method="serial")], "process"),
        ("method", Method, "map"),
        ("processes", Annotated[ProcessCount | None, Unless(method="serial")], 2),
        ("size", Annotated[int, When(method="map"), When(kind="thread")], 1),
        ("n", int, 1),
    ],
)
FIELDS = params_of(Params, "toy: Params")
RELEVANCE = Relevance(FIELDS)


def case(**params):
    return {field.name: field.default for field in FIELDS} | params


@pytest.mark.parametrize(
    ("params", "without"),
    [
        ({}, set()),
        ({"kind": "thread"}, {"start"}),
        ({"method": "imap"}, {"size"}),
        ({"method": "imap", "kind": "thread"}, {"chunk", "start"}),
        ({"method": "apply", "kind": "thread"}, {"chunk", "start"}),
        ({"method": "serial"}, {"chunk", "start", "kind", "processes", "size"}),
        ({"method": "serial", "kind": "thread"}, {"chunk", "start", "kind", "processes", "size"}),
    ],
)
def test_a_param_means_something_where_a_when_holds_and_no_unless(params, without):
    assert RELEVANCE.without(case(**params)) == without
    assert RELEVANCE.of(case(**params)).keys() == case().keys() - without


def test_what_depends_on_a_param_that_means_nothing_means_nothing_either():
    chain = (
        Field(name="a", type="bool"),
        Field(name="b", type="bool", when=({"a": (True,)},)),
        Field(name="c", type="bool", when=({"b": (True,)},)),
    )
    for fields in (chain, chain[::-1]):
        relevance = Relevance(fields)
        assert relevance.without({"a": False, "b": True, "c": True}) == {"b", "c"}
        assert relevance.without({"a": True, "b": True, "c": True}) == set()


def test_true_is_not_1():
    relevance = Relevance((Field(name="a", type="int"), Field(name="b", type="int", when=({"a": (1,)},))))
    assert relevance.without({"a": 1, "b": 0}) == set()
    assert relevance.without({"a": True, "b": 0}) == {"b"}


CASES = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["serial", "map", "imap", "apply"]),
        "kind": st.sampled_from(["process", "thread"]),
        "start": st.sampled_from(["fork", "spawn"]),
        "processes": st.sampled_from([1, 2]),
        "chunk": st.sampled_from([None, 5]),
    }
)


@given(st.lists(CASES, min_size=1, max_size=8))
def test_two_cases_have_one_label_only_where_they_are_one(cases):
    effective = [RELEVANCE.of(case(**each)) for each in cases]
    names = varying(effective)
    labels = {}
    for each in effective:
        labels.setdefault(label_of(each, names), set()).add(repr(sorted(each.items())))
    assert all(len(same) == 1 for same in labels.values())


@given(st.lists(CASES, min_size=1, max_size=8), CASES)
def test_cases_agree_on_what_means_something_to_both(cases, other):
    effective = {place: RELEVANCE.of(case(**each)) for place, each in enumerate(cases)}
    other = RELEVANCE.of(case(**other))
    for names in (list(case()), ["kind", "processes"]):
        agreeing = [
            place
            for place, each in effective.items()
            if all(each[name] == other[name] for name in names if name in each and name in other)
        ]
        assert sorted(Agreeing(effective, names).with_(other)) == agreeing


def test_what_is_swept_comes_first():
    assert list(Relevance(FIELDS, ("n", "method")).of(case(method="serial"))) == ["n", "method"]


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"method": ("serial",), "processes": (2,)}, {"method"}),
        ({"method": ("serial", "map"), "processes": (2,)}, {"method", "processes"}),
        ({"processes": (2,)}, {"processes"}),
        ({"kind": ("thread",), "start": ("fork",)}, {"kind"}),
        ({"kind": ("thread", "process"), "start": ("fork",)}, {"kind", "start"}),
        ({"method": ("imap",), "size": (1,)}, {"method", "size"}),
        ({"method": ("imap",), "kind": ("process",), "size": (1,)}, {"method", "kind"}),
    ],
)
def test_values_that_name_cases_are_stripped_of_what_means_nothing_to_those(where, left):
    assert RELEVANCE.stripped(where) == {name: where[name] for name in left}


def test_conditions_survive_json_and_a_declaration_without_them_is_read():
    declaration = Declaration(name="toy", doc="", params=FIELDS, metrics=(), outcomes={})
    value = json.loads(json.dumps(declaration.to_json()))
    read = Declaration.from_json(value)
    assert Relevance(read.params).without(case(method="serial")) == RELEVANCE.without(case(method="serial"))
    for field in value["params"]:
        del field["when"], field["unless"]
    assert Relevance(Declaration.from_json(value).params).conditional == ()


def params(**annotations):
    return params_of(make_dataclass("Params", [(name, hint, 0) for name, hint in annotations.items()]), "toy")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"a": Annotated[int, When(b=1)]}, r"^toy\.a has When\(b=…\), and there is no such param$"),
        (
            {"a": Annotated[int, Unless(b="x")], "b": int},
            r"^toy\.a has Unless\(b=…\) with a value that it can't have: b is 'x' \(str\), but its type is int$",
        ),
        (
            {"a": Annotated[int, When(b=(0, 5))], "b": Literal[0, 1]},
            r"^toy\.a has When\(b=…\) with a value that it can't have: b is 5 \(int\), not one of 0, 1$",
        ),
        ({"a": Annotated[int, When(a=1)]}, r"^toy: whether a param means something goes round in a circle: a → a$"),
        (
            {"a": Annotated[int, When(b=1)], "b": Annotated[int, Unless(a=1)]},
            r"^toy: whether a param means something goes round in a circle: (a → b → a|b → a → b)$",
        ),
    ],
)  # fmt: skip
def test_a_condition_that_can_not_be_is_refused_with_the_param(fields, message):
    with pytest.raises(PluginError, match=message):
        check_conditions(params(**fields), "toy")


def test_conditions_are_values():
    for kind in (When, Unless):
        assert hash(kind(a=1)) == hash(kind(a=(1,)))
        assert kind(a=1) == kind(a=(1,)) != kind(a=2)
        assert params_of(
            make_dataclass("P", [("a", int, 0), ("b", Annotated[int, kind(a=1)] | None, 0)]), "toy"
        )[1].optional
    assert When(a=1) != Unless(a=1)


def test_a_condition_without_a_param_or_a_value_is_refused():
    with pytest.raises(TypeError, match=r"^When needs a param and its value: When\(method=\"map\"\)$"):
        When()
    with pytest.raises(TypeError, match=r"^Unless\(method=\(\)\) has no value$"):
        Unless(method=())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chunk", ("not with method serial or apply, nor with method imap and kind thread",)),
        ("start", ("only with kind process",)),
        ("size", ("only with method map, or with kind thread",)),
        ("n", ()),
    ],
)
def test_conditions_are_told_in_words(name, words):
    (field,) = (field for field in FIELDS if field.name == name)
    assert conditions_in_words(field) == words
