"""A run's folder as a page: its tables, its charts, the ends of its logs; and the page of all runs."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from mprunner.errors import ExtraMissingError, ResultsError
from mprunner.report import (
    MOST_RUNS,
    SIGN,
    Chart,
    Drawn,
    ListedRun,
    RunPicture,
    charts_of,
    charts_of_comparison,
    index_of_runs,
    javascript_bundle,
    logs_of,
    page_of_comparison,
    page_of_run,
    svgs,
    write_images,
)
from mprunner.runs import RunFolder, all_runs, opened, written_atomically
from mprunner.tables import Collector
from mprunner.workflow.compare import Compared
from mprunner.workflow.tabulate import tabulate

PAGE: Final = "report.html"
INDEX: Final = "index.html"
TAIL_BYTES: Final = 4_000
"""So much of the end of a log is shown."""
SOURCE_BYTES: Final = 20_000
"""So much of an experiment's file is shown."""


def picture_of(folder: RunFolder) -> RunPicture:
    """Read what a run came to.

    Raises:
        ResultsError: its journal can't be read, or is damaged.
    """
    collector = Collector()
    tabled = tabulate(folder, begin=collector)
    frames = collector.frames()
    return RunPicture(
        header=tabled.header,
        frames=tabled.frames,
        summary=tabled.summary,
        outcomes=tabled.outcomes,
        judgement=tabled.judgement,
        actors=frames["actors"],
        samples=frames.get("samples"),
    )


def page_of(folder: RunFolder) -> str:
    """Return the page of a run.

    Raises:
        ResultsError: the run can't be read.
    """
    info = folder.read_run()
    picture = picture_of(folder)
    tails = {name: tail for name in logs_of(picture) if (tail := _end_of(folder.logs, name))}
    source = _beginning_of(folder.path / "experiment.yaml")
    return page_of_run(picture, info, _drawn(charts_of(picture)), tails, source)


def _drawn(charts: Sequence[Chart]) -> Drawn:
    if not charts:
        return Drawn(charts=(), svgs=(), bundle="")
    return Drawn(charts=charts, svgs=svgs([each.spec for each in charts]), bundle=javascript_bundle())


def write_page(folder: RunFolder, output: Path | None = None) -> Path:
    """Write the page of a run; the old one is there until the new one is whole.

    Raises:
        ResultsError: the run can't be read, or the page can't be written.
    """
    page = page_of(folder)
    path = output or folder.path / PAGE
    with written_atomically(path) as file:
        file.write(page)
    return path


def write_comparison(compared: Compared, output: Path | None = None) -> Path:
    """Write the page of a comparison, into the folder of the last run that is compared if not elsewhere.

    Raises:
        ResultsError: it can't be written.
    """
    path = output or compared.new[-1].folder.path / f"compared-with-{compared.base[-1].folder.run_id}.html"
    base, new = ([run.info for run in side] for side in (compared.base, compared.new))
    drawn = _drawn(charts_of_comparison(compared.comparison))
    page = page_of_comparison(compared.comparison, base, new, compared.differences(), drawn)
    with written_atomically(path) as file:
        file.write(page)
    return path


def write_charts(folder: RunFolder, svg: Path | None, png: Path | None) -> int:
    """Write each chart of a run as a file of its own; return how many charts there are.

    Args:
        folder: the run.
        svg: where the pictures are written as SVG, if they are.
        png: the same as PNG.

    Raises:
        ResultsError: the run can't be read, or a picture can't be written.
    """
    charts = charts_of(picture_of(folder))
    if svg is not None:
        write_images(charts, svg, "svg")
    if png is not None:
        write_images(charts, png, "png")
    return len(charts)


def write_index(results: Path) -> Path | None:
    """Write the page of all runs under a results folder; None where something else has its name.

    Raises:
        ResultsError: it can't be written.
    """
    path = results / INDEX
    if not _is_ours_or_absent(path):
        return None
    folders = all_runs(results)
    listed = []
    for folder in folders[: -MOST_RUNS - 1 : -1]:
        try:
            info = folder.read_run()
        except ResultsError:
            continue  # `mprunner list` says why
        seen = quote(folder.path.relative_to(results).as_posix())
        listed.append(ListedRun(info, seen, (folder.path / PAGE).is_file()))
    with written_atomically(path) as file:
        file.write(index_of_runs(listed, len(folders)))
    return path


def _is_ours_or_absent(path: Path) -> bool:
    try:
        with open(opened(path), "rb") as file:
            return SIGN.encode() in file.read(1_000)
    except FileNotFoundError:
        return True
    except (OSError, ResultsError):
        return False


def write_all(folder: RunFolder, results: Path) -> Path:
    """Write the page of a run, and renew that of all runs if it is among them; return the former.

    Raises:
        ResultsError: the run can't be read, or a page can't be written.
    """
    page = write_page(folder)
    if folder.path.parent.parent.resolve() == results.resolve():
        write_index(folder.path.parent.parent)
    return page


_NEEDED: Final = {"jinja2": "jinja2", "vl_convert": "vl-convert-python", "scipy": "scipy"}


def missing_packages() -> list[str]:
    """Return the packages that a page needs and that are not installed; none is imported for it."""
    return [package for module, package in _NEEDED.items() if find_spec(module) is None]


def refuse_without_extra() -> None:
    """Raise ExtraMissingError if a page can't be made with what is installed."""
    if missing := missing_packages():
        raise ExtraMissingError(
            f"a report needs {' and '.join(missing)}", "install them: pip install 'mprunner[report]'"
        )


def _end_of(logs: Path, name: str) -> str:
    """Return the end of a log; empty where there is none, or something else of that name."""
    if os.path.basename(name) != name:
        return ""
    try:
        with open(opened(logs / name), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read(TAIL_BYTES).decode(errors="replace")
    except (OSError, ResultsError):
        return ""
    return text if size <= TAIL_BYTES else "…" + text[text.find("\n") :]


def _beginning_of(path: Path) -> str:
    try:
        with open(opened(path), "rb") as file:
            text = file.read(SOURCE_BYTES + 1).decode(errors="replace")
    except (OSError, ResultsError):
        return ""
    return text if len(text) <= SOURCE_BYTES else text[:SOURCE_BYTES] + "\n…"
