"""The report: every score, its images, and the same files each time."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bench.cli.main import main
from bench.images.image_file import open_image_file
from bench.report.image_options import ImageOptions
from bench.report.write import write_report
from bench.store.layout import image_folder
from bench.tables.caption import title
from tests.support.results.reports import MadeUp, Reader, one_table, read
from tests.support.results.scores import failed, failure, made_up
from tests.support.throughput import result as profile_of
from tests.support.throughput import write_result as write_profile

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.runs import Tiny


def test_the_page_has_every_score_and_fetches_nothing(tmp_path):
    scores = made_up()
    page = read(tmp_path, MadeUp(scores))
    _check_scores(page, one_table(scores))
    _check_addresses(page, tmp_path)


def test_the_page_has_lpips_with_its_interval_where_it_is_known(tmp_path):
    scores = made_up()
    (tmp_path / "without").mkdir()
    assert "LPIPS" not in {cell for row in read(tmp_path / "without", MadeUp(scores)).cells() for cell in row}
    scores["lpips"] = 1 - scores["ssim"]
    page, table = read(tmp_path, MadeUp(scores)), one_table(scores)
    rows = page.cells()
    assert any("LPIPS" in row and row.count("±") == 2 for row in rows)
    for cell in table.cells.values():
        beside = [f"{cell.ssim:.3f}", f"{cell.lpips:.3f}", f"{cell.lpips_half_width:.3f}"]
        assert any(beside == row[at : at + 3] for row in rows for at in range(len(row)))


def _check_scores(page, table):
    assert title(table.setup) in " ".join(page.text.split())
    rows = page.cells()
    for row in table.rows:
        printed = [f"{cell.psnr:.2f}" for cell in row.cells]
        assert [row.label, row.images, f"{row.noisy_psnr:.2f}", *printed] in rows


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


def test_failed_runs_are_shown_with_their_reason(tmp_path):
    page = read(tmp_path, MadeUp(made_up(), failed(failure(error="the loss is nan & <lost>"))))
    assert ["noise2void", "gaussian 25", "set12", "0", "the loss is nan & <lost>"] in page.cells()


def test_a_report_of_failures_alone_shows_them(tmp_path):
    page = read(tmp_path, MadeUp(pd.DataFrame(columns=["key"]), failed(failure())))
    assert any("the loss is nan" in cell for row in page.cells() for cell in row)


def test_the_same_results_give_the_same_files(tmp_path):
    for name in ("one", "two"):
        write_report(MadeUp(made_up()), tmp_path, out=tmp_path / name, images=ImageOptions())
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 1 + 3 * 4
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def where(tiny: Tiny) -> tuple[str, ...]:
    return (str(tiny.context.store.root.parent / "test"),)


def test_the_page_shows_images_with_their_scores(trained: Tiny, tmp_path: Path):
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
    pixels = next(iter(open_image_file(kept))) / np.float32(65535)
    # Smaller than a crop, so the whole image is shown.
    assert (
        np.abs(np.asarray(Image.open(io.BytesIO(content))) / 255 - pixels[..., 0]).max() <= 0.5 / 255 + 1e-6
    )
    scale = json.loads(
        re.search(r'id="errors">(.*?)</script>', (tmp_path / "out" / "report.html").read_text(), re.DOTALL)[1]
    )
    assert len(scale["colours"]) == 256
    assert scale["peak"] > 0


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


def test_a_reference_is_reported_with_the_images_and_curves_of_its_runs_alone(
    tiny: Tiny, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    evaluated = replace(tiny, context=replace(tiny.context, evaluations=2))
    evaluated.launch(methods=("noise2void", "supervised"))
    main(["collect", "runs", "--out", "kept"])
    main(["report", "runs", "--test", "./test", "--out", "whole"])
    evaluated.launch(seeds=(1,))
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
