"""A run as Markdown: what a renderer makes of it is the text that was given, in a table of the right shape."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mprunner.analysis.summary import summarise
from mprunner.analysis.verdict import judge
from mprunner.model.records import Status
from mprunner.model.rules import Condition, Expectation, Rules
from mprunner.model.text import printable
from mprunner.report.markdown import LONGEST, SHOWN_CASES, markdown_text, render_markdown
from mprunner.report.run_summary import digest
from mprunner.runs import RunInfo
from mprunner.tables.frames import build_frames
from tests.made import record, run
from tests.support import ROOT

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
RUN = RunInfo({"run_id": "r", "experiment": "bank", "state": "finished"})
ZERO_WIDTH = "\u200b"

HOSTILE = [
    "a | b || \\| c",
    "`code` ``more`` ```",
    "<script>alert(1)</script> <b>&amp;</b> &lt; <!-- -->",
    "@ada and @org/team, #123, GH-7, org/repo#9",
    "[link](http://x.example) ![i](y) <http://x.example> www.x.example ada@x.example",
    "**bold** __bold__ _it_ *it* ~~gone~~ snake_case_name $x$ :tada:",
    "# heading",
    "- item",
    "1. item",
    "12) item",
    "> quote",
    "    code",
    "+++",
    "---",
    "===",
    "line\nbreak\r\nand\ttab",
    "\u202eright to left",
    "\\",
    "ends with \\",
]


def cells_of(tokens):
    """Return the inline tokens of a document's cells, and whether anything but text is in one."""
    inline = [token for token in tokens if token.type == "inline"]
    return inline, {child.type for token in inline for child in token.children}


def shown(inline):
    return "".join(child.content for child in inline.children).replace(ZERO_WIDTH, "")


@given(
    st.one_of(
        st.sampled_from(HOSTILE), st.text(max_size=40), st.text("|\\`*_[]()<>&@#~$:-+=1. ab\n", max_size=30)
    )
)
def test_any_text_is_shown_as_it_is_in_a_cell_a_list_and_a_paragraph(text):
    made = markdown_text(text)
    wanted = printable(text).strip()
    if not wanted:
        assert made == ""
        return
    for document, before in (
        (f"| a | b |\n| - | - |\n| {made} | {made} |", ""),
        (f"- x{made}\n- {made}", "x"),
        (f"{made}\n\n> {made}", ""),
    ):
        inline, types = cells_of(RENDERER.parse(document))
        assert types <= {"text", "text_special"}
        found = [shown(token) for token in inline]
        assert (found[-1], found[-2]) == (wanted, f"{before}{wanted}")


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_is_called_and_nothing_is_linked(text):
    rendered = RENDERER.render(markdown_text(text))
    assert not re.search(r"@\w|#\d|GH-\d|://|www\.|:\w+:", rendered)
    assert set(re.findall(r"<(\w+)", rendered)) <= {"p"}


def rendered(*records, rules=None, told_of=RUN, **options):
    made = run(*records, planned=len(records), **options)
    frames = build_frames(made)
    judgement = judge(frames, rules or Rules())
    told = digest(made.header, frames, summarise(frames, made.header), judgement, None)
    return render_markdown(told, told_of, judgement.verdict)


def labelled(label, number=0, **options):
    made = record(f"c{number}", 0, order=number, **options)
    return replace(made, attempt=replace(made.attempt, case_label=label))


EXPECTED = Rules(
    expect=(Expectation(metric="lost_updates", stat="every", condition=Condition(max=0), where={}),)
)


def test_the_verdict_comes_first_and_what_decided_it_before_the_table():
    text = rendered(record(metrics={"lost_updates": 7}), record("lock", 0), rules=EXPECTED)
    assert text.startswith("### ❌ bank: failed\n")
    assert "missed: guard none: lost\\_updates" not in text  # an underscore within a word needs no escape
    places = [
        text.index(part)
        for part in (
            "- missed: guard none: lost_updates at most 0",
            "- expectations: 1 of 2 met",
            "| guard |",
        )
    ]
    assert places == sorted(places)


def test_a_run_that_expects_nothing_has_a_verdict_too():
    assert rendered(record()).startswith("### ✅ bank: passed\n")
    assert rendered(record(status=Status.ERROR)).startswith("### ❌ bank: failed\n")


def test_a_run_that_is_not_finished_says_so():
    interrupted = RunInfo({"run_id": "r", "experiment": "bank", "state": "interrupted"})
    assert rendered(record(), told_of=interrupted).startswith("### ✅ bank: passed (interrupted)\n")


def test_why_trials_failed_is_seen_and_noise_is_folded_away():
    failing = record("lock", 0, status=Status.ERROR, error_type="OSError", error_message="no | room")
    walls = [record("none", repeat, metrics={"wall_s": float(repeat + 1)}) for repeat in range(3)]
    text = rendered(*walls, failing)
    seen, _, folded = text.partition("<details>")
    assert "- error: OSError: no \\| room" in seen
    assert "noise: " not in seen
    assert "noise: " in folded


@pytest.mark.parametrize("number", [2, SHOWN_CASES, SHOWN_CASES + 1, 40])
def test_each_case_is_a_row_and_those_beyond_twenty_are_folded(number):
    text = rendered(*(labelled(f"way {n}", n) for n in range(number)))
    tables = [block for block in text.split("\n\n") if block.startswith("| way")]
    assert [block.count("\n") - 1 for block in tables] == [
        min(number, SHOWN_CASES),
        *([number - SHOWN_CASES] if number > SHOWN_CASES else []),
    ]
    assert "cases are not shown here" not in text


def test_of_many_cases_those_that_a_reader_looks_for_are_rows_and_the_others_counted():
    text = rendered(*(labelled(f"way {n}", n) for n in range(1000)))
    assert re.search(r"9\d\d cases are not shown here", text)


def test_a_page_of_hostile_labels_fits_into_a_comment_and_keeps_its_shape():
    evil = "|`*<script>@ada " * 700
    text = rendered(*(labelled(evil, n) for n in range(300)), name=evil, description=evil)
    assert len(text) < LONGEST + 5_000
    assert "cases are not shown here" in text
    tokens = RENDERER.parse(text)
    rows = sum(token.type == "tr_open" for token in tokens)
    assert sum(token.type in ("td_open", "th_open") for token in tokens) % rows == 0
    _, types = cells_of(tokens)
    assert types <= {"text", "text_special", "strong_open", "strong_close", "code_inline"}
    tags = {token.content.partition(">")[0] for token in tokens if token.type == "html_block"}
    assert tags == {"<details", "</details"}


def test_the_run_is_told_with_versions_machine_revision_and_command():
    run_json = RunInfo(
        {
            "run_id": "20250101T000000Z-abcdef",
            "experiment": "bank",
            "state": "finished",
            "mprunner": "0.1.0",
            "python": "3.12.1",
            "cpu": "Some CPU",
            "os": "Linux",
            "cpu_count": 8,
            "cpus": [0, 1],
            "git": {"revision": "0123456789abcdef", "dirty": True},
            "argv": ["/x/mprunner", "run", "my bank.yaml"],
        }
    )
    lines = rendered(record(), told_of=run_json).splitlines()
    assert "- run 20250101T000000Z-abcdef" in lines
    assert "- mprunner 0.1.0, Python 3.12.1, Some CPU, 2 of 8 CPUs, Linux" in lines
    assert "- revision 0123456789ab with changes" in lines
    assert "- command: mprunner run 'my bank.yaml'" in lines


# --- the command

GOLDEN = {
    path.parent.name: path for path in (ROOT / "tests" / "golden" / "runs").glob("*/*") if path.is_dir()
}


def test_show_prints_markdown_and_nothing_else(in_process):
    done = in_process("show", GOLDEN["bank"], "--format", "markdown")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("### ✅ bank: passed\n\nbank: race-bank, 10 trials, all ok\n")
    assert done.stdout.rstrip().endswith("</details>")


def test_one_form_of_output_is_chosen(in_process):
    done = in_process("show", GOLDEN["bank"], "--format", "markdown", "--plot")
    assert (done.returncode, "--plot and --format markdown exclude each other" in done.stderr) == (2, True)
