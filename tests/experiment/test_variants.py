"""``variants``: what a file says of environments, what is said of mistakes, and what becomes of it in the plan."""

from dataclasses import dataclass, replace

import pytest

from mprunner.errors import PluginError
from mprunner.experiment import Asked, make_plan, read_experiment
from mprunner.model.declaration import declare
from mprunner.model.experiment import Experiment
from mprunner.model.variants import Variant, with_variants
from mprunner.plugins.registry import _checked_declaration
from mprunner.scenario import Scenario
from tests.experiment.scenarios import Known, Toy, ToyMetrics, ToyParams

TWO = "variants: {one: {}, other: {env: {A: '1'}}}"


@pytest.fixture
def plan(tmp_path):
    """Return a function that plans an experiment of the toy with variants."""

    def call(text, *only, overrides=(), commits=()):
        file = tmp_path / "toy.yaml"
        file.write_text(f"scenario: toy\nrepeats: 1\n{text}\n")
        asked = Asked(overrides=overrides, only=only)
        experiment = read_experiment(file, lambda name: Known(ToyParams, declare(Toy)), asked)
        variants = {
            name: replace(each, commit=dict(commits).get(name, ""))
            for name, each in experiment.variants.items()
        }
        experiment = replace(experiment, variants=variants)
        return make_plan(experiment, with_variants(declare(Toy), experiment.variants), ToyParams, 2)

    return call


def labels(plan):
    return [case.label for case in plan.cases]


def test_every_key_of_a_variant_is_read(read):
    text = """
scenario: bank
variants:
  gil: {python: python3.14t, env: {PYTHON_GIL: "1", HOME: null}, flags: [-X, dev, -O], path: [lib], revision: HEAD~1}
  free-1.x: {}
"""
    assert read(text).variants == {
        "gil": Variant(
            python="python3.14t",
            env={"PYTHON_GIL": "1", "HOME": None},
            flags=("-X", "dev", "-O"),
            path=("lib",),
            revision="HEAD~1",
        ),
        "free-1.x": Variant(),
    }


@pytest.mark.parametrize(
    ("variants", "problem"),
    [
        ("[one]", "2:11: variants: must be a mapping of names to values, not a list"),
        ("{}", "2:11: variants: is empty"),
        ("{one: }", "2:16: variants.one: has no value"),
        ("{one: python3}", "2:17: variants.one: must be a mapping of names to values, not 'python3'"),
        ("{one: {pyhton: python3}}", "2:18: variants.one.pyhton: unknown key"),
        ("{one: {python: 3.13}}", "2:26: variants.one.python: must be text, not 3.13"),
        (
            "{one: {python: ''}}",
            "2:26: variants.one.python: is empty text, which a table can't tell from a missing value",
        ),
        ("{a b: {}}", "2:12: variants['a b']: 'a b' can't be its name"),
        ("{.: {}}", "2:12: variants['.']: '.' can't be its name"),
        ("{one: {env: {PYTHON_GIL: 1}}}", "2:36: variants.one.env.PYTHON_GIL: must be text, not 1"),
        ("{one: {env: {A-B: x}}}", "2:24: variants.one.env.A-B: 'A-B' is no name of a variable"),
        ("{one: {env: {PYTHONPATH: x}}}", "2:24: variants.one.env.PYTHONPATH: is set by mprunner itself"),
        ("{one: {flags: -O}}", "2:25: variants.one.flags: must be a list, not '-O'"),
        ("{one: {flags: [gil=0]}}", "2:26: variants.one.flags[0]: 'gil=0' can't be a flag"),
        ("{one: {flags: [-O, -c]}}", "2:30: variants.one.flags[1]: '-c' can't be a flag"),
        ("{one: {flags: [-I]}}", "2:26: variants.one.flags[0]: '-I' can't be a flag"),
        ("{one: {flags: [-X]}}", "2:26: variants.one.flags[0]: its value is missing"),
    ],
)
def test_what_is_wrong_with_a_variant_is_told_at_its_place(told, variants, problem):
    first = told(f"scenario: bank\nvariants: {variants}")[0]
    assert first == problem


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("baseline: {variant: three}", "3:21: baseline.variant: 'three' is not one of one, other"),
        ("sweep: {variant: [one, ohter]}", "3:24: sweep.variant[1]: 'ohter' is not one of one, other"),
    ],
)
def test_a_variant_that_there_is_not_is_told_where_it_is_named(told, rest, problem):
    assert told(f"scenario: bank\n{TWO}\n{rest}") == [problem]


def test_without_variants_there_is_no_such_param(told):
    assert told("scenario: bank\nsweep: {variant: [one, two]}") == [
        "2:9: sweep.variant: scenario 'bank' has no such param"
    ]


@dataclass(frozen=True, kw_only=True)
class Named:
    """Params with a name that is mprunner's own."""

    variant: str = "x"


class Own(Scenario[Named, ToyMetrics]):
    """A scenario of them."""

    name = "own"


def test_a_scenario_has_no_param_of_that_name():
    with pytest.raises(PluginError, match="'variant' is the name of a column of mprunner's own"):
        _checked_declaration(Own)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["variant one", "variant other"]),
        (
            "sweep: {size: [1, 2]}",
            ["size 1, variant one", "size 1, variant other", "size 2, variant one", "size 2, variant other"],
        ),
        (
            "sweep: [{size: 1, variant: other}, {size: 2}]",
            ["size 1, variant other", "size 2, variant one", "size 2, variant other"],
        ),
        (
            'sweep: {"size, variant": [[1, one], [2, other]]}',
            ["size 1, variant one", "size 2, variant other"],
        ),
        ("sweep: {size: [1, 2]}\nparams: {variant: other}", ["size 1", "size 2"]),
        ("exclude: [{variant: one}]", ["variant other"]),
    ],
)
def test_every_case_is_executed_in_every_variant_unless_the_file_says_in_which(plan, text, expected):
    assert labels(plan(f"{TWO}\n{text}")) == expected


def test_the_variants_of_a_case_are_executed_one_after_the_other(plan):
    executed = plan(f"{TWO}\nsweep: {{size: [1, 2]}}")
    assert [(each.params["size"], each.params["variant"]) for each in executed] == [
        (1, "one"),
        (1, "other"),
        (2, "one"),
        (2, "other"),
    ]


def test_options_select_and_change_variants(plan):
    assert labels(plan(TWO, "variant=other")) == ["variant other"]
    assert labels(plan(TWO, overrides=("variants.third.flags=[-O]",)))[-1] == "variant third"


def test_a_case_is_another_one_if_its_variant_is_defined_otherwise(plan):
    ways = [
        "{}",
        "{python: python3.12}",
        "{env: {A: '1'}}",
        "{env: {A: null}}",
        "{flags: [-O]}",
        "{path: [lib]}",
        "{revision: HEAD}",
    ]
    ids = [plan(f"variants: {{one: {way}}}").cases[0].case_id for way in ways]
    ids += [
        plan("variants: {one: {revision: HEAD}}", commits=[("one", commit)]).cases[0].case_id
        for commit in "ab"
    ]
    assert len(set(ids)) == len(ways) + 2


def test_a_revision_is_known_by_its_commit_whatever_it_is_called(plan):
    ids = {
        plan(f"variants: {{one: {{revision: {name}}}}}", commits=[("one", "abc")]).cases[0].case_id
        for name in ("HEAD", "main")
    }
    assert len(ids) == 1


def test_an_experiment_with_variants_survives_json(read):
    experiment = read(f"scenario: bank\n{TWO}")
    assert Experiment.from_json(experiment.to_json()).variants == experiment.variants
    assert "variants" not in read("scenario: bank").to_json()


@pytest.mark.parametrize(
    ("env", "flags", "wanted"),
    [
        ({}, (), None),
        ({"PYTHON_GIL": "0"}, (), False),
        ({"PYTHON_GIL": "1"}, ("-O",), True),
        ({}, ("-X", "gil=0"), False),
        ({"PYTHON_GIL": "1"}, ("-Xgil=0",), False),
        ({"PYTHON_GIL": None}, ("-X", "dev"), None),
    ],
)
def test_a_variant_asks_for_a_gil_as_the_interpreter_understands_it(env, flags, wanted):
    assert Variant(env=env, flags=flags).wants_gil is wanted
