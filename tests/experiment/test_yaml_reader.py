"""The strict YAML reader: values with their places, limits, and a located error for everything else."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mprunner.errors import ExperimentError
from mprunner.experiment import parser
from mprunner.experiment.document import plain
from mprunner.experiment.parser import read_yaml
from mprunner.experiment.problems import ExperimentFileError


def value_of(text):
    document = read_yaml(text.encode() if isinstance(text, str) else text, "x.yaml")
    if document is not None and document.problems:
        raise ExperimentFileError(document.problems)
    return document and plain(document.root)


def facts(text):
    """Return what is wrong, as line, column, path and message."""
    with pytest.raises(ExperimentFileError) as caught:
        value_of(text)
    return [(p.line, p.column, p.where, p.message) for p in caught.value.problems]


def test_a_document_is_read_as_dicts_lists_and_scalars():
    text = """
    # a comment
    plain: {guard: [none, 'lock', "rlock"], empty: , n: 3}
    blocks:
      - folded: >-
          one
          two
      - kept: |
          one
          two
    """
    assert value_of(text) == {
        "plain": {"guard": ["none", "lock", "rlock"], "empty": None, "n": 3},
        "blocks": [{"folded": "one two"}, {"kept": "one\ntwo\n"}],
    }


@pytest.mark.parametrize("text", ["", "  \n", "# only a comment\n", "---\n", "---\n...\n", "\ufeff"])
def test_a_file_without_a_value_is_no_document(text):
    assert value_of(text) is None


def test_a_byte_order_mark_is_skipped_and_not_counted():
    assert facts(b"\xef\xbb\xbfa: yes") == [(1, 4, "a", "YAML readers disagree on what yes means")]


def test_quotes_are_the_escape_from_every_refusal():
    text = """{a: 'yes', b: "010", c: '12:30:45', d: 'null', 'no': '2024-01-31', '1': "1_000"}"""
    given = {"a": "yes", "b": "010", "c": "12:30:45", "d": "null", "no": "2024-01-31", "1": "1_000"}
    assert value_of(text) == given


def test_every_node_and_key_knows_its_place():
    document = read_yaml(b"a:\n  - {b: 12}\n", "x.yaml")
    place = document.find(("a", 0, "b"))
    assert (place.node.position.line, place.node.position.column, place.node.position.width) == (2, 9, 2)
    assert (place.key.line, place.key.column, place.key.width) == (2, 6, 1)
    assert document.find(("a", 0)).node.position.width == len("{b: 12}")


@pytest.mark.parametrize("text", ["a: 1\n'a': 2", '{a: 1, "\\u0061": 2}'])
def test_keys_are_the_same_however_they_are_quoted(text):
    assert [message for *_, message in facts(text)] == ["this key is given twice, first on line 1"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["1", "1.0"], "the key is not text but a number"),
        (["true"], "the key is not text but true or false"),
        (["null", "~"], "the key is not text but null"),
        ([""], "the key is missing"),
        (["no", "010", "2024-01-31"], "YAML readers disagree on what KEY means"),
    ],
)
def test_a_key_that_is_not_text_is_refused(keys, message):
    for key in keys:
        assert [fact[3] for fact in facts(f"? {key}\n: 1")] == [message.replace("KEY", key)]


@pytest.mark.parametrize("text", ["? [a]\n: 1", "? {a: 1}\n: 1", "[a, b]: 1", "b: &x a\n*x : 1"])
def test_a_key_that_is_no_scalar_is_refused(text):
    assert [fact[3] for fact in facts(text)] == ["a key has to be plain text"]


def test_everything_that_is_refused_is_reported_at_once():
    assert facts("a: yes\nb: [010, .inf]\na: !!str 1\n1: x\n") == [
        (1, 4, "a", "YAML readers disagree on what yes means"),
        (2, 5, "b[0]", "YAML readers disagree on what 010 means"),
        (2, 10, "b[1]", ".inf is not a finite number"),
        (3, 1, "a", "this key is given twice, first on line 1"),
        (3, 4, "a", "the tag '!!str' is not supported"),
        (4, 1, "", "the key is not text but a number"),
    ]


def test_aliases_and_merge_keys_are_expanded():
    text = "a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{y: 4, z: 5}, *a]}\n"
    assert value_of(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "y": 3},
        "d": {"y": 4, "z": 5, "x": 1},
    }


def test_merged_keys_come_first_and_own_values_win():
    assert list(value_of("a: &a {x: 1, y: 2}\nc: {z: 0, y: 3, <<: *a}\n")["c"].items()) == [
        ("x", 1),
        ("y", 3),
        ("z", 0),
    ]


def test_an_alias_is_pointed_at_where_it_stands():
    document = read_yaml(b"a: &a [1]\nb: *a\n", "x.yaml")
    assert document.find(("b",)).node.position.line == 2
    assert document.find(("b", 0)).node.position.line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]", "*a stands for something that contains it"),
        ("a: &a {b: {<<: *a}}", "*a stands for something that contains it"),
        ("<<: {a: 1}\n<<: {b: 1}", "<< is given twice"),
        ("&x a: 1", "a key can't have an anchor"),
        ("a: &", "this is no anchor"),
        ("a: *", "this is no alias"),
    ],
)
def test_an_alias_that_stands_for_nothing_usable_is_refused(text, message):
    assert [fact[3] for fact in facts(text)] == [message]


def test_aliases_that_multiply_end_at_the_cap():
    doubling = "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30))
    assert facts("a0: &a0 [x, x]\n" + doubling)[0][3] == (
        "the file has more than 100,000 values, with aliases expanded"
    )


def test_aliases_cannot_nest_deeper_than_brackets():
    chain = "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 40))
    assert facts("a0: &a0 [x]\n" + chain)[0][3] == "lists and mappings are nested more than 32 deep"


def test_a_hundred_thousand_values_are_read_and_one_more_is_not(monkeypatch):
    assert parser.MAX_VALUES == 100_000
    monkeypatch.setattr(parser, "MAX_VALUES", 1_000)  # of so many it takes a moment
    assert len(value_of("[" + "1," * 999 + "]")) == 999
    assert facts("[" + "1," * 1_000 + "]") == [
        (1, 2_000, "", "the file has more than 1,000 values, with aliases expanded")
    ]


def test_nesting_of_32_is_read_and_33_is_not():
    assert value_of("[" * 32 + "]" * 32) is not None
    assert facts("[" * 33 + "]" * 33) == [(1, 33, "", "lists and mappings are nested more than 32 deep")]


@pytest.mark.parametrize(
    ("openings", "message"),
    [
        (["[", "[a, ", "- ", "{a: "], "lists and mappings are nested more than 32 deep"),
        (["{", "? ", "[? "], "a key has to be plain text"),
    ],
)
def test_60_000_open_collections_are_a_problem_not_a_crash(openings, message):
    """The depth is bounded while events are read, before PyYAML can recurse or say anything of its own."""
    for opening in openings:
        assert [fact[3] for fact in facts(opening * 60_000)] == [message], opening


def test_256_kibibytes_are_read_and_one_byte_more_is_not():
    assert value_of("#" * (1 << 18)) is None
    with pytest.raises(ExperimentError, match=r"^x\.yaml is larger than 256 KiB$"):
        value_of("#" * ((1 << 18) + 1))


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"a: \xff", (1, 4, "", "byte 0xff is not UTF-8")),
        (b"\xef\xbb\xbf*a\xff", (1, 3, "", "byte 0xff is not UTF-8")),
        ("a: 1".encode("utf-16"), (1, 1, "", "byte 0xff is not UTF-8")),
        ("é: 1\nb: \x07", (2, 4, "", "the character U+0007 has no place in YAML")),
        ("a: \x85", (1, 4, "", "the character U+0085 has no place in YAML")),
        ("a: \u2028b", (1, 4, "", "the character U+2028 has no place in YAML")),
        (b"a: \xed\xa0\x80", (1, 4, "", "byte 0xed is not UTF-8")),
        ('a: "\\ud800"', (1, 4, "a", "\\ud800 to \\udfff are halves of characters")),
        ('"\\udfff": 1', (1, 1, "", "\\ud800 to \\udfff are halves of characters")),
        ('a: "\\UFFFFFFFF"', (1, 7, "", "this escape or directive can't be read as YAML")),
        ("%YAML 1." + "9" * 5_000 + "\n--- a", (1, 9, "", "this escape or directive can't be read as YAML")),
        (
            "a: !!python/object:os.system x",
            (1, 4, "a", "the tag '!!python/object:os.system' is not supported"),
        ),
        ("a: !x [1]", (1, 4, "a", "the tag '!x' is not supported")),
    ],
)
def test_what_is_no_plain_utf_8_document_is_refused_where_it_is(text, fact):
    assert facts(text) == [fact]


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
def test_lines_are_counted_alike_however_they_end(break_):
    assert facts(f"a: 1{break_}{break_}b: yes{break_}")[0][:2] == (3, 4)


class QuotingDumper(yaml.SafeDumper):
    """Writes every text in double quotes, as a text has to be that could mean something else."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


def same(left, right):
    """Return whether two values are equal in type too, which ``==`` does not say of 1, 1.0 and true."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and (
        not isinstance(left, float) or math.copysign(1, left) == math.copysign(1, right)
    )


@given(values, st.booleans(), st.booleans())
def test_what_pyyaml_writes_is_read_back_equal(value, flow, unicode):
    text = yaml.dump(
        value, Dumper=QuotingDumper, default_flow_style=flow, allow_unicode=unicode, sort_keys=False
    )
    assert same(value_of(text), value)
