"""Whatever a file holds, an experiment comes of it or an ExperimentError: no traceback, no crash, no hang."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mprunner.errors import ExperimentError
from mprunner.experiment import NOTHING, Asked, Experiment, ExperimentFileError, count, read_experiment
from tests.experiment.scenarios import Bank, scenario_of

SEEDS = (
    (Path(__file__).parents[2] / "experiments" / "bank.yaml").read_bytes().replace(b"race-bank", b"bank"),
    b"scenario: bank\nsweep:\n  - &a {guard: [none, lock], level: 1}\n  - {<<: *a, fair: [true]}\ntimeout: 2m\n",
    b'scenario: strict\nparams: {n: 1}\ndescription: "a \\u00e9 b"\nsweep: {m: [1, 2, 3]}\nbaseline: {m: 1}\n',
    (
        b"scenario: bank\nsweep: {guard: [none, lock]}\noutcomes:\n  final_balance:\n"
        b"    - {equals: {param: level}, tolerance: 0.5, verdict: acceptable, note: n}\n"
        b"    - {one_of: [1, 2], where: {guard: [none, lock]}, verdict: interesting}\n"
        b"    - {otherwise: true, verdict: forbidden}\n"
        b"expect:\n  - {metric: lost_updates, stat: p95, between: [0, 1]}\n"
        b"  - {status: timeout, stat: share, max: 0.5, where: {guard: none}}\n"
    ),
)
WORDS = "params sweep baseline cpu_count yes null 010 1e999 ~ # ' \" [ ] { } *a \\u \\U0011"
TOKENS = (
    *(word.encode() for word in WORDS.split(" ")),
    *(b"&a ", b"<<: ", b"!!str ", b"- ", b"? ", b": ", b"|\n", b">-\n", b"%YAML 1.2\n", b"---\n", b"...\n"),
    *(b"\t", b"\n", b"\r", b"\xff", b"\xc2\x85", b"\xef\xbb\xbf", b"9" * 30),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return the file that every example overwrites."""
    return tmp_path_factory.mktemp("any") / "x.yaml"


def check(path, raw, asked=NOTHING):
    """Read bytes; only an experiment or an error that can be shown may come of it."""
    path.write_bytes(raw)
    try:
        experiment = read_experiment(path, scenario_of, asked)
    except ExperimentError as error:
        check_shown(error)
    else:
        assert Experiment.from_json(experiment.to_json(), raw) == experiment
        assert count(experiment) >= 1


def check_shown(error):
    """Render an error: every problem has a place, and any other error has a hint."""
    error.message.encode()
    if not isinstance(error, ExperimentFileError):
        assert error.hint
        return
    assert error.problems
    for problem in error.problems:
        assert min(problem.line, problem.column, problem.width) >= 1
        problem.render().encode()


PARTS = (".guard", ".transactions", ".workers", "[0]", "[1]", "[7]", '["n"]', ".", "[", "]", "'", " ", "")
VALUES = (
    *("", "1", "lock", "x: y", "[]", "[none, lock]", "[[1, 2]]"),
    *("{}", "{guard: lock}", "{from: 1, to: 9, step: 2}"),
)
texts_of_values = st.sampled_from([*VALUES, *(token.decode(errors="replace") for token in TOKENS)])
bounded = settings(suppress_health_check=[HealthCheck.too_slow])


@bounded
@given(raw=st.binary(max_size=500))
def test_any_bytes(path, raw):
    check(path, raw)


@bounded
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
@example("\ufeff\ufeffa: 1")
@example("a: |1\n b\n")
@example('"\\U00110000"')
def test_any_text(path, text):
    check(path, text.encode())


@bounded
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=40))
def test_any_sequence_of_yaml_tokens(path, tokens):
    check(path, b"".join(tokens))


@st.composite
def mutated(draw):
    """An experiment in which pieces are removed, repeated, or replaced by tokens."""
    raw = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 20)))
        new = draw(st.sampled_from(TOKENS) | st.binary(max_size=3) | st.just(raw[start:end] * 2))
        raw = raw[:start] + new + raw[end:]
    return raw


@bounded
@given(raw=mutated())
def test_any_mutation_of_an_experiment(path, raw):
    check(path, raw)


plain = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["none", "lock", "cpu_count", "bank", "x"])
)
names = st.sampled_from([*Bank.__dataclass_fields__, "gaurd"])
ranges = st.dictionaries(
    st.sampled_from(["from", "to", "step", "times", "by"]), plain, min_size=3, max_size=4
)
one_each = st.dictionaries(names, plain | st.lists(plain, max_size=2), max_size=3)
conditions = st.dictionaries(
    st.sampled_from(["equals", "tolerance", "one_of", "min", "max", "between", "otherwise", "where", "stat"]),
    plain | st.lists(plain, max_size=3) | one_each | st.fixed_dictionaries({"param": names}),
    max_size=4,
)
rules = st.builds(
    dict.__or__,
    conditions,
    st.fixed_dictionaries(
        {},
        optional={
            "verdict": st.sampled_from(["forbidden", "acceptable", "bad"]) | plain,
            "metric": st.sampled_from(["lost_updates", "lossy", "how", "wall_s", "x"]) | plain,
            "status": st.sampled_from(["ok", "timeout", "x"]) | plain,
        },
    ),
)
documents = st.fixed_dictionaries(
    {"scenario": st.sampled_from(["bank", "strict", "other"])},
    optional={
        "params": one_each | plain,
        "sweep": one_each
        | st.dictionaries(names, ranges, max_size=2)
        | st.lists(one_each | plain, max_size=3)
        | plain,
        "baseline": one_each | plain,
        "exclude": st.lists(one_each, max_size=2) | plain,
        "repeats": plain | one_each,
        "timeout": plain | st.just("2m"),
        "outcomes": st.dictionaries(
            st.sampled_from(["final_balance", "x"]), st.lists(rules | plain, max_size=3) | plain, max_size=2
        )
        | plain,
        "expect": st.lists(rules | plain, max_size=3) | plain,
        "order": plain | st.just("shuffled"),
    },
)


@bounded
@given(document=documents)
def test_any_document_of_the_right_keys(path, document):
    check(path, yaml.safe_dump(document, sort_keys=False).encode())


keys = st.sampled_from(["params", "sweep", "baseline", "exclude", "repeats", "timeout", "name", *PARTS])
settings_of_keys = st.builds("{}={}".format, st.lists(keys, max_size=4).map("".join), texts_of_values)
options = st.lists(settings_of_keys | st.text(max_size=60), max_size=4).map(tuple)


@settings(bounded, max_examples=400)
@given(raw=st.sampled_from(SEEDS), overrides=options)
@example(SEEDS[0], ("sweep[0].mode=\udcff",))
@example(SEEDS[0], ("a" * (1 << 21),))
@example(SEEDS[0], ("repeats=" + "[" * 5_000,))
@example(SEEDS[0], ("a" + ".a" * 5_000 + "=1",))
@example(SEEDS[0], ("sweep[" + "9" * 5_000 + "]=1",))
@example(SEEDS[0], ("repeats=1",) * 5_000)
@example(SEEDS[0], ("\n=1", "=\n", "repeats=\r\n1\n", "repeats: 2\n=3"))
def test_any_text_given_to_set(path, raw, overrides):
    check(path, raw, Asked(overrides=overrides))


@settings(bounded, max_examples=200)
@given(raw=st.sampled_from(SEEDS), only=options)
@example(SEEDS[0], ("guard=\ud800",))
def test_any_text_given_to_only(path, raw, only):
    check(path, raw, Asked(only=only))


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(bounded, max_examples=20_000)
@given(raw=mutated() | st.lists(st.sampled_from(TOKENS), max_size=40).map(b"".join))
def test_any_of_many_mutations(path, raw):
    check(path, raw)
