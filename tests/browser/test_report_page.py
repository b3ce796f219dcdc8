"""The report in a browser, opened from disk: tables sort, images compare and zoom, and it is accessible."""

from __future__ import annotations

import io
import os
from pathlib import Path
from statistics import median

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from bench.report.image_tiles import STEP
from tests.support.repository import ROOT

AXE = Path(os.environ.get("AXE_CORE", ""))
QUICK = ROOT / "runs" / "report" / "report.html"
LARGEST = 10e6
PHONE = {"width": 390, "height": 800}


def column(table, number: int) -> list[str]:
    return [cell.strip() for cell in table.locator(f"tbody tr > :nth-child({number})").all_inner_texts()]


def test_a_click_on_a_heading_sorts_the_table(open_page, report):
    page = open_page(report)
    table = page.locator("table.sortable").first
    before = column(table, 4)
    heading = table.locator("thead th").nth(3)
    assert heading.get_attribute("aria-sort") == "none"
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert column(table, 4) == sorted(before, key=float, reverse=True)
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert column(table, 4) == sorted(before, key=float)
    table.locator("thead th").first.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "none"
    assert column(table, 4) == before


def test_unknown_numbers_are_last_in_either_order(open_page, report):
    page = open_page(report)
    page.get_by_text("All numbers").click()
    table = page.locator("table.long")
    gap = table.locator("thead th").nth(5)
    for _ in range(2):
        gap.get_by_role("button").click()
        assert column(table, 6)[-3:] == ["–"] * 3
        assert "–" not in column(table, 6)[:-3]


def test_the_filter_keeps_rows_with_all_its_words(open_page, report):
    page = open_page(report)
    page.get_by_text("All numbers").click()
    page.get_by_role("searchbox").fill("gamma noise2void")
    rows = page.locator("table.long tbody tr:visible")
    assert rows.count() == 1
    assert "gamma" in rows.inner_text()
    page.get_by_role("searchbox").fill("")
    assert page.locator("table.long tbody tr:visible").count() == 9


# Images


def viewer(page):
    return page.locator(".viewer").first


def transforms(page) -> list[tuple[float, ...]]:
    """Return the zoom of each image and the position of its corner, in shares of its pane."""
    found = viewer(page).evaluate(
        """root => [...root.querySelectorAll('.pane img')].map((image) => {
            const matrix = new DOMMatrix(getComputedStyle(image).transform);
            return [matrix.a, matrix.e / image.offsetWidth, matrix.f / image.offsetHeight];
        })"""
    )
    return [tuple(round(value, 2) for value in image) for image in found]


def test_the_slider_moves_the_border_between_two_images(open_page, report):
    page = open_page(report)
    shown = viewer(page)
    pane = shown.locator(".compare .pane")

    def left_half() -> np.ndarray:
        pixels = Image.open(io.BytesIO(pane.screenshot())).convert("L")
        return np.asarray(pixels)[:, : pixels.width // 2 - 4]

    shown.locator(".share").fill("100")
    noisy = left_half()
    shown.locator(".share").fill("0")
    denoised = left_half()
    assert noisy.astype(float).std() != denoised.astype(float).std()
    shown.locator(".share").fill("50")
    assert (left_half() == noisy).all()
    # The border follows a finger or a mouse.
    pane.hover(position={"x": 20, "y": 50})
    page.mouse.down()
    page.mouse.move(*(pane.bounding_box()[side] + 100 for side in ("x", "y")))
    page.mouse.up()
    assert float(shown.locator(".share").input_value()) == pytest.approx(
        100 * 100 / pane.bounding_box()["width"], abs=1
    )
    # Another image on the left.
    shown.locator(".share").fill("100")
    shown.locator(".left").select_option(label="clean")
    page.wait_for_function("() => document.querySelector('.over').alt.endsWith('clean')")
    assert (left_half() != noisy).any()


def test_all_images_zoom_and_move_together(open_page, report):
    page = open_page(report)
    shown = viewer(page)
    still = transforms(page)
    assert len(set(still)) == 1
    pane = shown.locator(".compare .pane")
    pane.press("+")
    closer = transforms(page)
    assert len(set(closer)) == 1
    assert closer[0] != still[0]
    pane.press("ArrowRight")
    assert len(set(transforms(page))) == 1
    assert transforms(page)[0] != closer[0]
    # A drag on any of them moves all.
    before = transforms(page)
    tile = shown.locator(".tiles .pane").nth(2)
    tile.hover()
    page.mouse.down()
    page.mouse.move(tile.bounding_box()["x"] + 10, tile.bounding_box()["y"] + 10)
    page.mouse.up()
    assert transforms(page) != before
    shown.locator(".zoom").fill("4")
    assert {zoom for zoom, _, _ in transforms(page)} == {4}
    for key in ["ArrowLeft"] * 60:
        pane.press(key)
    # The image never leaves a gap at the border of its pane.
    assert all(x == 0 for _, x, _ in transforms(page))
    shown.get_by_role("button", name="Show all").click()
    assert transforms(page) == still


def test_error_maps_show_the_error_in_the_colours_of_the_scale(open_page, report):
    page = open_page(report)
    shown = viewer(page)
    shown.get_by_label("Errors").check()
    shown.locator("canvas").nth(3).wait_for()
    assert shown.locator("canvas").count() == 4  # noisy and three methods

    def pixels(place: int, element: str) -> np.ndarray:
        flat = (
            shown.locator(".tiles figure")
            .nth(place)
            .evaluate(
                """(figure, element) => {
                const source = figure.querySelector(element);
                const size = [source.naturalWidth ?? source.width, source.naturalHeight ?? source.height];
                const canvas = new OffscreenCanvas(...size);
                const context = canvas.getContext("2d");
                context.drawImage(source, 0, 0);
                return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
            }""",
                element,
            )
        )
        return np.reshape(flat, (-1, 4))

    peak = page.evaluate("JSON.parse(document.getElementById('errors').textContent).peak")
    assert peak / STEP == pytest.approx(round(peak / STEP))
    error = np.abs(pixels(2, "img")[:, :3] - pixels(0, "img")[:, :3]).mean(axis=1) / 255
    places = np.floor(np.minimum(1, error / peak) * 255 + 0.5).astype(int)
    expected = mpl.colormaps["magma"](places, bytes=True)[:, :3]
    assert np.abs(pixels(2, "canvas")[:, :3] - expected).max() <= 1
    shown.get_by_label("Errors").uncheck()
    page.wait_for_function("() => !document.querySelector('.tiles canvas')")


# The page


def brightness(page, selector: str, name: str = "backgroundColor") -> float:
    colour = page.locator(selector).first.evaluate(f"element => getComputedStyle(element).{name}")
    return float(np.mean([float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_colour_scheme_of_the_system_until_the_button_switches_it(open_page, report, scheme):
    page = open_page(report, color_scheme=scheme)
    page.get_by_text("Images and their noisy copies").click()

    def is_dark() -> bool:
        paper, ink = brightness(page, "html"), brightness(page, "body", "color")
        drawn = brightness(page, ".figure svg .text_1 path, .figure svg g[id*=text] use", "fill")
        assert abs(drawn - ink) < 60
        assert abs(paper - ink) > 150
        return paper < 100

    assert is_dark() == (scheme == "dark")
    page.get_by_role("button", name="Dark or light").click()
    assert is_dark() == (scheme == "light")


def test_a_phone_never_scrolls_sideways(open_page, report):
    page = open_page(report, **PHONE)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.locator(".tiles figure").last.bounding_box()["width"] > PHONE["width"] / 3


def test_printing_opens_all_details(open_page, report):
    page = open_page(report)
    assert page.locator("details:not([open])").count() > 3
    paper = page.pdf()
    assert paper.startswith(b"%PDF")
    assert page.locator("details:not([open])").count() == 0


def test_every_control_works_by_keyboard(open_page, report):
    page = open_page(report)
    reached = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.className + ' ' + document.activeElement.id"))
    assert {"zoom ", "reset ", "errors ", "pane ", "left ", "share ", "right ", " theme"} <= reached
    first = page.locator(".image").nth(1)
    first.locator("summary").press("Enter")
    assert first.get_attribute("open") is not None


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (1400, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(open_page, report, width, scheme):
    if not AXE.is_file():
        pytest.skip("AXE_CORE does not name the file axe.min.js of npm's axe-core")
    page = open_page(report, width=width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert len(found["passes"]) > 10
    serious = [
        f"{rule['id']}: {rule['nodes'][0]['html'][:200]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize(
    "path", [QUICK, *sorted(ROOT.glob("reports/*/report.html"))], ids=lambda path: str(path.relative_to(ROOT))
)
def test_reports_open(open_page, path):
    """Print how long they take to open; only their size is bounded, because machines differ."""
    if not path.is_file():
        pytest.skip(f"there is no {path}; `tox -e bench` writes it")
    milliseconds = [
        open_page(path).evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        for _ in range(3)
    ]
    size = path.stat().st_size
    print(f"\n{path.relative_to(ROOT)}: {size / 1e6:.1f} MB, opens in {median(milliseconds):.0f} ms")
    assert size < LARGEST
