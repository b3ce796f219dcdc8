"""The options of the commands on your own images."""

from __future__ import annotations

from pathlib import Path

import pytest
import tyro

from bench.cli.options.images import DenoiseOptions, EstimateOptions, FingerprintOptions


def test_levels_are_found_unless_they_are_given() -> None:
    assert tyro.cli(EstimateOptions, args=["a.png"]) == EstimateOptions(images=(Path("a.png"),))
    given = tyro.cli(EstimateOptions, args=["a.png", "--black", "100", "--white", "4095.5"])
    assert (given.black, given.white) == (100, 4095.5)


def test_denoise_takes_a_run_and_several_images() -> None:
    parsed = tyro.cli(DenoiseOptions, args=["4f2a", "a.png", "b.png", "--out", "there"])
    assert parsed == DenoiseOptions(run="4f2a", images=(Path("a.png"), Path("b.png")), out=Path("there"))


@pytest.mark.parametrize("arguments", [["train"], ["train", "--out", "a.csv", "--channels", "2"]])
def test_fingerprint_needs_a_file_and_takes_grey_or_colour(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        tyro.cli(FingerprintOptions, args=arguments)
    assert leaving.value.code == 2
