"""``noisebench curve``."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from bench.cli.main import main
from tests.support.command_line import TINY, refuse, run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_curve_draws_the_evaluations_of_runs(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised", "noise2noise", "--evaluations", "2")
    main(["curve", "--out", "drawn"])
    with (folders / "drawn" / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    steps = int(TINY[TINY.index("--steps") + 1])
    assert {int(row["step"]) for row in rows} == {-(-steps // 2), steps}
    assert {row["method"] for row in rows} == {"supervised", "noise2noise"}
    printed = capsys.readouterr().out
    for suffix in ("md", "png", "svg"):
        assert f"quality.{suffix}" in printed
        assert (folders / "drawn" / f"quality.{suffix}").is_file()


def test_curve_names_the_option_that_is_missing(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tiny("--methods", "supervised", "--evaluations", "0")
    capsys.readouterr()
    assert "--evaluations" in refuse(capsys, ["curve"])


def test_curve_of_finished_runs_compares_them(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for steps in ("2", "3"):
        for optimiser in ("adam", "muon"):
            run_tiny("--methods", "supervised", "noise2noise", "--steps", steps, "--optimiser", optimiser)
    capsys.readouterr()
    main(["curve", "--out", "drawn", "--before", "optimiser=muon"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "PSNR at equal operations" in printed
    assert "Before: muon" in printed
    for stem in ("budget", "equal-operations", "before-after"):
        assert (folders / "drawn" / f"{stem}.csv").is_file()
    assert not (folders / "drawn" / "quality.csv").exists()


def test_curve_refuses_a_setup_that_does_not_exist(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for steps in ("2", "3"):
        run_tiny("--methods", "supervised", "--steps", steps)
    assert "no method was trained in two setups" in _print(capsys, ["curve", "--level", "20"])
    assert "--before needs settings" in refuse(capsys, ["curve", "--before", "adam"])


def _print(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    capsys.readouterr()
    main(arguments)
    return capsys.readouterr().out
