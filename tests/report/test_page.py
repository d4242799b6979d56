"""A run's page: what is where, that its numbers are those of the tables, and that any text is text."""

import gzip
import json
from base64 import b64decode
from dataclasses import replace

import pytest

from mprunner.model.records import Status
from mprunner.report import Chart, Drawn, index_of_runs, page_of_run
from mprunner.report.index_page import ListedRun
from mprunner.report.page import MOST_BYTES
from mprunner.report.page_tables import MOST_ROWS
from mprunner.runs import RunInfo
from tests.made import DECLARATION, outcome, record
from tests.report.pages import parsed
from tests.report.pictured import made as picture_of

EVIL = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"
TURNING = "gu\u202eard\x1b[31m"
NOTHING = Drawn(charts=(), svgs=(), bundle="")
FACTS = {
    "run_id": "20250101T000000Z-abcdef",
    "experiment": "bank",
    "state": "finished",
    "verdict": "passed",
    "started_at": "2025-01-01T00:00:00.000000Z",
    "argv": ["/usr/bin/mprunner", "run", "a file.yaml"],
    "mprunner": "0.1.0",
    "python": "3.12.1",
    "cpu": "a CPU",
    "cpu_count": 2,
}


def html_of(picture, *, drawn=NOTHING, tails=None, source="", **facts):
    return page_of_run(picture, RunInfo(FACTS | facts), drawn, tails or {}, source)


BANK = [
    record(
        guard,
        repeat,
        metrics={"wall_s": wall_s + repeat / 100, "lost_updates": lost},
        outcomes=[outcome(100)],
    )
    for guard, wall_s, lost in (("none", 0.5, 3), ("lock", 1.0, 0))
    for repeat in range(5)
]


@pytest.fixture(scope="module")
def bank():
    return picture_of(*BANK, baseline={"guard": "none"}, planned=10, description="Does it lose updates?")


@pytest.fixture(scope="module")
def page(bank):
    return parsed(html_of(bank))


def test_the_verdict_comes_first_then_the_question_the_metrics_the_outcomes_and_how_to_repeat_it(page):
    titles = [each.text for each in page.all() if each.tag in ("h1", "h2")]
    assert [title for title in titles if title != "Noise and drift"] == [
        "✓ Passed",
        "The question",
        "What was measured",
        "What was observed",
        "Repeat and cite",
    ]
    assert "Does it lose updates?" in page.text
    assert "mprunner run 'a file.yaml'" in page.text


def test_the_numbers_of_the_tables_are_those_of_the_summary_with_every_bit(bank, page):
    for metric in ("wall_s", "lost_updates", "final_balance"):
        (table,) = page.all("table", data_name=f"metric-{metric}")
        rows = bank.summary[bank.summary["metric"] == metric]
        cells = [row.all("td") for row in table.all("tbody")[0].all("tr")]
        assert [float(row[1].attributes["data-value"]) for row in cells] == rows["median"].tolist()
        ratios = [
            float(row[2].attributes["data-value"]) for row in cells if "data-value" in row[2].attributes
        ]
        if rows["ratio"].notna().any():
            assert ratios == rows["ratio"].dropna().tolist()


def test_the_metric_in_which_cases_are_compared_comes_first(page):
    names = [each.attributes["data-name"] for each in page.all("table")]
    assert next(name for name in names if name.startswith("metric-")) == "metric-wall_s"


def test_a_metric_that_is_an_outcome_too_has_two_tables_with_names_of_their_own():
    """A screen reader lists tables by their names."""
    meaning = DECLARATION.outcomes["final_balance"]
    metrics = tuple(
        replace(each, doc=meaning) if each.name == "final_balance" else each for each in DECLARATION.metrics
    )
    page = parsed(html_of(picture_of(*BANK, declaration=replace(DECLARATION, metrics=metrics), planned=10)))
    names = [table.all("caption")[0].text for table in page.all("table")]
    assert len(set(names)) == len(names)


def test_a_page_names_the_interpreter_of_each_variant(bank):
    variants = {
        "free": {"python": "CPython 3.14.0 free-threading", "gil_enabled": False},
        "odd": "no mapping",
    }
    text = html_of(bank, variants=variants)
    assert "variant free" in text
    assert "CPython 3.14.0 free-threading, without a GIL" in text


def test_every_table_has_a_caption_and_every_heading_a_scope(page):
    assert page.all("table")
    assert all(table.all("caption")[0].text for table in page.all("table"))
    assert {each.attributes.get("scope") for each in page.all("th")} == {"col", "row"}


def test_a_page_names_nothing_outside_of_itself(page):
    links = [each.attributes.get("href") or each.attributes.get("src") for each in page.all()]
    assert {link[0] for link in links if link} == {"#"}
    ids = [each.attributes["id"] for each in page.all() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    assert [link for link in links if link and link[1:] not in ids] == []
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert "default-src 'none'" in policy.attributes["content"]


def test_whatever_a_run_says_is_shown_as_text():
    evil = record("none", metrics={"remark": EVIL}, outcomes=[outcome(EVIL)])
    evil = replace(
        evil,
        attempt=replace(evil.attempt, case_label=f"guard {EVIL}", params={"guard": EVIL, "transactions": 1}),
    )
    failed = record("lock", status=Status.ERROR, error_type=EVIL, error_message=EVIL)
    picture = picture_of(evil, failed, name=EVIL, description=EVIL, baseline={"guard": EVIL})
    facts = dict.fromkeys(("experiment", "host", "cpu", "python", "os", "file", "mprunner"), EVIL)
    html = html_of(picture, tails={"trial-lock-0.1.log": EVIL}, source=EVIL, argv=["mprunner", EVIL], **facts)
    page = parsed(html)
    scripts = page.all("script")
    assert len(scripts) == len(parsed(html_of(picture_of(*BANK))).all("script"))
    assert not any("alert(1)" in "".join(map(str, script.children)) for script in scripts)
    assert "49" not in page.text
    assert page.text.count("<script>alert(1)</script>\"'&{{ 7 * 7 }}") > 10


def test_control_characters_and_marks_that_turn_text_around_are_shown_as_escapes():
    html = html_of(picture_of(*BANK, description=TURNING), host=TURNING)
    assert not {"\u202e", "\x1b"} & set(html)
    assert parsed(html).text.count(r"gu\u202eard\x1b[31m") == 2


def test_long_text_is_shortened_and_the_whole_of_it_is_there():
    long = "word " * 2_000
    page = parsed(html_of(picture_of(*BANK, description=long)))
    (question,) = page.all("div", class_="question")
    (whole,) = question.all("details", class_="long")
    assert len(whole.all("summary")[0].text) < 500
    assert whole.all("p")[0].text == long.strip()


def many(count, failed):
    return [
        replace(
            made,
            attempt=replace(
                made.attempt,
                case_id=f"case{number:05}",
                case_label=f"n {number}",
                trial_id=f"t{number}",
                order=number,
            ),
        )
        for number in range(count)
        for made in [record("none", status=Status.ERROR if number in failed else Status.OK)]
    ]


def test_of_many_cases_a_page_shows_a_hundred_those_that_failed_among_them_and_says_so():
    page = parsed(html_of(picture_of(*many(250, {249}))))
    (table,) = page.all("table", data_name="cases")
    labels = [row.all("th")[0].text for row in table.all("tbody")[0].all("tr")]
    assert labels == [*map(str, range(MOST_ROWS - 1)), "249"]
    assert "100 rows of 250" in page.text
    assert "summary.csv has all" in page.text


@pytest.mark.parametrize(
    ("facts", "records", "said"),
    [
        ({"state": "running", "verdict": None}, BANK[:3], "… Running, passed so far"),
        ({"state": "interrupted", "verdict": None}, BANK[:3], "… Interrupted, passed so far"),
        ({"state": "running", "verdict": None}, [], "… Running"),
        ({}, [record("none", status=Status.ERROR)], "✗ Failed"),
        ({"state": "stopped"}, [record("none", status=Status.ERROR)], "✗ Stopped, failed so far"),
    ],
)
def test_a_page_says_what_state_its_run_is_in(facts, records, said):
    page = parsed(html_of(picture_of(*records), **facts))
    assert page.all("h1")[0].text == said
    assert "Repeat and cite" in page.text


def test_a_failure_has_its_count_its_reason_and_the_end_of_its_log():
    failed = [
        record("none", n, status=Status.ERROR, error_type="ValueError", error_message="no") for n in range(3)
    ]
    page = parsed(html_of(picture_of(*failed), tails={"trial-none-0.1.log": "line 1\nline 2"}))
    (group,) = page.all("article", class_="failure")
    assert group.text.startswith("error 3 of 3 trials ValueError: no")
    assert group.all("pre")[0].text == "line 1 line 2"


def test_run_json_of_another_version_costs_no_page():
    odd = {
        "git": "none",
        "plugin": [1],
        "packages": 3,
        "python_build": None,
        "argv": "mprunner",
        "started_at": "soon",
    }
    page = parsed(html_of(picture_of(*BANK), **odd))
    assert page.all("h1")[0].text == "✓ Passed"


CHART = Chart(
    key="strips-wall_s",
    title="T",
    caption="C",
    description="D",
    section="metrics",
    spec={"x": "</script><!--"},
)


def test_a_chart_has_its_picture_its_words_and_a_spec_that_ends_no_script(bank):
    svg = '<svg id="a"><clipPath id="c"/><g clip-path="url(#c)"/></svg>'
    page = parsed(html_of(bank, drawn=Drawn(charts=[CHART], svgs=[svg], bundle="let a = '</script>'")))
    (image,) = page.all("div", role="img")
    assert image.attributes["aria-label"] == "D"
    assert image.all("clippath", id="strips-wall_s-c")
    assert image.all("g")[0].attributes["clip-path"] == "url(#strips-wall_s-c)"
    (spec,) = page.all("script", type="application/json")
    assert json.loads("".join(spec.children)) == CHART.spec
    (bundle,) = page.all("script", id="vega")
    assert gzip.decompress(b64decode("".join(bundle.children))).decode() == "let a = '</script>'"


@pytest.mark.parametrize(
    ("svg_bytes", "spec_bytes", "drawn", "live"),
    [(1_000, 1_000, 2, 2), (1_000, MOST_BYTES, 2, 1), (MOST_BYTES, 1_000, 1, 1)],
    ids=["small", "large data", "large picture"],
)
def test_a_page_that_would_be_too_large_has_static_charts_and_then_fewer(
    bank, svg_bytes, spec_bytes, drawn, live
):
    charts = [CHART, replace(CHART, key="strips-lost_updates", spec={"x": "d" * spec_bytes})]
    svgs = ["<svg></svg>", f"<svg><!--{'s' * svg_bytes}--></svg>"]
    html = html_of(bank, drawn=Drawn(charts=charts, svgs=svgs, bundle="x"))
    page = parsed(html)
    assert len(html.encode()) <= MOST_BYTES
    assert len(page.all("svg")) == drawn
    assert len(page.all("script", type="application/json")) == live
    assert len(page.all("figure")) == 2
    assert ("This chart is left out" in page.text) is (drawn == 1)


def test_the_page_of_all_runs_links_those_that_have_a_page():
    info = RunInfo(FACTS | {"experiment": EVIL, "planned": 10, "done": 10})
    page = parsed(index_of_runs([ListedRun(info, "bank/a%20b", True), ListedRun(info, "bank/c", False)], 2))
    links = [each.attributes["href"] for each in page.all("table")[0].all("a")]
    assert links == ["bank/a%20b/report.html", "bank/a%20b/", "bank/c/"]
    assert EVIL in page.text


def test_pages_of_an_only_case_and_of_no_ok_trial_have_no_empty_table():
    for records in ([record("none")], [record("none", status=Status.ERROR)], []):
        page = parsed(html_of(picture_of(*records)))
        assert all(table.all("tbody")[0].all("tr") for table in page.all("table"))
