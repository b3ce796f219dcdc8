"""``noisebench run``: what it trains, prints, writes and refuses."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import methods
from bench.cli.main import main
from bench.scoring.alexnet import LpipsUnavailable
from bench.store.store import Store
from bench.training.bfloat16 import Bfloat16Faults
from tests.support.alexnet import write_weights
from tests.support.command_line import TINY, refuse, run_tiny
from tests.support.images import photograph


def test_run_prints_the_table_and_writes_it_three_times(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny()
    printed = capsys.readouterr().out
    assert "5 trained" in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} == {
        "noise2noise",
        "noise2score",
        "noise2void",
        "supervised",
        "sure",
    }
    for row in rows:
        assert f"{float(row['psnr']):.2f}" in printed
    assert "| noise2score" in (folders / "runs" / "tables" / "table.md").read_text()
    assert r"\toprule" in (folders / "runs" / "tables" / "table.tex").read_text()


def test_a_second_identical_command_trains_nothing_and_says_so(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    first = (folders / "runs" / "tables" / "table.csv").read_bytes()
    capsys.readouterr()
    run_tiny("--methods", "supervised")
    assert "nothing to train: every run is stored already" in capsys.readouterr().out
    assert (folders / "runs" / "tables" / "table.csv").read_bytes() == first


def test_the_table_of_all_shards_is_that_of_the_grid(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ("--methods", "supervised", "noise2noise", "noise2void")
    for part in ("1/2", "2/2"):
        run_tiny(*methods, "--runs", "shards", "--shard", part)
        printed = capsys.readouterr().out
        assert f"shard {part} is done; `noisebench table shards` shows the grid" in printed
        assert not (folders / "shards" / "tables").exists()
    run_tiny(*methods)
    for runs in ("runs", "shards"):
        main(["table", runs, "--out", f"of-{runs}"])
    whole, joined = (pd.read_csv(folders / f"of-{runs}" / "table.csv") for runs in ("runs", "shards"))
    assert list(joined["method"]) == ["noise2void", "noise2noise", "supervised"]
    assert list(joined["psnr"]) == list(whole["psnr"])


def test_shards_stay_the_same_while_a_reference_fills(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = ("--methods", "supervised", "noise2noise", "noise2void", "--missing-from", "reports/here")
    for part in ("1/2", "2/2"):
        run_tiny(*methods, "--shard", part)
        main(["collect", "runs", "--out", "reports/here"])
    assert "3 runs are in reports/here, 1 of them new" in capsys.readouterr().out.replace("\\", "/")
    run_tiny(*methods, "--shard", "2/2")
    assert "nothing to train: reports/here holds every run" in capsys.readouterr().out


def test_a_reference_is_extended_without_the_weights_of_its_runs(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised", "noise2void", "--missing-from", "reports/here")
    assert "reports/here does not exist yet: all 2 runs are missing from it" in capsys.readouterr().out
    main(["collect", "runs", "--out", "reports/here"])
    there = {path.stem for path in Path("reports/here/runs").iterdir()}
    shutil.rmtree("runs")
    extend = ("--methods", "noise2void", "noise2noise", "supervised", "--missing-from", "reports/here")
    capsys.readouterr()
    run_tiny(*extend)
    assert "1 of the 3 runs are missing from reports/here" in capsys.readouterr().out
    assert list(pd.read_csv("runs/tables/table.csv")["method"]) == ["noise2noise"]
    main(["collect", "runs", "--out", "reports/here"])
    assert there < {path.stem for path in Path("reports/here/runs").iterdir()}
    run_tiny(*extend)
    assert "nothing to train: reports/here holds every run" in capsys.readouterr().out
    assert refuse(capsys, ["run", "--missing-from", "runs"]).startswith(
        "error: 'runs' holds no reference results: it has no scores.parquet"
    )


def test_all_runs_every_method_where_it_is_defined_and_names_those_left_out(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folders / "entries").mkdir()
    for name, noises in {"anywhere": ("gaussian", "gamma"), "gaussian_only": ("gaussian",)}.items():
        monkeypatch.delitem(sys.modules, f"methods.{name}", raising=False)
        (folders / "entries" / f"{name}.py").write_text(
            "from dataclasses import dataclass\nfrom bench.method import Method, squared_error\n"
            "@dataclass(frozen=True)\nclass Some(Method):\n"
            f"    needs, noises = frozenset({{'noisy'}}), frozenset({noises})\n"
            "    def loss(self, net, batch, rng, progress):\n"
            "        return squared_error(net(batch.noisy), batch.noisy)\n"
            "    def denoise(self, net, noisy, noise):\n        return net(noisy)\n"
        )
    monkeypatch.setattr(methods, "__path__", [str(folders / "entries")])
    run_tiny("--methods", "all", "--noises", "gaussian:25", "gamma:50")
    printed = capsys.readouterr().out
    assert "3 trained" in printed
    assert "left out, not defined" not in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        errors = {(row["method"], row["noise"]): row["error"] for row in csv.DictReader(file)}
    assert errors.pop(("gaussian_only", "gamma")) == "not defined for gamma noise"
    assert set(errors.values()) == {""}
    run_tiny("--methods", "all", "--noises", "gamma:50")
    assert "left out, not defined for these noise models: gaussian_only" in capsys.readouterr().out
    file = folders / "entries" / "anywhere.py"
    larger = file.read_text().replace("needs, noises", "patch_scale, needs, noises").replace("= f", "= 9, f")
    (file.parent / "larger.py").write_text(larger)
    run_tiny("--methods", "all")
    assert "left out, with patches larger than a training image: larger" in capsys.readouterr().out


def test_an_empty_and_a_damaged_set_are_refused_before_training(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folders / "empty").mkdir()
    assert "empty" in refuse(capsys, ["run", *TINY, "--train", "./empty", "--test", "./test"])
    (folders / "test" / "0.png").write_bytes((folders / "test" / "0.png").read_bytes()[:200])
    assert "0.png" in refuse(capsys, ["run", *TINY, "--train", "./train", "--test", "./test"])
    assert not list(folders.glob("runs/*/run.json"))


def test_a_method_that_fails_is_shown_as_failed_with_exit_code_1(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folders / "entries")])
    (folders / "entries").mkdir()
    (folders / "entries" / "diverging.py").write_text(
        "from dataclasses import dataclass\nfrom bench.method import Method, squared_error\n"
        "@dataclass(frozen=True)\nclass Diverging(Method):\n    needs = frozenset({'noisy'})\n"
        "    def loss(self, net, batch, rng, progress):\n"
        "        return squared_error(net(batch.noisy), batch.noisy) / (progress < 0.5)\n"
        "    def denoise(self, net, noisy, noise):\n        return net(noisy)\n"
    )
    with pytest.raises(SystemExit) as leaving:
        run_tiny("--methods", "diverging", "supervised")
    assert leaving.value.code == 1
    printed = capsys.readouterr()
    assert "1 failed, 1 trained" in printed.out
    assert "the loss became" in printed.out
    assert "failed: diverging, gaussian:25, seed 0" in printed.err
    assert "failed" in (folders / "runs" / "tables" / "table.md").read_text()


def test_runs_without_the_weights_of_lpips_are_scored_without_it(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_weights(*_: object, **__: object) -> None:
        raise LpipsUnavailable("no weights to be had")

    monkeypatch.setattr("bench.cli.commands.run.load_lpips", refuse_weights)
    run_tiny("--methods", "supervised", "--lpips", "True")
    printed = capsys.readouterr().out
    assert "LPIPS is left out: no weights to be had" in printed
    (record,) = (path.read_text() for path in (folders / "runs").glob("*/run.json"))
    assert '"lpips": "no weights to be had"' in record


def test_a_run_without_the_option_computes_lpips_where_the_weights_are(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_tiny("--methods", "supervised", "--runs", "without")
    printed = capsys.readouterr().out
    assert "LPIPS is left out: the weights of AlexNet are neither in the data folder" in printed
    assert "Cells: PSNR / SSIM, " in printed
    write_weights(folders / "data", 0.01, monkeypatch)
    (folders / "mixed").mkdir()
    for name, height in (("large", 40), ("small", 20)):
        Image.fromarray(photograph(height, 40, 1, seed=height)).save(folders / "mixed" / f"{name}.png")
    sets = ("--methods", "supervised", "--data", "data", "--test", "./test", "./mixed")
    run_tiny(*sets)
    printed = capsys.readouterr().out
    assert "Cells: PSNR / SSIM / LPIPS, " in printed
    assert "LPIPS on mixed: not computed for 1 of 2 images" in printed
    assert "small.png (20x40)" in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        rows = {row["images"]: row for row in csv.DictReader(file)}
    assert float(rows["test"]["lpips"]) > 0
    assert float(rows["test"]["lpips_half_width"]) > 0
    assert rows["mixed"]["lpips"] == rows["mixed"]["lpips_half_width"] == ""
    assert float(rows["mixed"]["ssim"]) > 0
    run_tiny(*sets, "--lpips", "False", "--runs", "declined")
    assert "LPIPS: not computed" in capsys.readouterr().out


def test_keys_psnr_and_ssim_do_not_depend_on_lpips(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_weights(folders / "data", 0.01, monkeypatch)
    scores = []
    for lpips in ("True", "False"):
        run_tiny("--methods", "noise2score", "--data", "data", "--lpips", lpips, "--runs", lpips)
        scores.append(Store(folders / lpips).scores())
    columns = ["key", "image", "psnr", "ssim", "noisy_psnr", "noisy_ssim"]
    pd.testing.assert_frame_equal(scores[0][columns], scores[1][columns])
    assert scores[0]["lpips"].notna().all()
    assert scores[1]["lpips"].isna().all()


def test_damaged_weights_of_lpips_are_refused_before_any_training(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(folders / "data", 0.01, monkeypatch).write_bytes(b"damaged")
    tiny = ["run", *TINY, "--train", "./train", "--test", "./test", "--noises", "gaussian:25"]
    message = refuse(capsys, [*tiny, "--data", "data"])
    assert "alexnet-features.safetensors" in message
    assert "sha256" in message
    assert not list((folders / "runs").glob("*/run.json"))


def test_a_rejected_precision_is_printed_once(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.training.precision.has_bfloat16", lambda device: True)
    faults = Bfloat16Faults("", "take 5.0 times as long as float32's")
    monkeypatch.setattr("bench.training.precision.bfloat16_faults", lambda device: faults)
    run_tiny("--methods", "supervised", "noise2noise", "nlm")
    printed = " ".join(capsys.readouterr().out.split())
    note = "Precision float32: bfloat16 convolutions take 5.0 times as long as float32's"
    assert printed.count(note) == 1


def test_blind_run_reports_its_estimates(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "noise2score", "--blind")
    printed = " ".join(capsys.readouterr().out.split())
    assert "noise2score (blind)" in printed
    assert "noisy + noise model" in printed
    assert "gaussian σ=20 to 55" in printed
    with (folders / "runs" / "tables" / "table.csv").open() as file:
        (row,) = csv.DictReader(file)
    stored = pd.read_parquet(next((folders / "runs").glob("*/scores.parquet")))
    assert float(row["estimate"]) == pytest.approx(stored["estimate"].mean())
    assert float(row["estimate_error"]) == pytest.approx((stored["estimate"] / 25 - 1).abs().mean())
    assert f"{float(row['estimate_error']):.1%} off" in printed


def test_a_test_set_of_noisy_images_is_warned_of(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0)
    for path in Path("test").glob("*.png"):
        with Image.open(path) as image:
            clean = np.asarray(image)
        noisy = clean + noise.normal(0, 20, clean.shape)
        Image.fromarray(np.rint(noisy.clip(0, 255)).astype(np.uint8)).save(path)
    run_tiny("--methods", "supervised")
    said = capsys.readouterr().err
    assert "noisy: the images of 'test' count as clean" in said
    assert "'train' count" not in said
