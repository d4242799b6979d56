"""Files near the limits take little time and memory, and both tokenisers of PyYAML read the same from a file."""

import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from mprunner.spec import tokens
from mprunner.spec.nodes import MappingNode, ScalarNode, SequenceNode
from mprunner.spec.problems import ExperimentFileError
from mprunner.spec.yaml_reader import read_yaml
from tests.spec.test_any_input import TOKENS

pytestmark = pytest.mark.skipif(tokens.CParser is None, reason="PyYAML has no libyaml here")

EXPERIMENTS = tuple(
    file.read_bytes() for file in sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))
)
YARDSTICKS = 100  # the longest takes 40, 2 s of CPU time on an idle machine; what is quadratic takes hundreds
MEBIBYTES = 200
WORST = (  # of each kind, what takes the longest
    "refused keys",
    "refused values",
    "open brackets",
    "empty expectations",
    "empty products",
    "lists for values",
    "a where that nothing matches",
    "wheres of many blocks",
    "ranges of long decimals",
    "CPUs",
)
PADDING = b"#\n" * tokens.LONG  # what makes a text long, and is nothing


def check_worst(*names):
    """Have them read in one process of its own, without the modules that the tests import; all of them by default."""
    command = [sys.executable, "-m", "tests.spec.worst_files", *names]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, check=True, cwd=root, timeout=380)
    measured = json.loads(done.stdout)
    assert {name: took for name, took in measured["yardsticks"].items() if took > YARDSTICKS} == {}
    assert measured["mebibytes"] < MEBIBYTES


@pytest.mark.timeout(400)
def test_the_worst_files_take_little_time_and_memory():
    check_worst(*WORST)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_file_near_the_limits_takes_seconds_and_little_memory():
    check_worst()


def outcome(raw, longest_short):
    """Return the tree or the problems that come of a text; longer ones than ``longest_short`` go to libyaml."""
    with patch.object(tokens, "LONG", longest_short):
        try:
            document = read_yaml(raw, "x.yaml")
        except ExperimentFileError as error:
            return None, error.problems
        return document and shape(document.root), document.problems if document else ()


def shape(node):
    """Return a tree with its positions; that of a value which is not there is each tokeniser's own."""
    match node:
        case ScalarNode():
            return node.position if node.written else None, node.value, node.written
        case SequenceNode():
            return node.position, [shape(item) for item in node.items]
        case MappingNode():
            return node.position, [(key, e.key, shape(e.node)) for key, e in node.entries.items()]


def both(raw):
    return outcome(raw, tokens.MAX_BYTES), outcome(raw, -1)


@pytest.mark.parametrize("raw", EXPERIMENTS)
@pytest.mark.parametrize("break_", [b"\n", b"\r\n", b"\r"])
def test_both_tokenisers_read_the_same_from_every_experiment(raw, break_):
    pure, c = both(raw.replace(b"\n", break_))
    assert pure == c
    assert pure[1] == ()


@st.composite
def mutated(draw):
    """A piece of an experiment in which smaller ones are removed, repeated, or replaced by tokens."""
    raw = draw(st.sampled_from(EXPERIMENTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 20)))
        new = draw(
            st.sampled_from((*TOKENS, b" ", b",", "é😀".encode(), b"\r\n")) | st.just(raw[start:end] * 2)
        )
        raw = raw[:start] + new + raw[end:]
    return raw


same = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def check_same(raw):
    """Compare the readings, but of a text in which YAML's grammar is known to be read in two ways.

    Libyaml takes a tab between tokens and a ``?`` within text in brackets, as YAML 1.2 does, and a second byte order
    mark; it refuses ``a::`` in brackets. Which of several errors comes first
    may differ too, but not whether any does.
    """
    (pure, pure_problems), (c, c_problems) = both(raw)  # nothing but a document or problems comes of any
    assume(not any(piece in raw for piece in (b"\t", b"?", b"\xef\xbb\xbf", b"::", b":,", b":]", b":}")))
    assert pure == c
    assert bool(pure_problems) == bool(c_problems)


@same
@given(raw=mutated())
@example("a: \"\\u00e9 😀\"\n😀: [1, {b: é}]\r\nc: |\r\n  x\r\n\r\nd: 'x\r\n\r\n  y'\r\n".encode())
@example(b"a: &a {x: 1}\nb: {<<: *a, y: }\nc: >-\n  x\n\n  y\n# end")
def test_both_tokenisers_read_the_same_from_a_mutated_experiment(raw):
    check_same(raw)


@same
@given(raw=st.lists(st.sampled_from(TOKENS), max_size=25).map(b"".join))
def test_both_tokenisers_read_the_same_from_a_sequence_of_tokens(raw):
    check_same(raw)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(same, max_examples=5_000)
@given(raw=mutated())
def test_both_tokenisers_read_the_same_from_many_mutations(raw):
    check_same(raw)


@pytest.mark.parametrize(
    "text",
    [
        b"a: 1\n b: 2",
        b"a: b: c",
        b"a: - b",
        b"a: 1\nb\nc: 2",
        b"- a\nb: 1",
        b"a: 1\n- b",
        b"a: 1\n]",
        b"a: [1\nb: 2",
        b"a: {b: 1\nc: 2",
        b"a: [",
        b"a: 'b",
        b"a: & b",
        b"a: * b",
        b"a: %b",
        b"a: @b",
        b"[a: *b]",
    ],
)
def test_a_common_error_is_told_alike_in_a_long_file(text):
    """What follows is a comment, which ends no quote and no bracket; the place is that of a short file."""
    _, pure = outcome(text, tokens.MAX_BYTES)
    _, c = outcome(text, -1)
    assert [(p.line, p.column, p.message, p.hint) for p in pure] == [
        (p.line, p.column, p.message, p.hint) for p in c
    ]


def test_more_tag_directives_than_any_file_needs_are_refused_before_libyaml_compares_them():
    directives = b"".join(b"%%TAG !a%d! b\n" % number for number in range(1_000))
    _, problems = outcome(directives + b"--- a\n", -1)
    assert [(p.line, p.column, p.message) for p in problems] == [
        (101, 1, "there are too many %TAG directives")
    ]


def test_a_long_file_is_read_by_libyaml_and_a_short_one_is_not():
    with patch.object(tokens, "CParser", wraps=tokens.CParser) as parser:
        assert read_yaml(b"a: 1\n", "x.yaml") is not None
        assert not parser.called
        assert read_yaml(b"a: 1\n" + PADDING, "x.yaml") is not None
        assert parser.called


def test_without_libyaml_a_long_file_is_read_alike():
    raw = b"a: [1, 'b']\n" + PADDING
    with patch.object(tokens, "CParser", None):
        pure = outcome(raw, tokens.LONG)
    assert pure == outcome(raw, tokens.LONG)
