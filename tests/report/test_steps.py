"""A schedule step by step: a column for each actor, in text and on the page."""

import pandas as pd
import pytest

from mprunner.report.labels import Labels
from mprunner.report.layout import plain
from mprunner.report.steps import MOST_ORDERS, Diagram, Step, diagram_lines, diagrams_of
from mprunner.tables import Frames

STEPS = (
    Step(actor=0, text="10 if self.value is None:", access="read Lazy.value"),
    Step(actor=1, text="12 self.value = object()", access="write Lazy.value"),
    Step(actor=None, text="… 3 more lines", access=""),
)
DIAGRAM = Diagram(title="schedule 2, ends in 2, cache.py", actors=("get#1", "get#2"), steps=STEPS)
LABELS = Labels(groups=(("case",),), headings=("",), own={"case": ""}, prose={"case": ""}, whole={"case": ""})


def _frames(rows):
    return Frames(
        trials=pd.DataFrame(),
        observed={},
        statuses={},
        measured_statuses={},
        labels={"case": ""},
        params={},
        effective={},
        steps={"case": rows},
    )


def _rows(orders, states, actors):
    """Return the rows of schedules, each given by the letters of its actors."""
    return [
        {
            "schedule": schedule,
            "state": states[schedule],
            "step": step,
            "actor": actors[letter],
            "where": "bank.py:7",
            "code": "read = self.balance",
        }
        for schedule, letters in orders.items()
        for step, letter in enumerate(letters, 1)
    ]


def test_each_actor_has_a_column_and_time_goes_down():
    assert plain(diagram_lines(DIAGRAM, 80)).splitlines() == [
        "schedule 2, ends in 2, cache.py",
        "  get#1                                  get#2",
        "  10 if self.value is None:",
        "                                         12 self.value = object()",
        "  … 3 more lines",
    ]


def test_where_the_columns_are_too_narrow_each_step_has_a_line():
    assert plain(diagram_lines(DIAGRAM, 50)).splitlines()[1:] == [
        "get#1: 10 if self.value is None:",
        "get#2: 12 self.value = object()",
        "… 3 more lines",
    ]


def test_of_schedules_that_end_alike_one_is_drawn_and_the_order_of_the_others_is_told():
    orders, states = {1: "wwdd", 2: "wdwd", 3: "wddw"}, {1: "100", 2: "99", 3: "99"}
    rows = _rows(orders, states, {"w": "withdraw", "d": "deposit"})
    first, second = diagrams_of(_frames(rows), LABELS)
    assert (first.title, first.alike) == ("schedule 1, ends in 100, bank.py", "")
    assert (second.title, second.alike) == ("schedule 2, ends in 99, bank.py", "ends alike: 3 wddw")
    assert plain(diagram_lines(second, 80)).splitlines()[-1] == "ends alike: 3 wddw"


@pytest.mark.parametrize(
    ("one", "other", "told"), [("get#1", "get#2", "2 21"), ("put_it", "pop_it", "2 pop_it put_it")]
)
def test_actors_whose_names_begin_alike_are_told_by_their_numbers_or_names(one, other, told):
    orders, states = {1: "ab", 2: "ba"}, {1: "2", 2: "2"}
    (diagram,) = diagrams_of(_frames(_rows(orders, states, {"a": one, "b": other})), LABELS)
    assert diagram.alike == f"ends alike: {told}"


def test_of_many_schedules_that_end_alike_some_are_told():
    orders = dict.fromkeys(range(1, MOST_ORDERS + 5), "wd")
    rows = _rows(orders, dict.fromkeys(orders, "99"), {"w": "withdraw", "d": "deposit"})
    (diagram,) = diagrams_of(_frames(rows), LABELS)
    assert diagram.alike.endswith(f"{MOST_ORDERS + 1} wd, 3 more")


@pytest.mark.parametrize("width", [54, 80, 120])
def test_no_line_is_wider_than_asked(width):
    long = Step(actor=1, text="12 " + "word " * 40, access="")
    diagram = Diagram(title="a", actors=("get#1", "get#2"), steps=(long,))
    lines = plain(diagram_lines(diagram, width)).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= width
