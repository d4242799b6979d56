"""Drawing: specs become SVG or PNG, and the JavaScript that makes them interactive, in a process of its own.

vl-convert holds a whole JavaScript engine: 166 MB, which the process that measured shall not keep, and seconds of
which the bundle takes most. The bundle is kept on disk, by version. Nothing asks a network.
"""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any, Final, Literal

from mprunner.errors import MprunnerError, ResultsError
from mprunner.report.charts import Chart
from mprunner.runs import bytes_written_atomically

Kind = Literal["svg", "png"]
TIMEOUT_S: Final = 300
_PNG_SCALE: Final = 2.0

_CODE: Final = """
import base64, json, sys
import vl_convert
wanted = json.load(sys.stdin)
kind, specs = wanted["kind"], wanted["specs"]
out = []
for spec in specs:
    try:
        if kind == "svg":
            out.append(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
        elif kind == "png":
            out.append(base64.b64encode(
                vl_convert.vegalite_to_png(spec, scale=wanted["scale"], allowed_base_urls=[])).decode())
        else:
            out.append(vl_convert.javascript_bundle())
    except Exception as error:
        out.append({"error": str(error)})
json.dump(out, sys.stdout)
"""


class DrawingError(MprunnerError):
    """A chart can't be drawn: the message says why."""


def svgs(specs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Draw each spec as SVG, without a background.

    Raises:
        DrawingError: vl-convert refuses one.
    """
    return list(map(slim, _made("svg", specs)))


_NEEDLESS: Final = re.compile(
    r' (?:aria-[a-z]+|role|pointer-events|font-family)="[^"]*"| opacity="1"'
    r'|<path class="background" d="M0,0h0v0h0Z"/>|<path class="foreground" d="" display="none"/>'
)
_LONG_NUMBER: Final = re.compile(r"(?<=[-,( MhvHVLAQCZ\"])(-?\d*\.\d\d)\d+")


def slim(svg: str) -> str:
    """Return a picture of Vega's in two thirds of the bytes, which looks the same.

    It says once which type it has, is exact to a hundredth of a pixel, and leaves out what a screen reader would read
    of each mark: the chart's description says it better.
    """
    family = _FAMILY.search(svg)
    parts = _TEXT.split(_NEEDLESS.sub("", _FAMILY.sub("", svg)))
    made = "".join(part if place % 2 else _LONG_NUMBER.sub(r"\1", part) for place, part in enumerate(parts))
    return made if family is None else made.replace("<svg", f"<svg{family[0]}", 1)


_FAMILY: Final = re.compile(r' font-family="[^"]*"')
_TEXT: Final = re.compile(r"(>[^<]+<)")  # what is shown stays as it is


def pngs(specs: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Draw each spec as PNG on white, at twice its size, as paper and slides want it.

    Raises:
        DrawingError: vl-convert refuses one.
    """
    white = [{**spec, "config": {**spec.get("config", {}), "background": "white"}} for spec in specs]
    return [base64.b64decode(text) for text in _made("png", white)]


def javascript_bundle() -> str:
    """Return the JavaScript that draws specs in a browser: Vega, Vega-Lite and Vega-Embed, of one version.

    It is kept in the user's cache folder; where that can't be written it is made again each time.

    Raises:
        DrawingError: vl-convert doesn't make it.
    """
    from importlib.metadata import version  # noqa: PLC0415 - it imports what reads mail

    path = _cache() / f"vega-{version('vl-convert-python')}.js"
    with suppress(OSError, UnicodeDecodeError):
        text = path.read_text("utf-8")
        if text:
            return text
    bundle = _made("bundle", [{}])[0]
    with suppress(OSError, ResultsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with bytes_written_atomically(path) as file:
            file.write(bundle.encode())
    return bundle


def _cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mprunner"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mprunner"


def _made(kind: str, specs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not specs:
        return []
    wanted = {"kind": kind, "specs": list(specs), "scale": _PNG_SCALE}
    done = subprocess.run(
        [sys.executable, "-I", "-c", _CODE],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise DrawingError(f"the charts can't be drawn: {last or f'exit code {done.returncode}'}")
    out = json.loads(done.stdout)
    for each in out:
        if isinstance(each, dict):
            raise DrawingError(f"a chart can't be drawn: {' '.join(each['error'].split())[:300]}")
    return list(out)


def write_images(charts: Sequence[Chart], folder: Path, kind: Kind) -> list[Path]:
    """Write each chart as a file of its own, named by its key; return their paths. An SVG says what it shows, too.

    Raises:
        DrawingError: a chart can't be drawn.
        ResultsError: a file can't be written.
    """
    specs = [chart.spec for chart in charts]
    pictures = pngs(specs) if kind == "png" else map(_titled, charts, svgs(specs))
    paths = []
    for chart, picture in zip(charts, pictures, strict=True):
        path = folder / f"{chart.key}.{kind}"
        with bytes_written_atomically(path) as file:
            file.write(picture)
        paths.append(path)
    return paths


def _titled(chart: Chart, svg: str) -> bytes:
    """Return a picture that has its title and its description within, for who opens it alone."""
    said = f"<title>{escape(chart.title)}</title><desc>{escape(chart.description)}</desc>"
    start = svg.index(">", svg.index("<svg")) + 1
    return (svg[:start] + said + svg[start:]).encode(errors="replace")
