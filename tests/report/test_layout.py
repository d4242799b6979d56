"""Tables in text: they fit the width that they are given, and no number is cut."""

from hypothesis import given
from hypothesis import strategies as st

from mprunner.report.layout import Column, Group, Row, Table, fit, paragraph, plain

WORDS = st.text("abcdefgh", min_size=1, max_size=9)
LABELS = st.lists(st.tuples(WORDS, WORDS).map(" ".join), min_size=1, max_size=4).map(", ".join)
NUMBERS = st.integers(-(10**9), 10**9).map("{:,}".format)


@st.composite
def tables(draw):
    columns = draw(st.lists(st.builds(Column, title=WORDS, weight=st.integers(0, 9)), min_size=1, max_size=6))
    rows = st.builds(
        Row,
        label=LABELS,
        cells=st.tuples(*[NUMBERS | st.just("") for _ in columns]),
        mark=st.sampled_from(["", "!"]),
    )
    groups = st.builds(
        Group, heading=LABELS | st.just(""), rows=st.lists(rows, min_size=1, max_size=5).map(tuple)
    )
    return Table(
        title="case", columns=tuple(columns), groups=tuple(draw(st.lists(groups, min_size=1, max_size=3)))
    )


@given(tables(), st.integers(60, 200))
def test_no_line_of_a_table_is_wider_than_asked(table, width):
    assert max(map(len, plain(fit(table, width).lines).splitlines())) <= width


@given(tables(), st.integers(60, 200))
def test_every_cell_of_a_column_that_is_shown_is_whole(table, width):
    fitted = fit(table, width)
    words = plain(fitted.lines).split()
    kept = [place for place, column in enumerate(table.columns) if column.title not in fitted.left_out]
    cells = [row.cells[place] for row in table.rows for place in kept]
    assert all(cell in words for cell in cells if cell)


@given(tables())
def test_a_table_with_room_shows_every_column_and_every_label(table):
    fitted = fit(table, 500)
    text = plain(fitted.lines)
    assert fitted.left_out == ()
    assert all(row.label in text for row in table.rows)


def test_the_columns_of_least_weight_are_left_out_first():
    table = Table(
        title="case",
        columns=(
            Column(title="heavy", weight=3),
            Column(title="light", weight=1),
            Column(title="middle", weight=2),
        ),
        groups=(Group(heading="", rows=(Row(label="a" * 10, cells=("1" * 10, "2" * 10, "3" * 10)),)),),
    )
    assert [fit(table, width).left_out for width in (60, 45, 30)] == [(), ("light",), ("light", "middle")]


def test_titles_stand_on_the_line_above_their_numbers():
    table = Table(
        title="case",
        columns=(Column(title="a title of several words", weight=1), Column(title="short", weight=1)),
        groups=(Group(heading="", rows=(Row(label="guard lock", cells=("1", "2")),)),),
    )
    assert plain(fit(table, 60).lines).splitlines()[-2].split() == ["case", "several", "words", "short"]


@given(st.lists(st.text("abc", min_size=1, max_size=12), min_size=1, max_size=30), st.integers(20, 80))
def test_a_sentence_is_broken_between_words_and_keeps_all_of_them(words, width):
    lines = plain(paragraph(" ".join(words), width)).splitlines()
    assert " ".join(lines).split() == words
    assert max(map(len, lines)) <= width
