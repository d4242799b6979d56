"""Text from a run is text in its page, whatever it says."""

import json

import pytest

from tests.browser.pages import make_page

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = """
from dataclasses import dataclass
from mprunner.scenario import Doc, Scenario

@dataclass(frozen=True, kw_only=True)
class Params:
    text: str
    number: int = 1

@dataclass(frozen=True, kw_only=True)
class Metrics:
    wall_s: float

class Hostile(Scenario[Params, Metrics]):
    '''</script><script>window.hacked = "lesson"</script>'''

    name = "hostile"
    outcomes = {"seen": Doc("<img src=x onerror='window.hacked=1'>")}

    def run(self, params, trial):
        trial.observe(seen=params.text)
        if params.text.startswith("fail"):
            raise RuntimeError(params.text)
        return Metrics(wall_s=0.1)

def mprunner_register_scenarios():
    return [Hostile]
"""
ATTACKS = {
    "script": "</script><script>window.hacked = 1</script>",
    "image": "\"'><img src=x onerror=window.hacked=1>",
    "comment": "<!-- ]]> &lt; {{ 7 * 7 }} ${window.hacked=1}",
    "right to left": "\u202e\u2067gpj.exe",
    "long": "fail <b>x</b> " * 730,
}


TURNING_OTHERS = """
    [...document.querySelectorAll("main *")].filter(
        each => !each.closest("bdi, svg, script") && [...each.childNodes].some(
            node => node.nodeType === 3 && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data))
    ).map(each => each.outerHTML)
"""
"""Elements with a mark of direction in them that reaches beyond its own text."""


def test_hostile_text_is_shown_as_text(ran, opened, tmp_path):
    values = "\n".join(f"      - {json.dumps(text)}" for text in ATTACKS.values())
    done = ran(
        f"scenario: hostile\nrepeats: 2\ndescription: {json.dumps(ATTACKS['script'])}\nsweep:\n    text:\n{values}\n",
        plugin=HOSTILE,
        code=1,
    )
    page = opened(make_page(done.folder, tmp_path / "hostile.html"), viewport={"width": 360, "height": 740})
    page.reach_the_end()
    assert page.wrong == []
    assert page.page.evaluate("window.hacked") is None
    assert len(page.requests) == 1 or all(
        url.startswith(("file:", "data:", "blob:")) for url in page.requests
    )
    assert page.page.locator("main img, main script:not([type]), main b").count() == 0
    shown = page.page.locator("main").inner_text()
    assert "</script><script>window.hacked = 1</script>" in shown
    assert "<img src=x onerror=window.hacked=1>" in shown
    assert "{{ 7 * 7 }}" in shown
    assert page.width() <= 360, page.wider_than(360)
    assert page.page.evaluate(TURNING_OTHERS) == []
