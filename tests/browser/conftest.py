"""A browser, and a report for it to open."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.report.image_options import ImageOptions
from bench.report.write import write_report
from tests.support.images import photograph
from tests.support.runs import make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Without a sandbox it also runs as root; without the rest it would look for updates.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once for all tests."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)} is installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the report of nine short training runs."""
    root = tmp_path_factory.mktemp("report")
    for number, name in enumerate(("train", "test")):
        (root / name).mkdir()
        for index in range(2):
            pixels = photograph(150, 210, 1, seed=2 * number + index)
            Image.fromarray(pixels).save(root / name / f"{index}.png")
    tiny = make_tiny((root / "train", root / "test"), root / "runs", channels=1)
    tiny = replace(tiny, context=replace(tiny.context, evaluations=2))
    tiny.launch(
        methods=("noise2void", "noise2score", "supervised"),
        noises=("gaussian:25", "poisson:0.05", "gamma:50"),
    )
    images = ImageOptions(2, None, (str(root / "test"),))
    page, *_ = write_report(tiny.context.store, root / "runs", out=root / "out", images=images)
    return page


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a file; fail where the page reported an error or fetched anything."""
    errors: list[str] = []
    contexts = []

    def open_file(path: Path, *, width: int = 1400, height: int = 900, **options: str) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: errors.extend(_outside(request.url, path)))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert errors == []


def _outside(address: str, page: Path) -> list[str]:
    own = address.partition("#")[0] == page.as_uri()
    return [] if own or address.startswith("data:") else [f"fetched {address}"]
