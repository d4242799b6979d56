"""Drawing: every spec can be drawn, by a process of its own, and files are written whole."""

import sys
from dataclasses import replace

import pytest

from mprunner.report import charts_of, javascript_bundle, pngs, svgs
from mprunner.report.render import DrawingError, slim, write_images
from tests.made import actor, outcome, record
from tests.report.pictured import made, stored
from tests.support import printed

pytest.importorskip("vl_convert", reason="it is in the extra `report`")

NASTY = "</script><b>&amp; 'quoted' \u202eback datum['x']"


def kinds():
    """One chart of each kind, of stored runs, and of one whose texts are as bad as they get."""
    labelled = record(outcomes=[outcome(NASTY)], actors=[actor(0)])
    nasty = replace(labelled, attempt=replace(labelled.attempt, case_label=NASTY))
    pictures = [made(nasty, record("lock", metrics={"wall_s": 9.0}))]
    pictures += map(stored, ("bank", "guards", "race-odds", "scaling", "statuses"))
    return [
        chart
        for picture in pictures
        for chart in {chart.key.partition("-")[0]: chart for chart in charts_of(picture)}.values()
    ]


def test_every_kind_of_chart_is_drawn_with_its_text_as_text():
    charts = kinds()
    drawn = svgs([chart.spec for chart in charts])
    for chart, svg in zip(charts, drawn, strict=True):
        assert svg.startswith("<svg"), chart.key
        assert svg.count("<path") + svg.count("<line") > 4, chart.key
        assert "NaN" not in svg, chart.key
        assert "<b>" not in svg, chart.key
        assert "http" not in svg.replace("http://www.w3.org/", ""), chart.key
    assert "&lt;/script" in drawn[0]


def test_a_slim_picture_says_the_same():
    before = (
        '<svg width="12.3456"><g role="x"><text font-family="serif" opacity="1">0.12345 of </text></g></svg>'
    )
    assert slim(before) == '<svg font-family="serif" width="12.34"><g><text>0.12345 of </text></g></svg>'


def test_images_are_written_by_their_keys_and_say_what_they_show(tmp_path):
    charts = charts_of(made(record(), record("lock", metrics={"wall_s": 9.0})))[:1]
    (svg,) = write_images(charts, tmp_path, "svg")
    (png,) = write_images(charts, tmp_path, "png")
    assert (svg.name, png.name) == (f"{charts[0].key}.svg", f"{charts[0].key}.png")
    assert f"<title>{charts[0].title}</title><desc>Strip plot of" in svg.read_text("utf-8")
    assert png.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_drawn_is_told_in_one_line():
    with pytest.raises(DrawingError, match=r"^a chart can't be drawn: [^\n]+$"):
        pngs([{"mark": "no such mark", "encoding": 7}])


def test_the_bundle_is_made_once_and_kept_by_version(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    made_ = []
    monkeypatch.setattr(
        "mprunner.report.render._made", lambda *arguments: made_.append(arguments) or ["code();"]
    )
    assert [javascript_bundle(), javascript_bundle()] == ["code();"] * 2
    assert len(made_) == 1
    (kept,) = (tmp_path / "mprunner").iterdir()
    assert kept.name.startswith("vega-")
    kept.write_text("")  # of a disk that was full
    assert javascript_bundle() == "code();"
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert javascript_bundle() == "code();"


def test_who_draws_does_not_load_the_engine():
    code = (
        "import sys\n"
        "from mprunner.report import svgs\n"
        "svgs([{'data': {'values': []}, 'mark': 'bar'}])\n"
        "print('vl_convert' in sys.modules)"
    )
    assert printed(code).strip() == "False"
