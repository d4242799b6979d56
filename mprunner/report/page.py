"""A page that people look at: one HTML file that opens anywhere, with its charts, its style and its behaviour.

How it looks is in ``templates/``; what it says comes from whoever has it made.
"""

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mprunner
from mprunner.model.text import printable_lines
from mprunner.report.charts import Chart

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_BYTES: Final = 2_000_000
"""The most that a page may have; charts are left out of a larger one, the largest first."""
SIGN: Final = '<meta name="generator" content="mprunner'
"""What every page has near its beginning, and by which one that may be replaced is known."""
LONG: Final = 240
"""Longer text is shortened; the whole of it is there when it is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart in the page.

    Attributes:
        chart: what it shows, in words.
        svg: its picture; empty where the page would be too large with it.
        spec: what the browser makes an interactive one of; None where the page would be too large with it.
        spec_bytes: how many bytes that takes.
    """

    chart: Chart
    svg: str
    spec: Mapping[str, Any] | None
    spec_bytes: int

    @property
    def bytes(self) -> int:
        """About how many bytes of the page it takes."""
        return len(self.svg) + (0 if self.spec is None else self.spec_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What was drawn of the charts of a page.

    Attributes:
        charts: in their order.
        svgs: a picture of each.
        bundle: the JavaScript that makes them interactive.
    """

    charts: Sequence[Chart]
    svgs: Sequence[str]
    bundle: str

    def figures(self) -> list[Figure]:
        """Return the charts as figures, each with a picture and what it is made of."""
        return [
            Figure(
                chart=chart,
                svg=_placed(svg, chart.key),
                spec=chart.spec,
                spec_bytes=len(json.dumps(chart.spec)),
            )
            for chart, svg in zip(self.charts, self.svgs, strict=True)
        ]


def charted(template: str, drawn: Drawn, context: Callable[[Sequence[Figure]], Mapping[str, Any]]) -> str:
    """Return a page with charts, of at most :data:`MOST_BYTES`: its largest become static, or else are left out.

    Args:
        template: the name of the page's template.
        drawn: the charts.
        context: makes the values of the template, of the charts as they are in the page.
    """
    bundle, figures = packed(drawn.bundle), drawn.figures()
    while True:
        is_live = any(figure.spec is not None for figure in figures)
        page = rendered(template, **context(figures), bundle=bundle if is_live else "")
        excess = len(page.encode(errors="replace")) - MOST_BYTES
        thinner = _thinned(figures, excess)
        if thinner == figures:
            return page
        figures = thinner


def _thinned(figures: Sequence[Figure], excess: int) -> list[Figure]:
    """Return charts that need so many bytes less: first the largest is made static, then it is left out."""
    thinner = list(figures)
    while excess > 0 and any(figure.svg for figure in thinner):
        place = max(range(len(thinner)), key=lambda each: thinner[each].bytes)
        largest = thinner[place]
        without = {"svg": ""} if largest.spec is None else {"spec": None}
        thinner[place] = replace(largest, **without)
        excess -= largest.bytes - thinner[place].bytes
    return thinner


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - of an extra
    from markupsafe import Markup  # noqa: PLC0415 - it comes with jinja2

    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_as_text,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    environment.globals["style"] = Markup((folder / "page.css").read_text("utf-8"))
    environment.globals["behaviour"] = Markup((folder / "page.js").read_text("utf-8"))
    environment.globals["version"] = mprunner.__version__
    environment.globals["LONG"] = LONG
    environment.filters["svg"] = Markup
    return environment


def _as_text(value: object) -> object:
    """Return a text as it can be shown: without control characters, and marks that turn the text around."""
    return printable_lines(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def rendered(template: str, **context: Any) -> str:
    """Return what a template makes of values; whatever they hold is shown as text."""
    return _environment().get_template(template).render(**context)


def packed(code: str) -> str:
    """Return code as text that a browser unpacks when it needs it: gzip, then base64; empty for no code.

    Of the 0.9 MB of Vega that makes 0.4 MB, and a page is read before they are unpacked.
    """
    return b64encode(gzip.compress(code.encode(), mtime=0)).decode() if code else ""


_REFERENCE = re.compile(r"""(\bid=["']|url\(#|(?:xlink:)?href=["']#)""")
_SIZE = re.compile(r'<svg\b[^>]*?\bwidth="([0-9.]+)"')


def _placed(svg: str, key: str) -> str:
    """Return a picture whose ids are those of no other picture of the page, and whose width the style may scale."""
    apart = _REFERENCE.sub(rf"\g<1>{key}-", svg)
    size = _SIZE.search(apart)
    return apart if size is None else apart.replace("<svg", f'<svg style="--natural:{size[1]}px"', 1)


def moment(text: str) -> str:
    """Return a time as a person says it: ``27 November 2026, 10:01 UTC``; as it is if it is no time."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
