"""The page of each bundled experiment in Chromium: what a person sees, clicks and prints."""

import re

import pytest

from tests.browser.pages import AXE, RUNS
from tests.support import ROOT

pytestmark = pytest.mark.xdist_group("browser")

NAMES = sorted({file.stem for file in (ROOT / "experiments").glob("*.yaml")})
OFTEN = ("bank", "scaling", "interleavings")
A4_BETWEEN_MARGINS = 688  # 210 mm less twice 14, at 96 pixels an inch
EACH = [pytest.param(name, marks=[] if name in OFTEN else [pytest.mark.slow]) for name in NAMES]


def test_there_is_a_stored_run_of_each_bundled_experiment():
    assert set(NAMES) <= set(RUNS)


@pytest.mark.parametrize("name", EACH)
def test_a_page_says_nothing_on_the_console_and_asks_for_nothing(seen, page_file, name):
    page = seen(name)
    assert page.wrong == []
    assert [url for url in page.requests if not url.startswith(("data:", "blob:"))] == [
        page_file(name).as_uri()
    ]


@pytest.mark.parametrize("name", EACH)
def test_every_chart_that_comes_into_view_is_alive(seen, name):
    lives = seen(name).page.evaluate(
        "[...document.querySelectorAll('.figure')].filter(each => each.spec && !each.hidden)"
        ".map(each => each.dataset.live)"
    )
    assert lives
    assert set(lives) == {"yes"}


@pytest.mark.parametrize("name", EACH)
def test_the_verdict_is_seen_without_scrolling(seen, name):
    box = seen(name).page.locator("h1").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 720
    assert box["height"] > 30  # in large type


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", EACH)
def test_a_page_passes_axe(seen, name, scheme):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `npm ci` in tests/browser")
    page = seen(name).page
    page.emulate_media(color_scheme=scheme)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then(({violations}) => violations)")
    told = [
        f"{each['id']}: {each['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for each in found
        for node in each["nodes"][:3]
    ]
    assert told == []


@pytest.mark.parametrize("name", EACH)
def test_a_page_prints_on_a4_with_nothing_beside_the_paper(seen, name):
    seen_page = seen(name)
    page = seen_page.page
    page.emulate_media(media="print")
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    sizes = set(re.findall(rb"/MediaBox\s*\[\s*0 0 (\d+)[.\d]* (\d+)", printed))
    assert sizes <= {(b"594", b"841"), (b"595", b"841"), (b"595", b"842")}  # points: 210 × 297 mm
    assert sizes
    page.set_viewport_size({"width": A4_BETWEEN_MARGINS, "height": 1000})
    assert seen_page.width() <= A4_BETWEEN_MARGINS, seen_page.wider_than(A4_BETWEEN_MARGINS)


@pytest.mark.parametrize("name", EACH)
def test_a_phone_of_360_pixels_scrolls_in_one_direction(seen, name):
    page = seen(name)
    page.page.set_viewport_size({"width": 360, "height": 740})
    assert page.width() <= 360, page.wider_than(360)


@pytest.mark.parametrize("name", EACH)
def test_a_page_is_whole_without_javascript(opened, name):
    page = opened(name, java_script_enabled=False).page
    assert page.locator("h1").is_visible()
    assert page.locator("figure svg").first.is_visible()
    assert page.locator("table").first.is_visible()


def test_axe_finds_what_is_planted(opened):
    """So that a page that passes has been looked at."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: `npm ci` in tests/browser")
    page = opened("bank", bypass_csp=True).page
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    page.evaluate(AXE.read_text())
    assert "image-alt" in page.evaluate("axe.run().then(found => found.violations.map(each => each.id))")


def test_a_trial_says_its_numbers_when_the_mouse_is_over_it(seen):
    page = seen("bank").page
    page.locator("figure g.mark-symbol path:visible").first.hover(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    assert re.search(r"\d", tooltip.inner_text())


def test_a_click_on_a_legend_changes_its_chart(seen):
    page = seen("bank").page
    found = page.evaluate(
        "[...document.querySelectorAll('.figure')].find(each => each.querySelector('.role-legend-symbol path'))?.id"
    )
    assert found, "no chart of the page has a legend"
    figure = page.locator(f"[id='{found}']")
    marks = "each.querySelectorAll('.role-mark path, .role-mark rect')"
    drawn = f"each => [...{marks}].map(mark => mark.outerHTML).join()"
    before = figure.evaluate(drawn)
    figure.locator(".role-legend-symbol path").first.click(force=True)
    page.wait_for_function(
        f"([each, before]) => ({drawn})(each) !== before", arg=[figure.element_handle(), before]
    )
    figure.locator(".role-legend-symbol path").first.click(force=True)  # as the next test expects it


def test_a_table_is_sorted_by_its_heading_from_the_keyboard(seen):
    page = seen("bank").page
    column = "table => [...table.tBodies[0].rows].map(row => Number(row.cells[2].dataset.value))"
    table = page.locator("#measured table").first
    heading = table.locator("thead th").nth(2)
    heading.locator("button").press("Enter")
    values = table.evaluate(column)
    assert heading.get_attribute("aria-sort") == "ascending"
    assert values == sorted(values)
    heading.locator("button").press("Enter")
    assert table.evaluate(column) == values[::-1]
