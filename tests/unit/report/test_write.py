from __future__ import annotations

import base64
import io
import json
import math
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from bench.analysis.columns import CELL, ROW
from bench.analysis.means import mean_of
from bench.analysis.paired import difference_of
from bench.analysis.scatter import seed_scatter
from bench.analysis.tabulate import tabulate
from bench.cli.main import main
from bench.errors import InputError
from bench.images.image_file import read_image
from bench.output import figures
from bench.output.figures import INK
from bench.report.cost_figure import draw_cost_figure, on_front
from bench.report.denoised_images import Denoised, ShownImage, shown_images
from bench.report.embedded_figure import inline
from bench.report.image_tiles import SIDE, STEP, as_data, busiest, cut_tiles, error_peak
from bench.report.numbers import baseline_of, cells
from bench.report.paired_figure import differences
from bench.report.recommendation import recommend
from bench.report.render import breakable, duration
from bench.report.residual_figure import FREQUENCIES, spectrum, statistics, variances
from bench.report.write import ImageOptions, write_report
from bench.scoring.noisy_sets import corrupt
from bench.store.layout import image_folder
from bench.tables.caption import title
from tests.support.methods.noises import LEVELS, every_noise
from tests.support.records import EVALUATION, made_up_record
from tests.support.scores import NO_FAILURES, failed, failure, made_up
from tests.support.throughput import result as profile_of
from tests.support.throughput import write_result as write_profile

if TYPE_CHECKING:
    from pathlib import Path

    from bench.store.record import RunRecord
    from tests.support.runs import Tiny

rng = np.random.default_rng


def one_table(scores: pd.DataFrame, failures: pd.DataFrame = NO_FAILURES):
    (table,) = tabulate(scores, failures)
    return table


def cell_of(scores: pd.DataFrame, *cell: Any) -> pd.DataFrame:
    return scores[(scores[CELL] == list(cell)).all(axis=1)]


# Numbers


def test_cells_hold_means_and_paired_differences_to_what_saw_clean_images():
    scores = made_up()
    table = one_table(scores)
    assert baseline_of(table) == "supervised"
    numbers = cells(table, scores)
    assert len(numbers) == len(scores.drop_duplicates(CELL))
    for line in numbers.itertuples():
        ours = cell_of(scores, line.noise, line.parameter, line.images, line.method)
        theirs = cell_of(scores, line.noise, line.parameter, line.images, "supervised")
        mean = mean_of(ours)
        assert (line.psnr, line.half_width) == (pytest.approx(mean.value), mean.half_width)
        if line.method == "supervised":
            assert math.isnan(line.gap)
        else:
            pair = difference_of(ours, theirs)
            assert (line.gap, line.gap_low, line.gap_high) == (pair.mean, pair.low, pair.high)


def test_failed_cells_have_a_reason_and_no_number():
    scores = made_up()
    failures = failed(failure("supervised", seed=2))
    numbers = cells(one_table(scores, failures), scores)
    lost = (numbers[ROW] == ["gaussian", 25.0, "set12"]).all(axis=1)
    (line,) = numbers[lost & (numbers["method"] == "supervised")].to_dict("records")
    assert line["status"] == "failed"
    assert "nan" in line["error"]
    assert math.isnan(line["psnr"])
    # Without a baseline there is no gap in that row, and there is one in all others.
    assert numbers[lost]["gap"].isna().all()
    assert numbers[~lost & (numbers["method"] != "supervised")]["gap"].notna().all()


def test_the_baseline_is_the_plain_one_of_those_that_saw_clean_images():
    variants = {"supervised:loss=l1": "noisy + clean", "supervised": "noisy + clean", "blindspot": "noisy"}
    assert baseline_of(one_table(made_up(variants))) == "supervised"
    assert baseline_of(one_table(made_up({"blindspot": "noisy", "pair": "noisy + noisy2"}))) is None


def test_picks_are_self_supervised_and_lead_by_the_paired_difference():
    scores = made_up()
    chosen = recommend(cells(one_table(scores), scores), scores, "supervised")
    assert len(chosen) == len(scores.drop_duplicates(ROW))
    for pick in chosen:
        assert pick.method == "noise2score:domain=raw,formula=paper"  # the last of those in SEES
        assert pick.second == "sure"
    first = chosen[0]
    noise = first.label.partition(" ")[0]
    row = scores[(scores["noise"] == noise) & (scores["images"] == first.images)]
    ours, second = (row[row["method"] == name] for name in (first.method, first.second))
    assert first.lead.startswith(f"+{difference_of(ours, second).mean:.2f} [")
    assert first.gap.startswith("−")
    assert first.cost == pytest.approx(ours["training_flops"].mean() / second["training_flops"].mean())


def test_a_failed_method_is_never_picked():
    scores = made_up()
    best = "noise2score:domain=raw,formula=paper"
    failures = failed(failure(best, seed=2), failure(best, seed=2, images="bsd68"))
    table = one_table(scores, failures)
    chosen = recommend(cells(table, scores), scores, "supervised")
    assert [pick.method for pick in chosen if pick.label.startswith("gaussian")] == ["sure"] * 2
    assert [pick.method for pick in chosen if pick.label.startswith("gamma")] == [best] * 2


def test_differences_are_paired_by_image_and_seed():
    scores = made_up()
    found = differences(scores, "supervised")
    assert "supervised" not in set(found["method"])
    for line in found.sample(20, random_state=0).itertuples():
        pair = [
            cell_of(scores, line.noise, line.parameter, line.images, method).query("image == @line.image")
            for method in (line.method, "supervised")
        ]
        assert line.difference == pytest.approx(pair[0]["psnr"].mean() - pair[1]["psnr"].mean())


@given(
    st.lists(st.tuples(st.integers(1, 5).map(float), st.integers(1, 5).map(float)), min_size=1, max_size=8)
)
def test_the_front_is_what_nothing_beats(points):
    def beats(one, other):
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    front = on_front(*zip(*points, strict=True))
    assert front == [not any(beats(other, point) for other in points) for point in points]
    # Whatever is not on the front is beaten by something on it.
    best = [point for point, on in zip(points, front, strict=True) if on]
    assert all(on or any(beats(one, point) for one in best) for point, on in zip(points, front, strict=True))


def test_what_is_not_trained_costs_nothing_and_is_no_pick(tmp_path):
    scores = made_up(
        {"reference": "noisy + noise, untrained", "sure": "noisy + noise", "noise2void": "noisy"}
    )
    untrained = scores["method"] == "reference"
    scores.loc[untrained, ["training_seconds", "training_flops", "patches_per_second"]] = 0.0
    scores.loc[untrained, "psnr"] += 20
    table = one_table(scores)
    numbers = cells(table, scores)
    plate = draw_cost_figure(numbers, table.methods, folder=tmp_path, stem="cost")
    assert plate.caption.endswith("At 0: what is not trained.")
    drawn = pd.read_csv(tmp_path / "cost.csv")
    assert set(drawn.loc[drawn["on_front"], "method"]) == {"reference"}  # better than all at no cost
    assert {pick.method for pick in recommend(numbers, scores, None)} == {"noise2void"}
    others = numbers[numbers["method"] != "reference"]
    assert "not trained" not in draw_cost_figure(others, table.methods, folder=tmp_path, stem="cost").caption


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1234, "0.12 s"), (48.2, "48 s"), (720.0, "12 min"), (12240.0, "3.4 h"), (math.nan, "–")],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


# Residuals


def test_white_noise_has_a_flat_spectrum_of_its_variance():
    noise = 3 * rng(0).standard_normal((256, 200, 2))
    at, power, counts = spectrum(noise)
    assert len(at) == FREQUENCIES
    # Each coefficient is exponential; two channels halve its variance, conjugates double it.
    assert (np.abs(power / 9 - 1) < 5 / np.sqrt(counts)).all()


def test_a_wave_has_its_power_at_its_frequency():
    wave = np.cos(2 * np.pi * 0.2 * np.arange(200))[:, None, None] * np.ones((1, 100, 1))
    at, power, counts = spectrum(wave)
    assert abs(at[power.argmax()] - 0.2) <= 0.25 / FREQUENCIES
    # Parseval: the sum over all coefficients is the sum of squares.
    assert (power * counts).sum() == pytest.approx((wave**2).sum())


def test_variances_are_those_of_the_pixels_of_like_intensity():
    clean = np.array([0.02, 0.05, 0.62, 0.68, 1.0])
    residual = np.array([1.0, 3.0, 2.0, 4.0, 5.0])
    at, ratio, counts = variances(residual, clean)
    found = {round(a, 2): (r, c) for a, r, c in zip(at, ratio, counts, strict=True) if c}
    assert found == {0.05: (5.0, 2), 0.65: (10.0, 2), 0.95: (25.0, 1)}


@pytest.fixture
def subject(tiny: Tiny):
    """Give a function of a noise and of what a method makes of the test picture."""

    def make(noise, denoise) -> ShownImage:
        pictures = tiny.context.test_images[0].images[:1]
        image = corrupt(replace(tiny.context.test_images[0], images=pictures), noise, seed=0).images[0]
        bare = ShownImage(noise, "test", image, {})
        return replace(bare, denoised={"one": Denoised(denoise(bare), 30.0, 0.9)})

    return make


@every_noise
def test_residuals_are_one_where_noise_alone_was_taken_and_none_where_nothing_was(subject, noise):
    whole = statistics([subject(noise, lambda bare: bare.clean)])
    spectra = whole[whole["quantity"] == "spectrum"]
    assert np.average(spectra["ratio"], weights=spectra["pixels"]) == pytest.approx(1, abs=0.1)
    variance = whole[whole["quantity"] == "variance"]
    assert len(variance) > 2
    # The mean square of n pixels scatters by about sqrt(2 / n), more for the longer tails of a law.
    assert (np.abs(variance["ratio"] - 1) < 5 * np.sqrt(2 / variance["pixels"])).all()
    assert (statistics([subject(noise, lambda bare: bare.noisy)])["ratio"] == 0).all()


# Pictures


@pytest.mark.parametrize("side", [7, 8])
def test_the_crop_has_the_largest_spread_of_slopes_of_all(side):
    clean = rng(1).random((21, 26, 1))
    slope = ndimage.gaussian_gradient_magnitude(clean[..., 0], sigma=2)
    windows = np.lib.stride_tricks.sliding_window_view(slope, (side, side))
    top, left = np.unravel_index(windows.var(axis=(2, 3)).argmax(), windows.shape[:2])
    assert busiest(clean, side=side) == (slice(top, top + side), slice(left, left + side))


def test_the_crop_shows_the_edge_of_a_flat_picture():
    clean = np.zeros((60, 80, 1))
    clean[30:, 50:] = 1  # a corner of an edge, flat elsewhere
    rows, columns = busiest(clean, side=20)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (20, 20)
    assert rows.start <= 30 < rows.stop or columns.start <= 50 < columns.stop
    assert clean[rows, columns].std() > 0


def test_the_crop_stays_inside_and_small_pictures_are_whole():
    for corner in [(0, 0), (40, 60)]:
        clean = np.zeros((60, 80, 1))
        clean[corner[0] : corner[0] + 20 : 2, corner[1] : corner[1] + 20] = 1
        rows, columns = busiest(clean, side=20)
        assert 0 <= rows.start <= 40
        assert 0 <= columns.start <= 60
        assert abs(rows.start - corner[0]) < 20
        assert abs(columns.start - corner[1]) < 20
    assert busiest(clean, side=SIDE) == (slice(0, 60), slice(0, 80))


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_back_from_their_data(channels):
    pixels = rng(0).uniform(-0.2, 1.2, (9, 7, channels))
    kind, _, content = as_data(pixels).partition(",")
    assert kind == "data:image/png;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))).reshape(pixels.shape)
    assert np.abs(shown / 255 - pixels.clip(0, 1)).max() <= 0.5 / 255 + 1e-9


def test_all_tiles_show_one_crop_and_errors_share_a_scale(subject):
    noise = LEVELS["gaussian"]
    shown = subject(noise, lambda bare: np.clip(bare.clean + 0.13, 0, 1))
    tiles = {tile.name: tile for tile in cut_tiles(shown, ["one"]).tiles}
    assert list(tiles) == ["clean", "noisy", "one"]
    assert tiles["noisy"].psnr == shown.image.scores["noisy_psnr"]
    assert (tiles["one"].psnr, tiles["one"].ssim) == (30.0, 0.9)
    assert (
        cut_tiles(shown, ["one"], "noisy").picked == "one"
    )  # the last, for what was not denoised is no pick
    two = replace(shown, denoised=shown.denoised | {"two": shown.denoised["one"]})
    assert cut_tiles(two, ["one", "two"], "one").picked == "one"
    assert cut_tiles(two, ["one", "two"]).picked == "two"
    assert error_peak([shown]) == pytest.approx(0.15)  # the next multiple of STEP
    assert STEP == 0.05


# The drawing inside the page


SVG = f"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
<metadata>who</metadata><!-- a name -->
<defs><clipPath id="p1"><path id="m" d="M0 0" style="stroke: {INK}"/></clipPath></defs>
<use xlink:href="#m" clip-path="url(#p1)" style="fill: #ffffff; stroke: #0173b2"/>
</svg>"""


def test_a_drawing_takes_the_colours_of_the_page_and_ids_of_its_own():
    drawn = str(inline(SVG, name="2-cost", alt='a "b" <c>'))
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    assert root.get("aria-label") == 'a "b" <c>'
    assert root.get("role") == "img"
    ids = set(re.findall(r'\bid="([^"]*)"', drawn))
    assert ids == {"2-cost-p1", "2-cost-m"}
    assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', drawn)) == {("2-cost-m", ""), ("", "2-cost-p1")}
    assert "fill: var(--paper)" in drawn
    assert "stroke: var(--ink)" in drawn
    assert "#0173b2" in drawn
    assert "who" not in drawn
    assert "a name" not in drawn


# The page


class MadeUp:
    """Results that were never run."""

    def __init__(self, lines: pd.DataFrame, lost: pd.DataFrame = NO_FAILURES) -> None:
        self.lines, self.lost = lines, lost

    def scores(self) -> pd.DataFrame:
        return self.lines

    def failures(self) -> pd.DataFrame:
        return self.lost

    def keys(self) -> list[str]:
        return sorted(set(self.lines["key"]))

    def record(self, key: str) -> RunRecord:
        (method,) = set(self.lines.loc[self.lines["key"] == key, "method"])
        return made_up_record(key, run={"method": method}, evaluation={"gaussian:25": {"set12": EVALUATION}})


class Reader(HTMLParser):
    """Reads a page: its elements, its text, and the rows of its tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.inside = ""
        self.in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.inside = ""
        self.in_cell &= tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside not in ("style", "script"):
            self.text += data
            if self.in_cell:
                self.rows[-1][-1] += data

    def cells(self) -> list[list[str]]:
        return [[" ".join(cell.split()) for cell in row] for row in self.rows]


def read(folder: Path, results=None, root=None, pictures: ImageOptions | None = None) -> Reader:
    page, *_ = write_report(results, root or folder / "none", out=folder, pictures=pictures or ImageOptions())
    return Reader(page.read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Draw figures of few pixels, which takes less time."""
    monkeypatch.setattr(figures, "DOTS_PER_INCH", 20)


def test_the_page_has_every_score_and_fetches_nothing(tmp_path):
    scores = made_up()
    page = read(tmp_path, MadeUp(scores))
    _check_scores(page, one_table(scores))
    _check_addresses(page, tmp_path)


def test_the_scatter_of_seeds_is_told_where_it_is_known(tmp_path):
    two = made_up({"noise2void": "noisy"}, noises=[("gaussian", 25.0)])
    apart = [f"{seed_scatter(part).retraining():.2f} dB on {name}" for name, part in two.groupby("images")]
    assert len(apart) > 1
    told = f"differ by up to {' and '.join(apart)} in 95 %"
    assert told in read(tmp_path / "two", MadeUp(two)).text
    one = two[two["seed"] == 0]
    assert "no cell has two seeds" in read(tmp_path / "one", MadeUp(one)).text


def _check_scores(page, table):
    assert title(table.setup) in " ".join(page.text.split())
    rows = page.cells()
    for row in table.rows:
        printed = [f"{cell.psnr:.2f}" for cell in row.cells]
        assert [row.label, row.images, f"{row.noisy_psnr:.2f}", *printed] in rows


def test_runs_of_unlike_protocols_stand_in_chapters_of_their_own(tmp_path):
    runs = pd.concat(
        [made_up(), made_up(training_noise="resampled").assign(key=lambda rows: rows["key"] + "r")]
    )
    page = read(tmp_path, MadeUp(runs))
    assert (
        sum(tag == "h2" for tag, _ in page.elements) == 5
    )  # two chapters, missing pictures, methods, origin
    stems = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert stems == {f"{number}-{name}" for number in (1, 2) for name in ("cost", "strength", "paired")}


def test_failed_runs_are_shown_with_their_reason(tmp_path):
    page = read(tmp_path, MadeUp(made_up(), failed(failure(error="the loss is nan & <lost>"))))
    assert ["noise2void", "gaussian 25", "set12", "0", "the loss is nan & <lost>"] in page.cells()


def test_a_report_of_failures_alone_says_so(tmp_path):
    page = read(tmp_path, MadeUp(pd.DataFrame(columns=["key"]), failed(failure())))
    assert any("the loss is nan" in cell for row in page.cells() for cell in row)


HOSTILE = "</script><script>alert(1)</script>"


def test_names_are_shown_as_text_and_run_nothing(tmp_path):
    methods = {
        HOSTILE: "noisy",
        '"><img src=x onerror=alert(2)>': "noisy + <b>",
        "supervised": "noisy + clean",
    }
    scores = made_up(methods, sets={"<i>set</i>": ["<u>.png", "b.png", "c.png"]})
    lost = failed(failure(HOSTILE, images="<i>set</i>", seed=7, error="<script>alert(3)</script>"))
    page = read(tmp_path, MadeUp(scores, lost))
    kinds = [tag for tag, _ in page.elements]
    assert kinds.count("script") == 2  # the data of the page, and its own code
    assert not {"img", "i", "b", "u"} & set(kinds)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    flat = {cell for row in page.cells() for cell in row}
    assert {*methods, "<i>set</i>", "<script>alert(3)</script>"} <= flat


def _check_addresses(page, folder):
    policy = next(attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'")
    for tag, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            address = attributes.get(name) or ""
            assert not address or address.startswith(("data:", "#", "figures/")), (tag, address)
            if address.startswith("#"):
                assert any(other.get("id") == address[1:] for _, other in page.elements), address
            if address.startswith("figures/"):
                assert (folder / address).is_file()
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_same_results_give_the_same_files(tmp_path):
    for name in ("one", "two"):
        write_report(MadeUp(made_up()), tmp_path, out=tmp_path / name, pictures=ImageOptions())
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 1 + 3 * 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_a_name_may_break_after_colons_and_commas_alone():
    assert breakable("a:b=<c>,d") == "a:<wbr>b=&lt;c&gt;,<wbr>d"


# Real runs


@pytest.fixture
def trained(tiny: Tiny) -> Tiny:
    assert tiny.launch(methods=("noise2void", "supervised")) == ["trained"] * 2
    return tiny


def where(tiny: Tiny) -> tuple[str, ...]:
    return (str(tiny.context.store.root.parent / "test"),)


def test_pictures_are_those_that_were_scored(trained: Tiny):
    store, test = trained.context.store, trained.context.test_images[0]
    scores = store.scores()
    found = shown_images(scores, store.root, lambda _: test, count=3)
    assert [one.image.name for one in found] == [picture.name for picture in test]
    for one in found:
        assert list(one.denoised) == list(dict.fromkeys(scores["method"]))
        for method, denoised in one.denoised.items():
            (line,) = scores[(scores["method"] == method) & (scores["image"] == one.image.name)].to_dict(
                "records"
            )
            error = ((denoised.pixels.astype(float) - one.clean) ** 2).mean()
            # 16 bits move a PSNR by less than this.
            assert -10 * math.log10(error) == pytest.approx(line["psnr"], abs=1e-3)
            assert (denoised.psnr, denoised.ssim) == (line["psnr"], line["ssim"])
    assert len(shown_images(scores, store.root, lambda _: test, count=1)) == 1


def test_another_picture_of_the_same_name_is_refused(trained: Tiny):
    store, test = trained.context.store, trained.context.test_images[0]
    flipped = tuple(replace(picture, pixels=picture.pixels[::-1].copy()) for picture in test)
    with pytest.raises(InputError, match=r"0\.png is not the image that was scored"):
        shown_images(store.scores(), store.root, lambda _: replace(test, images=flipped), count=3)


def test_the_page_shows_pictures_with_their_scores(trained: Tiny, tmp_path: Path):
    store = trained.context.store
    page = read(tmp_path / "out", store, store.root, ImageOptions(2, None, where(trained)))
    shown = [attributes for tag, attributes in page.elements if tag == "img" and attributes.get("alt")]
    names = ("clean", "noisy", "noise2void", "supervised")
    assert [one["alt"] for one in shown] == [f"{i}.png, {name}" for i in range(2) for name in names]
    for line in store.scores().itertuples():
        assert f"{line.psnr:.2f} dB · SSIM {line.ssim:.3f}" in page.text
    content = base64.b64decode(shown[2]["src"].partition(",")[2])
    key = store.scores().query("method == 'noise2void'")["key"].iloc[0]
    kept = image_folder(store.root / key, "gaussian:25", "test") / "0.png"
    pixels = read_image(kept)[0]
    # Smaller than a crop, so the whole picture is shown.
    assert (
        np.abs(np.asarray(Image.open(io.BytesIO(content))) / 255 - pixels[..., 0]).max() <= 0.5 / 255 + 1e-6
    )
    scale = json.loads(
        re.search(r'id="errors">(.*?)</script>', (tmp_path / "out" / "report.html").read_text(), re.DOTALL)[1]
    )
    assert len(scale["colours"]) == 256
    assert scale["peak"] > 0


@pytest.mark.parametrize("column", ["key", "images"])
@pytest.mark.parametrize("name", ["..", "../kept", "/etc", "a\0", ""])
def test_scores_lead_to_no_pictures_outside_of_their_run(trained: Tiny, column, name):
    store, test = trained.context.store, trained.context.test_images[0]
    with pytest.raises(InputError, match=r"^(run|image set '.*'): "):
        shown_images(store.scores().assign(**{column: name}), store.root, lambda _: test, count=3)


def test_a_picture_is_not_linked_out_of_its_run(trained: Tiny, tmp_path: Path):
    store, test = trained.context.store, trained.context.test_images[0]
    root = tmp_path / "copied"
    shutil.copytree(store.root, root)
    kept = image_folder(root / store.keys()[0], "gaussian:25", "test") / "0.png"
    kept.rename(tmp_path / "secret.png")
    kept.symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match=r"test/0\.png: leads to .*/secret\.png, outside of"):
        shown_images(store.scores(), root, lambda _: test, count=3)


def test_a_folder_of_runs_may_be_a_link(trained: Tiny, tmp_path: Path):
    store, test = trained.context.store, trained.context.test_images[0]
    (tmp_path / "linked").symlink_to(store.root)
    assert shown_images(store.scores(), tmp_path / "linked", lambda _: test, count=3)


def test_runs_open_no_folder_that_the_reader_did_not_name(trained: Tiny, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "test").is_dir()
    page = read(tmp_path / "out", trained.context.store, trained.context.store.root)
    assert "the folder of the image set 'test' is not known here; name it by --test" in page.text


def test_pictures_that_cannot_be_had_are_missed_by_name(trained: Tiny, tmp_path: Path):
    page = read(tmp_path / "out", trained.context.store, trained.context.store.root)
    assert "Pictures that are missing" in page.text
    assert "'test'" in page.text
    assert not any(tag == "img" for tag, _ in page.elements)


def test_the_command_reports_runs_and_references(trained: Tiny, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(["report", "runs", "--test", "./test"])
    assert "runs/report/report.html" in capsys.readouterr().out
    own = Reader((tmp_path / "runs/report/report.html").read_text(encoding="utf-8"))
    main(["collect", "runs", "--out", "kept"])
    main(["report", "kept", "--out", "elsewhere"])
    collected = Reader((tmp_path / "elsewhere/report.html").read_text(encoding="utf-8"))
    assert "only the runs themselves keep them" in collected.text
    assert own.cells()[:8] == collected.cells()[:8]
    assert len(own.cells()[1]) > 5


def test_a_reference_is_reported_with_what_its_runs_kept_and_no_others(
    tiny: Tiny, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    looking = replace(tiny, context=replace(tiny.context, evaluations=2))
    looking.launch(methods=("noise2void", "supervised"))
    main(["collect", "runs", "--out", "kept"])
    main(["report", "runs", "--test", "./test", "--out", "whole"])
    looking.launch(seeds=(1,))
    main(["report", "kept", "--runs", "runs", "--test", "./test", "--out", "again"])
    whole, again = (tmp_path / folder for folder in ("whole", "again"))
    assert (whole / "report.html").read_bytes() == (again / "report.html").read_bytes()
    assert (again / "figures" / "1-quality.csv").is_file()


def test_a_profile_is_shown_where_the_runs_have_one(tmp_path: Path):
    (tmp_path / "runs" / "profile").mkdir(parents=True)
    for shown in (False, True):
        if shown:
            write_profile(tmp_path / "runs" / "profile" / "throughput.json", profile_of())
        page = read(tmp_path / "page", MadeUp(made_up()), root=tmp_path / "runs")
        assert ("Throughput of this machine" in page.text) == shown
        assert (tmp_path / "page" / "figures" / "throughput.csv").exists() == shown


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_without_runs_is_refused(tmp_path, monkeypatch, capsys, folder):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["report", folder])
    assert ended.value.code == 2
    assert "no runs" in capsys.readouterr().err
