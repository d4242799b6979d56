"""One Chromium for all tests of pages, and the page of each run, made once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.browser.pages import RUNS, MissingError, browser, make_page


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A Chromium; the tests that need it are skipped where there is none."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(browser())
        except MissingError as missing:
            pytest.skip(str(missing))
        yield started


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the file of the page of a stored run; make it when it is asked for first."""
    made: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("pages")

    def call(name: str) -> Path:
        if name not in made:
            made[name] = make_page(RUNS[name], folder / f"{name}.html")
        return made[name]

    return call


class Opened:
    """A page that is open, with all that went wrong in it and all that it asked for."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.requests: list[str] = []
        page.on(
            "console",
            lambda said: self.wrong.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.requests.append(request.url))
        page.set_default_timeout(60_000)
        page.goto(file.as_uri())

    def reach_the_end(self) -> None:
        """Open what is folded and bring every chart into view, one after the other, until each is alive."""
        self.page.evaluate(
            """async () => {
                document.querySelectorAll("details").forEach(each => { each.open = true; });
                for (const figure of document.querySelectorAll(".figure")) {
                    if (!figure.spec || !figure.getClientRects().length) continue;
                    figure.scrollIntoView({behavior: "instant"});
                    while (!["yes", "no"].includes(figure.dataset.live))
                        await new Promise(resolve => setTimeout(resolve, 10));
                }
                scrollTo({top: 0, behavior: "instant"});
            }"""
        )

    def width(self) -> int:
        """Return how wide the content is, in pixels."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def wider_than(self, width: int) -> list[str]:
        """Return the beginnings of the elements that reach beyond a width, for a message."""
        found = self.page.evaluate(
            """width => [...document.querySelectorAll("body *")]
                .filter(each => each.getBoundingClientRect().right > width + 0.5)
                .map(each => each.outerHTML.slice(0, 150)).slice(0, 10)""",
            width,
        )
        return list(found)


@pytest.fixture(scope="session")
def opened(chromium: Any, page_file: Callable[[str], Path]) -> Iterator[Callable[..., Opened]]:
    """Open the page of a stored run, or a file, in a context of its own with these options."""
    contexts = []

    def call(name: str | Path, **options: Any) -> Opened:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 720}, **options})
        contexts.append(context)
        file = page_file(name) if isinstance(name, str) else name
        return Opened(context.new_page(), file)

    yield call
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def seen(opened: Callable[..., Opened]) -> Callable[[str], Opened]:
    """Return the page of a stored run, opened once and seen to its end: to draw all charts takes seconds.

    A test may change its size and its colours, and begins with those that it needs.
    """
    pages: dict[str, Opened] = {}

    def call(name: str) -> Opened:
        if name not in pages:
            pages[name] = opened(name, bypass_csp=True)  # axe is not of the page
            pages[name].reach_the_end()
        page = pages[name]
        page.page.set_viewport_size({"width": 1280, "height": 720})
        page.page.emulate_media(media="screen", color_scheme="light")
        return page

    return call
