"""Score tables in Markdown, LaTeX, CSV and the terminal."""

from __future__ import annotations

import io
import math
import re
from csv import DictReader

import pandas as pd
import pytest
from rich.console import Console

from bench.analysis.means import mean_of
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.tables.score_table import csv, latex, markdown, terminal, write_tables
from tests.support.results.scores import (
    NO_FAILURES,
    by_hand,
    cell,
    failed,
    failure,
    made_up,
    only,
)


def test_markdown_by_hand():
    assert markdown(tabulate(by_hand(), NO_FAILURES)).splitlines()[:10] == [
        (
            "### bsd400, grey, U-Net width 48, 20,000 steps of 16 patches of 64x64, adam, "
            "learning rate 0.002, frozen noise, cuda, protocol 1"
        ),
        "",
        "| noise | test set | noisy | noise2void | sure | noise2noise | supervised |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        (
            "| gaussian σ=25 | set12 | 20.55 / 0.450 "
            "| 27.00 / **0.850** | **28.50** / 0.750 | 29.00 / 0.900 | 29.25 / 0.950 |"
        ),
        "| sees |  |  | noisy | noisy + noise | noisy + noisy2 | noisy + clean |",
        "| precision |  |  | bfloat16 | float32 | bfloat16 | bfloat16 |",
        "| training TFLOP |  |  | 1.0 | 2.0 | 3.0 | 4.0 |",
        "| training s |  |  | 1,000.5 | 1,100.5 | 1,200.5 | 1,300.5 |",
        "| s/image | set12 |  | 0.0100 | 0.0100 | 0.0100 | 0.0100 |",
    ]


def test_costs_are_in_every_format():
    scores = by_hand().assign(passes=lambda lines: lines["method"].map({"noise2void": 1.0, "sure": 0.25}))
    scores["passes"] += (scores["image"] == "01.png") * 300
    scores = scores.assign(forward_passes=2.0, backward_passes=0.5)
    tables = tabulate(scores, NO_FAILURES)
    text = markdown(tables)
    assert "| passes/image |  |  | 26 | 25.25 | – | – |" in text
    assert "| passes/step |  |  | 2 / 0.5 | 2 / 0.5 | 2 / 0.5 | 2 / 0.5 |" in text
    assert r"passes/image &  &  & 26 & 25.25 & -- & -- \\" in latex(tables)
    assert "25.25" in rendered(tables[0], width=200)
    found = pd.read_csv(io.StringIO(csv(tables))).set_index("method")
    assert found["passes"].dropna().to_dict() == {"noise2void": 26.0, "sure": 25.25}
    assert set(found["forward_passes"]) == {2.0}
    assert text.index("- Cells: ") < text.index("Passes/image: of the network") < text.index("- Images: ")


def test_an_untrained_reference_is_first_and_never_best():
    sees = {"noise2void": "noisy", "oracle": "noisy + noise, untrained", "supervised": "noisy + clean"}
    scores = made_up(sees)
    reference = scores["method"] == "oracle"
    scores.loc[reference, ["training_seconds", "training_flops", "patches_per_second"]] = 0.0
    scores.loc[reference, "psnr"] += 20
    table = only(tabulate(scores, NO_FAILURES))
    assert table.methods == ("oracle", "noise2void", "supervised")
    assert all(
        found.best == ({"psnr", "ssim"} if found.method == "noise2void" else set())
        for row in table.rows
        for found in row.cells
    )
    text = markdown([table])
    assert "| training s |  |  | 0.0 | 1,000.5 |" in text
    assert "Untrained: a reference" in text
    assert "Untrained" not in markdown(tabulate(scores[~reference], NO_FAILURES))


def test_latex_by_hand():
    lines = latex(tabulate(by_hand(), NO_FAILURES)).splitlines()
    top, bottom = lines.index(r"\toprule"), lines.index(r"\bottomrule")
    assert lines[top + 1] == r"noise & test set & noisy & noise2void & sure & noise2noise & supervised \\"
    assert lines[top + 3] == (
        r"gaussian $\sigma$=25 & set12 & 20.55 / 0.450 & 27.00 / \textbf{0.850} & \textbf{28.50} / 0.750 "
        r"& 29.00 / 0.900 & 29.25 / 0.950 \\"
    )
    assert [i - top for i in range(top, bottom) if lines[i] == r"\midrule"] == [2, 4]
    assert {line.count("&") for line in lines[top + 1 : bottom] if line != r"\midrule"} == {6}
    assert lines[top - 1] == r"\begin{tabular}{llrrrrr}"
    text = "\n".join(lines)
    assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)[::-1]
    assert text.count("{") == text.count("}")
    assert text.isascii()


def rendered(table, *, width: int) -> str:
    console = Console(
        width=width, file=io.StringIO(), force_terminal=True, color_system="standard", legacy_windows=False
    )
    console.print(terminal(table, width=width))
    return console.file.getvalue()


def test_terminal_by_hand():
    scores = by_hand()
    crashed = failed(failure("sure", noise="gaussian", parameter=50.0))
    text = rendered(only(tabulate(scores, crashed)), width=120)
    assert "\x1b[1m28.50\x1b[0m" in text
    assert "\x1b[1m0.850\x1b[0m" in text
    assert "\x1b[1m29" not in text
    assert "\x1b[31mfailed\x1b[0m" in text


@pytest.mark.parametrize("width", [100, 120])
def test_terminal_shows_every_number_within_its_width(width):
    table = only(tabulate(made_up(), NO_FAILURES))
    text = re.sub(r"\x1b\[[0-9;]*m", "", rendered(table, width=width))
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for row in table.rows:
        for found in row.cells:
            assert f"{found.psnr:.2f} / {found.ssim:.3f}" in text


def test_csv_holds_the_means_to_the_last_bit():
    tables = tabulate(made_up(), NO_FAILURES)
    lines = list(DictReader(io.StringIO(csv(tables))))
    cells = [(row, found) for row in only(tables).rows for found in row.cells]
    assert len(lines) == len(cells) == 20
    for line, (row, found) in zip(lines, cells, strict=True):
        assert [line[name] for name in ("method", "sees", "status")] == [found.method, found.sees, "done"]
        assert [line[name] for name in ("noise", "images", "n_images")] == [
            row.noise,
            row.images,
            str(row.n_images),
        ]
        for name in ("psnr", "ssim", "seconds", "training_seconds", "training_flops", "patches_per_second"):
            assert float(line[name]) == getattr(found, name)
        assert [float(line[name]) for name in ("noisy_psnr", "noisy_ssim")] == [
            row.noisy_psnr,
            row.noisy_ssim,
        ]
        assert [line[name] for name in ("steps", "training_noise", "device")] == ["20000", "frozen", "cuda"]


def test_failed_cells_are_marked_and_never_averaged():
    scores = made_up()
    crashed = (scores["method"] == "noise2void") & (scores["noise"] == "gaussian") & (scores["seed"] == 0)
    table = only(tabulate(scores[~crashed], failed(failure())))
    found = cell(table, "noise2void")
    assert (found.status, found.error) == ("failed", "seed 0: the loss is nan\nat step 120")
    assert math.isnan(found.psnr)
    text = markdown([table])
    (line,) = [line for line in text.splitlines() if line.startswith("| gaussian σ=25 | set12")]
    assert line.split(" | ")[3] == "failed"
    assert "- failed: noise2void on gaussian σ=25, set12: seed 0: the loss is nan at step 120" in text
    assert r"\emph{failed}" in latex([table])
    lines = pd.read_csv(io.StringIO(csv([table]))).query("status == 'failed'")
    assert lines["psnr"].isna().all()
    assert lines["error"].tolist() == [found.error]


def test_failures_alone_make_a_table():
    text = markdown(tabulate(pd.DataFrame(), failed(failure())))
    assert "| gaussian σ=25 | set12 | – / – | failed |" in text
    assert "Images: none. Seeds: 0." in text


def test_lpips_is_left_out_where_it_is_not_known():
    tables = tabulate(made_up(), NO_FAILURES)
    for text in (markdown(tables), latex(tables)):
        assert text.count("LPIPS") == 1
        assert "LPIPS: not computed" in text


def test_lpips_is_the_third_number_lower_is_better_and_never_over_some_images():
    scores = by_hand()
    scores["lpips"] = scores["method"].map(
        {"noise2void": 0.2, "sure": 0.3, "noise2noise": 0.1, "supervised": 0.05}
    )
    first = (scores["method"] == "supervised") & (scores["image"] == "01.png") & (scores["seed"] == 0)
    scores["lpips"] = scores["lpips"].where(~first)
    text = markdown(tabulate(scores, NO_FAILURES))
    assert "| 27.00 / **0.850** / **0.200** | **28.50** / 0.750 / 0.300 | 29.00 / 0.900 / 0.100 " in text
    assert "| 29.25 / 0.950 / – |" in text
    assert "Cells: PSNR / SSIM / LPIPS" in text
    assert "lower is better" in text
    assert "for LPIPS: not computed on every image of the set" in text


def test_csv_has_the_interval_of_lpips_where_it_is_known():
    scores = by_hand()
    assert "lpips_half_width" not in csv(tabulate(scores, NO_FAILURES))
    scores["lpips"] = 0.2 + scores["psnr"] / 1000
    text = csv(tabulate(scores, NO_FAILURES))
    for line in pd.read_csv(io.StringIO(text)).itertuples():
        mean = mean_of(scores[scores["method"] == line.method], "lpips")
        assert (line.lpips, line.lpips_half_width) == pytest.approx((mean.value, mean.half_width))
        assert mean.half_width > 0
    assert "for LPIPS: not computed" not in markdown(tabulate(scores, NO_FAILURES))


EVIL = r"a_b:c=<script>alert(1)</script>|d&e%$#{f}~^\[red]`*"


def test_names_of_third_party_methods_are_escaped():
    scores = made_up({EVIL: "noisy", "sure": "noisy + noise"}, seeds=[0])
    tables = tabulate(scores, failed(failure(EVIL, parameter=10.0, error="<b>|_&\n# no")))
    as_markdown, as_latex = markdown(tables), latex(tables)
    assert "<script>" not in as_markdown
    assert "<b>" not in as_markdown
    table_lines = [line for line in as_markdown.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table_lines} == {6}
    header = as_latex.split("\\toprule\n")[1].split("\n")[0]
    assert header.count("&") - header.count(r"\&") == 4
    assert r"a\_b:c=\textless{}script\textgreater{}" in header
    assert r"\textbar{}d\&e\%\$\#\{f\}\textasciitilde{}\textasciicircum{}\textbackslash{}[red]" in header
    assert EVIL in pd.read_csv(io.StringIO(csv(tables)))["method"].tolist()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", rendered(tables[0], width=200))
    assert EVIL.split(":")[1] in shown


def test_write_tables(tmp_path):
    scores = pd.concat([made_up(), made_up(device="cpu")])
    folder = tmp_path / "new" / "folder"
    files = write_tables(scores, NO_FAILURES, folder=folder, stem="table2")
    assert files == [folder / "table2.md", folder / "table2.csv", folder / "table2.tex"]
    tables = tabulate(scores, NO_FAILURES)
    assert len(tables) == 2
    for file, text in zip(files, (markdown(tables), csv(tables), latex(tables)), strict=True):
        assert file.read_text(encoding="utf-8") == text
    assert files[0].read_text(encoding="utf-8").count("\n### ") == 1
    assert files[2].read_text(encoding="utf-8").count(r"\begin{tabular}") == 2


def test_runs_that_cannot_be_compared_write_nothing(tmp_path):
    with pytest.raises(InputError):
        write_tables(made_up().iloc[1:], NO_FAILURES, folder=tmp_path / "new", stem="table2")
    assert not (tmp_path / "new").exists()
