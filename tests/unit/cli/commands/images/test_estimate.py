"""``noisebench estimate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.cli.main import main
from bench.noise import Gaussian
from bench.seeds import generator
from tests.support.command_line import refuse

if TYPE_CHECKING:
    from pathlib import Path


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
