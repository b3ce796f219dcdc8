"""``noisebench estimate``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.cli.main import main
from bench.noise import Gaussian
from bench.seeds import generator
from tests.support.command_line import refuse


def test_the_noise_model_and_its_level_are_estimated(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = Gaussian(15).sample(data.camera() / 255, generator("test"))
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(folders / "noisy.png")
    main(["estimate", "noisy.png"])
    cells = [cell.strip() for cell in capsys.readouterr().out.splitlines()[-2].split("│")]
    assert cells[1] == "noisy.png"
    assert cells[3] == "gaussian"
    assert float(cells[4]) == pytest.approx(15, rel=0.1)
    assert "at least one image file" in refuse(capsys, ["estimate"])


def test_an_image_without_noise_does_not_keep_the_others_from_being_estimated(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sigma in (15, 30):
        noisy = Gaussian(sigma).sample(data.camera()[::2, ::2] / 255 * 0.6 + 0.2, generator("test"))
        Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(folders / f"{sigma}.png")
    Image.new("L", (80, 80)).save("black.png")
    main(["estimate", "15.png", "black.png", "30.png"])
    printed = capsys.readouterr()
    rows = [
        [cell.strip() for cell in line.split("│")]
        for line in printed.out.splitlines()
        if ".png" in line and "│" in line
    ]
    assert [row[1] for row in rows] == ["15.png", "black.png", "30.png"]
    assert [float(rows[i][4]) for i in (0, 2)] == pytest.approx([15, 30], rel=0.15)
    assert rows[1][2:7] == ["unknown", "–", "–", "–", "–"]
    assert "black.png: hardly any part is neither black nor white" in printed.err


def test_unreadable_files_are_named_and_strict_counts_warnings(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = Gaussian(25).sample(data.camera()[::2, ::2] / 255 * 0.6 + 0.2, generator("test"))
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save("fine.png")
    Path("broken.png").write_bytes(b"no image")
    with pytest.raises(SystemExit) as leaving:
        main(["estimate", "broken.png", "fine.png"])
    assert leaving.value.code == 1
    printed = capsys.readouterr()
    assert "broken.png: not an image" in printed.err
    assert "fine.png" in printed.out
    main(["estimate", "fine.png", "--strict"])
    Image.new("L", (80, 80), 100).save("flat.png")
    assert "1 of 1 files with warnings: flat.png" in refuse(capsys, ["estimate", "flat.png", "--strict"])
