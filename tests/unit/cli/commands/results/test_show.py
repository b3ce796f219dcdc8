"""``noisebench show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from bench.analysis.means import mean_of
from bench.cli.main import main
from bench.store.store import Store
from tests.support.alexnet import write_weights
from tests.support.command_line import run_tiny
from tests.support.images import photograph

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_show_prints_the_record_and_the_scores(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised")
    (key,) = (path.parent.name for path in (folders / "runs").glob("*/run.json"))
    capsys.readouterr()
    main(["show", key[:6]])
    printed = capsys.readouterr().out
    assert key in printed
    assert "noisy_sha256" in printed
    assert "1.png" in printed


def test_show_ends_with_the_mean_and_interval_of_each_metric(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(folders / "data", 0.01, monkeypatch)
    run_tiny("--methods", "supervised", "--data", "data")
    scores = Store(folders / "runs").scores()
    capsys.readouterr()
    main(["show", scores["key"].iloc[0]])
    *_, mean, interval, _ = capsys.readouterr().out.splitlines()
    for metric in ("psnr", "ssim", "lpips"):
        expected = mean_of(scores, metric)
        assert f" {expected.value:.4f} " in mean
        assert f" {expected.half_width:.4f} " in interval


def test_show_has_no_mean_of_lpips_over_some_of_the_images(
    folders: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights(folders / "data", 0.01, monkeypatch)
    Image.fromarray(photograph(20, 40, 1, seed=9)).save(folders / "test" / "small.png")
    run_tiny("--methods", "supervised", "--data", "data")
    capsys.readouterr()
    main(["show", Store(folders / "runs").scores()["key"].iloc[0]])
    printed = capsys.readouterr().out
    assert "small.png (20x40)" in printed
    *_, mean, interval, _ = printed.splitlines()
    assert (mean.count("–"), interval.count("–")) == (1, 4)
