from __future__ import annotations

import io
import math
import re
from csv import DictReader

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench.analysis.supervision import self_supervised
from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.tables.score_table import csv, latex, markdown, terminal, write_tables
from tests.support.scores import (
    ALL_NOISES,
    NO_FAILURES,
    SETS,
    SETUP,
    by_hand,
    cell,
    failed,
    failure,
    made_up,
    only,
)


def test_cells_are_means_per_image_over_seeds_then_over_images():
    scores = made_up()
    table = only(tabulate(scores, NO_FAILURES))
    for row in table.rows:
        for found in row.cells:
            values = [
                [
                    line.psnr
                    for line in scores.itertuples()
                    if (line.method, line.image) == (found.method, image)
                    and (line.noise, line.parameter) == (row.noise, row.parameter)
                ]
                for image in SETS[row.images]
            ]
            assert all(len(per_seed) == 2 for per_seed in values)
            expected = math.fsum(sum(per_seed) / 2 for per_seed in values) / len(values)
            assert found.psnr == pytest.approx(expected, abs=1e-12)
            assert (found.status, found.n_seeds, row.n_images) == ("done", 2, len(values))


def test_order_of_rows_and_columns():
    table = only(tabulate(made_up(noises=ALL_NOISES), NO_FAILURES))
    assert [*dict.fromkeys(row.label for row in table.rows)] == [
        "gaussian σ=25",
        "gaussian σ=50",
        "poisson ζ=0.05",
        "gamma k=100",
        "gamma k=50",
    ]
    assert [row.images for row in table.rows[:2]] == ["bsd68", "set12"]
    assert table.methods == (
        "noise2void",
        "noise2score:domain=raw,formula=paper",
        "sure",
        "noise2noise",
        "supervised",
    )


def test_noisy_images_count_once_however_many_methods_denoise_them():
    scores = made_up()
    few = scores[(scores["method"] == "sure") | (scores["seed"] == 0)]
    (row,) = [
        row
        for row in only(tabulate(few, NO_FAILURES)).rows
        if (row.label, row.images) == ("gaussian σ=25", "bsd68")
    ]
    assert row.noisy_psnr == pytest.approx((20 + 21 + 22 + 20.1 + 21.1 + 22.1) / 6, abs=1e-12)
    assert row.noisy_ssim == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("sees", "expected"),
    [
        ("noisy", True),
        ("noisy + noise", True),
        ("noisy + noisy2", False),
        ("noisy + clean", False),
        ("clean", False),
        ("noisy + noise, untrained", False),
    ],
)
def test_self_supervised(sees, expected):
    assert self_supervised(sees) is expected


def test_best_goes_to_self_supervised_methods_each_metric_by_itself():
    scores = made_up()
    scores.loc[scores["method"] == "noise2void", "ssim"] = 0.95
    table = only(tabulate(scores, NO_FAILURES))
    for row in table.rows:
        best = {found.method: set(found.best) for found in row.cells if found.best}
        assert best == {"noise2void": {"ssim"}, "noise2score:domain=raw,formula=paper": {"psnr"}}
        assert max(row.cells, key=lambda found: found.psnr).method == "supervised"


def test_equal_numbers_as_printed_are_both_best():
    scores = made_up({"noise2void": "noisy", "sure": "noisy + noise"})
    scores["psnr"] = np.where(scores["method"] == "sure", 30.001, 30.002)
    table = only(tabulate(scores, NO_FAILURES))
    assert all("psnr" in found.best for row in table.rows for found in row.cells)


def test_markdown_by_hand():
    assert markdown(tabulate(by_hand(), NO_FAILURES)).splitlines()[:10] == [
        (
            "### bsd400, grey, U-Net width 48, 20,000 steps of 16 crops of 64x64, rate 0.002, frozen noise, "
            "cuda, protocol 1"
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
        "| training s |  |  | 1,000.5 | 1,100.5 | 1,200.5 | 1,300.5 |",
        "| training TFLOP |  |  | 1.0 | 2.0 | 3.0 | 4.0 |",
        "| patches/s |  |  | 9,000 | 8,999 | 8,998 | 8,997 |",
    ]


def test_passes_stand_beside_what_was_seen():
    scores = by_hand().assign(passes=lambda lines: lines["method"].map({"noise2void": 1.0, "sure": 0.25}))
    scores["passes"] += (scores["image"] == "01.png") * 50
    tables = tabulate(scores, NO_FAILURES)
    lines = markdown(tables).splitlines()
    assert lines[5].startswith("| sees |")
    assert lines[6] == "| passes |  |  | 26 | 25.25 | – | – |"
    assert "Passes: of the network" in markdown(tables)
    assert r"passes &  &  & 26 & 25.25 & -- & -- \\" in latex(tables)
    assert "25.25" in rendered(tables[0], width=200)
    found = pd.read_csv(io.StringIO(csv(tables))).set_index("method")["passes"]
    assert found.dropna().to_dict() == {"noise2void": 26.0, "sure": 25.25}


def test_without_passes_nothing_is_said_of_them():
    tables = tabulate(by_hand(), NO_FAILURES)
    assert all(
        "asses" not in text for text in (markdown(tables), latex(tables), rendered(tables[0], width=200))
    )


def test_a_reference_that_is_not_trained_stands_first_and_is_never_best():
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
    assert "| patches/s |  |  | – | 9,000 |" in text
    assert "Untrained: a reference" in text
    assert "Untrained" not in markdown(tabulate(scores[~reference], NO_FAILURES))


def test_a_cell_for_which_the_method_is_not_defined_says_so():
    scores = made_up().assign(defined_for="gamma gaussian")
    scores.loc[scores["method"] == "sure", "defined_for"] = "gaussian"
    scores = scores[(scores["method"] != "sure") | (scores["noise"] == "gaussian")]
    scores = scores[(scores["method"] != "noise2noise") | (scores["noise"] == "gaussian")]
    table = only(tabulate(scores, NO_FAILURES))
    found = cell(table, "sure", noise="gamma", parameter=50)
    assert (found.status, found.error) == ("missing", "not defined for gamma noise")
    (line,) = [line for line in markdown([table]).splitlines() if line.startswith("| gamma k=50 | set12")]
    assert line.split(" | ")[5] == "not defined"
    assert line.split(" | ")[6] == "–"  # defined, and never run
    assert "not defined" in latex([table])


def test_a_failed_method_tells_for_which_noises_it_is_defined():
    failures = failed(failure("bad", defined_for="gaussian poisson"))
    table = only(tabulate(made_up(), failures))
    assert cell(table, "bad").status == "failed"
    assert cell(table, "bad", images="bsd68").error == ""
    assert cell(table, "bad", noise="gamma", parameter=50).error == "not defined for gamma noise"


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


def test_csv_gives_the_means_back_to_the_last_bit():
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


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("training_images", "bsd500"),
        ("channels", 3),
        ("width", 24),
        ("steps", 100),
        ("batch", 4),
        ("patch", 32),
        ("learning_rate", 1e-3),
        ("training_noise", "resampled"),
        ("protocol", 2),
        ("device", "cpu"),
    ],
)
def test_protocols_are_never_mixed(column, other):
    scores = pd.concat([made_up(), made_up(**{column: other, "psnr": 10.0})])
    tables = tabulate(scores, failed(failure(**{column: other, "seed": 7})))
    assert {getattr(table.setup, column) for table in tables} == {SETUP[column], other}
    ours, theirs = sorted(tables, key=lambda table: getattr(table.setup, column) == other)
    alone = only(tabulate(made_up(), NO_FAILURES))
    assert csv([ours]) == csv([alone])
    assert cell(theirs, "sure").psnr == 10
    assert (ours.seeds, theirs.seeds) == ((0, 1), (0, 1, 7))
    assert len(pd.read_csv(io.StringIO(csv(tables)))) == 40


def test_precision_may_differ_by_method_but_not_within_a_cell():
    scores = made_up()
    scores.loc[(scores["method"] == "sure") & (scores["seed"] == 1), "precision"] = "bfloat16"
    with pytest.raises(
        InputError, match=r"sure on .* mixes runs of different precision: bfloat16 and float32"
    ):
        tabulate(scores, NO_FAILURES)
    scores.loc[scores["method"] == "sure", "precision"] = "float32"
    scores.loc[(scores["method"] == "sure") & (scores["noise"] == "gamma"), "precision"] = "bfloat16"
    assert "| bfloat16, float32 |" in markdown(tabulate(scores, NO_FAILURES))


def test_a_method_cannot_change_what_it_sees():
    scores = made_up()
    scores.loc[(scores["method"] == "sure") & (scores["noise"] == "gamma"), "sees"] = "noisy"
    with pytest.raises(
        InputError, match=r"sure on .* mixes runs of different sees: noisy and noisy \+ noise"
    ):
        tabulate(scores, NO_FAILURES)


def test_incomplete_image_sets_are_refused():
    scores = made_up()
    lost = (scores["method"] == "sure") & (scores["image"] == "b.png") & (scores["seed"] == 1)
    lost &= (scores["noise"] == "gamma") & (scores["parameter"] == 50)
    assert lost.sum() == 1
    with pytest.raises(
        InputError,
        match=r"sure on gamma k=50, bsd68, seed 1 is incomplete: run sure-gamma-50-1 has 2 of 3 images, "
        r"without b\.png",
    ):
        tabulate(scores[~lost], NO_FAILURES)


def test_two_runs_of_one_cell_and_seed_are_refused():
    again = made_up({"sure": "noisy + noise"}, seeds=[1], key="newer")
    with pytest.raises(InputError, match=r"sure on .*, seed 1 has more than one score.*newer and sure-"):
        tabulate(pd.concat([made_up(), again]), NO_FAILURES)


def test_different_noisy_images_are_refused():
    scores = made_up()
    line = scores.index[(scores["method"] == "sure") & (scores["image"] == "b.png")][0]
    scores.loc[line, "noisy_psnr"] += 0.001
    with pytest.raises(
        InputError, match=r"noise2void and sure were given different noisy copies of image 'b\.png'"
    ):
        tabulate(scores[scores["method"].isin(["sure", "noise2void"])], NO_FAILURES)


@pytest.mark.parametrize("column", ["psnr", "ssim", "noisy_psnr", "training_seconds", "width", "method"])
def test_empty_values_are_refused(column):
    scores = made_up()
    scores[column] = scores[column].where(scores["key"] != "sure-gamma-50-1")
    with pytest.raises(InputError, match=f"run sure-gamma-50-1 has an empty or undefined {column}"):
        tabulate(scores, NO_FAILURES)


def test_missing_columns_and_no_runs_are_refused():
    with pytest.raises(InputError, match="lack the columns sees, device"):
        tabulate(made_up().drop(columns=["sees", "device"]), NO_FAILURES)
    with pytest.raises(InputError, match="no runs"):
        tabulate(pd.DataFrame(), NO_FAILURES)


def test_failed_cells_say_failed_and_are_never_averaged():
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


def test_a_failure_that_later_finished_does_not_count():
    assert csv(tabulate(made_up(), failed(failure()))) == csv(tabulate(made_up(), NO_FAILURES))


def test_failures_alone_make_a_table():
    text = markdown(tabulate(pd.DataFrame(), failed(failure())))
    assert "| gaussian σ=25 | set12 | – / – | failed |" in text
    assert "Images: none. Seeds: 0." in text


def test_cells_never_run_are_shown_as_missing():
    scores = made_up()
    table = only(tabulate(scores[(scores["method"] != "sure") | (scores["noise"] != "gamma")], NO_FAILURES))
    found = cell(table, "sure", noise="gamma", parameter=50)
    assert found.status == "missing"
    (line,) = [line for line in markdown([table]).splitlines() if line.startswith("| gamma k=50 | set12")]
    assert line.split(" | ")[5] == "–"
    assert len(pd.read_csv(io.StringIO(csv([table]))).query("status == 'missing'")) == 2


def test_fewer_seeds_than_the_row_are_said():
    scores = made_up()
    table = only(tabulate(scores[(scores["method"] != "sure") | (scores["seed"] != 1)], NO_FAILURES))
    assert cell(table, "sure").n_seeds == 1
    text = markdown([table])
    assert text.count("(1 of 2 seeds)") == len(table.rows)


def test_lpips_is_left_out_where_nowhere_known():
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


EVIL = r"a_b:c=<script>alert(1)</script>|d&e%$#{f}~^\[red]`*"


def test_names_of_plugins_are_escaped():
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


def test_the_footer_says_the_protocol_of_its_own_runs():
    (noisy_once,) = tabulate(made_up(noises=[("gaussian", 25.0)]), NO_FAILURES)
    (redrawn,) = tabulate(
        made_up(noises=ALL_NOISES, training_noise="resampled", steps=7, batch=3, channels=3), NO_FAILURES
    )
    text = markdown([noisy_once])
    assert "Images: 3 of bsd68, 2 of set12. Seeds: 0, 1." in text
    assert "20,000 steps of 16 crops of 64x64 pixels from bsd400 (320,000 crops in all)" in text
    assert "Training noise frozen: one noisy copy" in text
    assert "never clipped" in text
    assert "last weights count" in text
    assert "N(0, (σ/255)²)" in text
    assert "Poisson(" not in text
    text = markdown([redrawn])
    assert "### bsd400, RGB" in text
    assert "7 steps of 3 crops of 64x64 pixels from bsd400 (21 crops in all)" in text
    assert "Training noise resampled" in text
    assert "Poisson(x/ζ)" in text


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


def test_nothing_is_written_of_bad_runs(tmp_path):
    with pytest.raises(InputError):
        write_tables(made_up().iloc[1:], NO_FAILURES, folder=tmp_path / "new", stem="table2")
    assert not (tmp_path / "new").exists()
