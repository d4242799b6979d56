"""A schedule step by step: a column for each actor, in text and on the page."""

import pytest

from mprunner.report.layout import plain
from mprunner.report.steps import Diagram, Step, diagram_lines

STEPS = (
    Step(actor=0, text="10 if self.value is None:", access="read Lazy.value"),
    Step(actor=1, text="12 self.value = object()", access="write Lazy.value"),
    Step(actor=None, text="… 3 more lines", access=""),
)
DIAGRAM = Diagram(title="schedule 2, ends in 2, cache.py", actors=("get#1", "get#2"), steps=STEPS)


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


@pytest.mark.parametrize("width", [54, 80, 120])
def test_no_line_is_wider_than_asked(width):
    long = Step(actor=1, text="12 " + "word " * 40, access="")
    diagram = Diagram(title="a", actors=("get#1", "get#2"), steps=(long,))
    lines = plain(diagram_lines(diagram, width)).splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) <= width
