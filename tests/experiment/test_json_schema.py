"""The JSON Schema for editors: what it says of good and bad files, beside what the validator says."""

import json
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from mprunner.errors import ExperimentError
from mprunner.experiment import ExperimentFileError, read_experiment
from mprunner.experiment.document import plain
from mprunner.experiment.json_schema import experiment_schema
from mprunner.experiment.keys import (
    ExpectEntry,
    ExperimentFile,
    LimitsFile,
    OutcomeEntry,
    RepeatsEntry,
    UntilEntry,
)
from mprunner.experiment.parser import read_yaml
from mprunner.experiment.variants import VariantEntry
from mprunner.model.declaration import Declaration, Field, declare, types_of
from tests.docs.test_docs import EXPERIMENTS as SHOWN
from tests.experiment.scenarios import scenario_of
from tests.experiment.test_expecting import RULES
from tests.experiment.test_mistakes import MISTAKES
from tests.experiment.test_reading import FULL
from tests.golden.make import parts_of
from tests.support import ROOT

SIZE = r"^[0-9]+(\.[0-9]+)? ?(B|kB|MB|GB|KiB|MiB|GiB)$"

CHECKED_IN = ROOT / "experiments" / "experiment.schema.json"
FIRST_LINE = "# yaml-language-server: $schema=experiment.schema.json"
FILES = sorted((ROOT / "experiments").glob("*.yaml"))


def _bundled() -> dict[str, type]:
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mprunner"]
    modules = [import_module(module) for module in entries.values()]
    return {cls.name: cls for module in modules for cls in module.mprunner_register_scenarios()}


BUNDLED = _bundled()
BUNDLED_SCHEMA = experiment_schema(map(declare, BUNDLED.values()))
KNOWN = {name: scenario_of(name).declaration for name in ("bank", "strict")}
SCHEMA = experiment_schema(
    Declaration(name=name, doc="", params=each.params, metrics=each.metrics, outcomes=each.outcomes)
    for name, each in KNOWN.items()
)


def faults(schema, text):
    """What the schema has against a YAML text."""
    raw = text.encode() if isinstance(text, str) else text
    return [error.message for error in Draft7Validator(schema).iter_errors(plain(read_yaml(raw, "x").root))]


def mappings(schema):
    """Every mapping in a schema: schemas, and the properties of schemas."""
    if isinstance(schema, dict):
        yield schema
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from mappings(each)


@pytest.mark.parametrize("schema", [BUNDLED_SCHEMA, SCHEMA, experiment_schema([])])
def test_the_schema_is_one_of_draft_7(schema):
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == Draft7Validator.META_SCHEMA["$schema"]
    newer = {"$defs", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentRequired"}
    assert all(newer.isdisjoint(part) for part in mappings(schema))


def test_nothing_stands_beside_a_reference_where_it_would_mean_nothing():
    assert all(list(part) == ["$ref"] for part in mappings(BUNDLED_SCHEMA) if "$ref" in part)


def test_every_reference_of_the_schema_leads_to_a_definition():
    for target in set(re.findall(r'"\$ref": "#/([^"]*)"', json.dumps(BUNDLED_SCHEMA))):
        found = BUNDLED_SCHEMA
        for part in target.split("/"):
            found = found[part]


def test_the_order_of_plugins_does_not_change_the_schema():
    declarations = [declare(cls) for cls in BUNDLED.values()]
    assert json.dumps(experiment_schema(reversed(declarations))) == json.dumps(BUNDLED_SCHEMA)


def test_the_schema_beside_the_experiments_is_that_of_the_bundled_scenarios():
    assert json.loads(CHECKED_IN.read_text()) == BUNDLED_SCHEMA, "renew it by `make schema`"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_experiment_of_the_repository_names_the_schema_and_fits_it(file):
    assert file.read_text().splitlines()[0] == FIRST_LINE
    assert faults(BUNDLED_SCHEMA, file.read_bytes()) == []


@pytest.mark.parametrize("text", [text for *_, text in SHOWN], ids=[f"{page}-{n}" for page, n, _ in SHOWN])
def test_every_experiment_of_the_documentation_fits_the_schema(text):
    assert faults(BUNDLED_SCHEMA, text) == []


@pytest.mark.parametrize(
    ("model", "schema"),
    [
        (ExperimentFile, BUNDLED_SCHEMA),
        (OutcomeEntry, BUNDLED_SCHEMA["definitions"]["OutcomeEntry"]),
        (ExpectEntry, BUNDLED_SCHEMA["definitions"]["ExpectEntry"]),
        (LimitsFile, BUNDLED_SCHEMA["definitions"]["LimitsFile"]),
        (RepeatsEntry, BUNDLED_SCHEMA["definitions"]["RepeatsEntry"]),
        (UntilEntry, BUNDLED_SCHEMA["definitions"]["UntilEntry"]),
        (VariantEntry, BUNDLED_SCHEMA["definitions"]["VariantEntry"]),
    ],
)
def test_every_key_is_in_the_schema_with_a_description_and_no_other(model, schema):
    assert list(schema["properties"]) == list(model.model_fields)
    for name, key in schema["properties"].items():
        assert key["description"], name
        assert "\n" not in key["description"]
        assert {"type", "anyOf", "oneOf", "allOf", "const"} & set(key), f"{name} takes anything: see keys.py"


def test_the_documentation_s_table_of_keys_says_what_an_editor_shows():
    page = (ROOT / "docs" / "experiment-file.md").read_text()
    table = page.split("## Keys")[1].split("## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE))
    assert rows == {name: key["description"] for name, key in BUNDLED_SCHEMA["properties"].items()}


def test_a_key_shows_its_default():
    shown = {name: key["default"] for name, key in SCHEMA["properties"].items() if "default" in key}
    assert shown == {
        "repeats": 5,
        "warmup": 0,
        "order": "interleaved",
        "seed": 0,
        "timeout": 60.0,
        "on_failure": "stop-if-all",
        "isolation": "forked",
        "retries": 0,
    }


def _param(name, **declared):
    field = Field(name=name, **declared)
    one = Declaration(name="one", doc="", params=(field,), metrics=(), outcomes={})
    return experiment_schema([one])["definitions"]["one.params"]["properties"][name]


@pytest.mark.parametrize(
    ("declared", "schema"),
    [
        ({"type": "bool", "default": False}, {"type": "boolean", "default": False}),
        (
            {"type": "int", "default": 16, "bounds": {"ge": 2, "lt": 64, "multiple_of": 2}},
            {"type": "integer", "minimum": 2, "exclusiveMaximum": 64, "multipleOf": 2, "default": 16},
        ),
        (
            {"type": "float", "default": 0.5, "bounds": {"gt": 0, "le": 1, "multiple_of": 0.1}},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.5},
        ),
        (
            {"type": "int", "optional": True, "unit": "bytes", "doc": "how large"},
            {
                "description": "how large (unit bytes)",
                "anyOf": [{"type": ["integer", "null"]}, {"type": "string", "pattern": SIZE}],
                "default": None,
            },
        ),
        (
            {"type": "str", "default": "a", "choices": ("a", "b"), "optional": True},
            {"type": ["string", "null"], "enum": ["a", "b", None], "default": "a"},
        ),
        (
            {"type": "str", "default": "a", "bounds": {"max_length": 9, "pattern": "(?i)a"}},
            {
                "description": "(text that matches (?i)a)",
                "type": "string",
                "minLength": 1,
                "maxLength": 9,
                "default": "a",
            },
        ),
        (
            {"type": "int", "counts_processes": True, "default": "cpu_count", "bounds": {"le": 8}},
            {
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": 8}, {"enum": ["cpu_count"]}],
                "default": "cpu_count",
            },
        ),
    ],
    ids=["bool", "int", "float", "optional", "choices", "text", "processes"],
)
def test_a_param_says_type_limits_unit_and_default(declared, schema):
    assert _param("p", required=False, **declared) == schema


def test_a_param_without_a_default_shows_none():
    assert _param("p", type="int") == {"type": "integer"}


GOOD = {
    "times": (
        "scenario: bank\nparams: {pause_s: 10ms}\ntimeout: 500ms\n"
        "expect: [{metric: wall_s, max: 5 s}, {metric: wall_s, equals: 1m, tolerance: 7us}]\n"
    ),
    "a range of times": "scenario: bank\nsweep: {pause_s: {from: 1ms, to: 1s, times: 10}}\n",
    "the least": "scenario: bank",
    "CPUs": "scenario: bank\ncpus: [1, 0]",
    "adaptive repeats": "scenario: bank\nrepeats: {max: 50, until: {metric: wall_s, ci_ratio: 0.05}}",
    "limits": "scenario: bank\nlimits: {memory_per_process: 1.5 GiB, processes: 64, output: 1048576}",
    "every key": FULL + RULES,
    "no params at all": "scenario: bank\nparams: {}",
    "one block": "scenario: bank\nsweep: {level: 2, fair: [true, false]}",
    "blocks": "scenario: bank\nsweep: [{guard: none}, {guard: lock, chunk: [null, 1]}]",
    "ranges": "scenario: bank\nsweep: {transactions: {from: 1, to: 64, times: 2}, "
    "pause_s: {from: 0.1, to: 0.3, step: 0.1}, workers: {from: 4, to: 1, step: -1}}",
    "a range of choices": "scenario: bank\nsweep: {level: {from: 1, to: 2, step: 1}}",
    "names that move together": 'scenario: bank\nsweep: {"guard ,  level,chunk": [[none, 1, null], [lock, 2, 3]]}',
    "true is not 1": 'scenario: bank\nsweep: {"fair, level": [[true, 1], [false, 1]]}',
    "a required param that is fixed": "scenario: strict\nparams: {n: 1}",
    "a required param that is swept": "scenario: strict\nsweep: {n: [1, 2]}",
    "a required param that is swept in every block": "scenario: strict\nsweep: [{n: 1}, {'m, n': [[1, 2]]}]",
    "seconds as text": "scenario: bank\ntimeout: 90s",
    "minutes beside their unit": "scenario: bank\ntimeout: 1.5 m",
    "where a list will do": "scenario: bank\nsweep: {guard: [none, lock]}\n"
    "expect: [{metric: how, equals: well, where: {guard: [none, lock], fair: false}}]",
    "the value of a param": "scenario: bank\noutcomes: {final_balance: "
    "[{equals: {param: transactions}, verdict: acceptable}, {otherwise: true, verdict: forbidden}]}",
    "every condition": "scenario: bank\noutcomes: {final_balance: [{one_of: [1, a, true], verdict: acceptable}, "
    "{min: 1, max: 2, verdict: acceptable}, {between: [3, 4], verdict: interesting}]}",
    "no outcomes": "scenario: bank\noutcomes: {}",
    "statuses": "scenario: bank\nexpect: [{status: timeout}, {status: ok, stat: any}, "
    "{status: error, stat: share, max: 0.5}]",
}

MISSING = {
    "a required param that is missing": "scenario: strict",
    "a required param that no block sweeps": "scenario: strict\nsweep: {m: 1}",
    "a required param that one block lacks": "scenario: strict\nsweep: [{n: 1}, {m: 1}]",
}

SEEN_BY_THE_VALIDATOR_ONLY = """
    051-exponent-for-whole-number 053-control-character My Bank 090-sweep-and-params 091-sweep-too-many-trials
    096-zip-name-twice 104-range-wrong-way 106-range-times-from-0 109-range-too-many 112-range-beyond-bound
    117-exclude-no-case 118-exclude-never-together 119-exclude-everything 121-baseline-no-case 123-baseline-excluded
    145-repeats-min-above-max 155-cpus-not-here 175-outcome-min-above-max 178-outcome-where-no-case
    180-outcome-after-otherwise 181-outcome-same-twice 189-expect-percent-for-share 193-expect-min-above-max
    194-expect-equals-and-min 195-expect-bool-as-number 196-expect-bool-max 198-expect-param-of-text
    202-sequential-only-sync
"""


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_file_is_accepted_by_the_schema_and_the_validator(read, text):
    read(text)
    assert faults(SCHEMA, text) == []


@pytest.mark.parametrize("text", MISSING.values(), ids=MISSING)
def test_a_param_that_is_missing_is_missed_by_the_schema_and_the_validator(problems, text):
    assert problems(text)
    assert faults(SCHEMA, text)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.text.splitlines()[-1][:70])
def test_the_schema_sees_every_mistake_but_those_that_take_knowing_the_whole_file(mistake):
    assert bool(faults(SCHEMA, mistake.text)) == mistake.is_seen_by_editors


def test_the_schema_sees_what_is_wrong_in_the_broken_files_but_what_takes_knowing_the_whole_file():
    passed = []
    for name, text in parts_of("broken.yaml.txt").items():
        try:
            document = read_yaml(text.encode(), name)
        except ExperimentFileError:
            continue
        if document and not document.problems and not faults(BUNDLED_SCHEMA, text):
            passed.append(name.removesuffix(".yaml"))
    assert " ".join(passed) == " ".join(SEEN_BY_THE_VALIDATOR_ONLY.split())


def test_an_unknown_scenario_is_the_only_fault_of_its_file():
    assert faults(SCHEMA, "scenario: bnak\nparams: {a: 1}") == ["'bnak' is not one of ['bank', 'strict']"]


def values_of(field):
    """Values of a param, most of them right."""
    if field.choices is not None:
        right = st.sampled_from(field.choices)
    else:
        least = field.bounds.get("ge", 1)
        right = {
            "bool": st.booleans(),
            "int": st.integers(least, least + 20),
            "float": st.floats(0.25, 20) | st.integers(1, 9),
            "str": st.text("abc:.", min_size=1, max_size=5),
        }[field.type]
    if field.counts_processes:
        right |= st.just("cpu_count")
    return right | st.none() if field.optional else right


@st.composite
def experiments(draw, scenarios):
    """Experiments about one of the scenarios, most of them right."""
    declared = draw(st.sampled_from(scenarios))
    names = [field.name for field in declared.params]
    several = {
        f.name: st.lists(values_of(f), min_size=1, max_size=3, unique_by=repr) for f in declared.params
    }
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=6))
    part = draw(st.integers(0, len(chosen)))
    fixed, swept = chosen[:part], chosen[part:]
    by_name = {field.name: field for field in declared.params}
    file = {"scenario": declared.name, "params": {name: draw(values_of(by_name[name])) for name in fixed}}
    block = {name: draw(several[name]) for name in swept}
    if len(swept) >= 2 and draw(st.booleans()):
        one, other = swept[:2]
        rows = [list(row) for row in zip(block.pop(one), block.pop(other), strict=False)]
        block[f"{one}, {other}"] = rows
    ranged = [name for name in block if name in by_name and by_name[name].type in ("int", "float")]
    if ranged and draw(st.booleans()):
        first, size = draw(st.integers(1, 5)), draw(st.integers(0, 9))
        step = draw(st.sampled_from([{"step": 1}, {"times": 2}]))
        block[ranged[0]] = {"from": first, "to": first + size, **step}
    if block:
        file["sweep"] = draw(st.sampled_from([block, [block]]))
    if file["params"]:
        file["baseline"] = file["params"]
    file["expect"] = [draw(expectations(declared, file["params"]))]
    file |= draw(st.fixed_dictionaries({}, optional=SETTINGS))
    return file


SETTINGS = {
    "name": st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True),
    "description": st.text(max_size=9),
    "repeats": st.integers(0, 9),
    "warmup": st.integers(0, 9),
    "seed": st.integers(0, 2**63 - 1),
    "timeout": st.floats(0, 700_000) | st.from_regex(r"[0-9]{1,3}(\.5)? ?[smhd]", fullmatch=True),
    "order": st.sampled_from(["interleaved", "shuffled", "sequential"]),
    "isolation": st.sampled_from(["forked", "fresh"]),
    "retries": st.integers(0, 100),
}


@st.composite
def expectations(draw, declared, fixed):
    """An expectation, about the cases that have the fixed values."""
    metric = {"metric": draw(st.sampled_from([field.name for field in declared.metrics]))}
    conditions = st.sampled_from(
        [{"min": 0}, {"max": 1.5}, {"between": [0, 1]}, {"equals": 1, "tolerance": 0.5}, {"one_of": [1, 2.5]}]
    )
    stats = st.fixed_dictionaries({}, optional={"stat": st.sampled_from(["any", "mean", "p95", "share"])})
    expected = metric | draw(conditions) | draw(stats)
    expected = draw(st.sampled_from([expected, {"status": "ok"}, {"status": "error", "stat": "any"}]))
    return expected | ({"where": {name: [value] for name, value in fixed.items()}} if fixed else {})


@pytest.fixture(scope="module")
def accepted(tmp_path_factory):
    """A function that says whether the validator accepts an experiment, written as JSON, which is YAML."""
    file = tmp_path_factory.mktemp("any") / "any.yaml"

    def vocabulary(name):
        return type("Known", (), {"params_type": PARAMS[name], "declaration": DECLARED[name]})

    def call(text):
        file.write_text(text)
        try:
            read_experiment(Path(file), vocabulary)
        except (ExperimentFileError, ExperimentError):
            return False
        return True

    return call


DECLARED = {name: declare(cls) for name, cls in BUNDLED.items()}
PARAMS = {name: types_of(cls)[0] for name, cls in BUNDLED.items()}


@settings(max_examples=150)
@given(file=experiments(list(DECLARED.values())))
def test_whatever_the_validator_accepts_fits_the_schema(accepted, file):
    text = json.dumps(file)
    if accepted(text):
        assert faults(BUNDLED_SCHEMA, text) == []


def test_most_of_the_experiments_made_here_are_accepted(accepted):
    seen = []

    @settings(max_examples=100, database=None, derandomize=True)
    @given(file=experiments(list(DECLARED.values())))
    def count(file):
        seen.append(accepted(json.dumps(file)))

    count()
    assert sum(seen) > len(seen) / 4


KEYED = ("properties", "patternProperties", "definitions", "dependencies")


def _keywords(schema, *, names=False):
    """Yield the keywords of a schema; ``names`` says that its keys are those of a mapping that it is about."""
    if isinstance(schema, list):
        for each in schema:
            yield from _keywords(each)
    elif isinstance(schema, dict):
        for word, value in schema.items():
            if not names:
                yield word
            if names or word not in ("default", "const", "enum", "examples"):
                yield from _keywords(value, names=not names and word in KEYED)


def test_every_keyword_is_one_of_draft_7():
    """A limit that a release of pydantic can't put into words becomes a keyword of its own, which checks nothing."""
    known = set(Draft7Validator.META_SCHEMA["properties"])
    assert set(_keywords(BUNDLED_SCHEMA)) <= known
