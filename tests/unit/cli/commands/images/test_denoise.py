"""``noisebench denoise``."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import skimage.io
from PIL import Image
from skimage import data
from skimage.color import rgb2gray
from skimage.metrics import peak_signal_noise_ratio

from bench.cli.main import main
from bench.noise import Gamma, Gaussian
from bench.seeds import generator
from tests.support.command_line import refuse, run_tiny

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_denoise_raises_the_psnr_and_keeps_size_and_depth(
    folders: Path,
) -> None:
    """A short training on photographs gains 4 dB on two others with the noise it was trained for."""
    size = ["--width", "8", "--steps", "120", "--batch", "4"]
    main(["run", "--methods", "supervised", "--noises", "gaussian:25", *size])
    (key,) = (path.parent.name for path in (folders / "runs").glob("*/run.json"))
    rng = np.random.default_rng(0)
    clean = {"camera": data.camera()[:301, :203] / 255, "chelsea": rgb2gray(data.chelsea())[:200, :257]}
    for name, image in clean.items():
        # A 16-bit file that holds noise beyond black and white needs some room at both ends.
        noisy = image * 0.5 + 0.25 + rng.normal(0, 25 / 255, image.shape)
        skimage.io.imsave(f"{name}.png", np.rint(noisy.clip(0, 1) * 65535).astype(np.uint16))
    main(["denoise", key[:8], "camera.png", "chelsea.png", "--out", "denoised"])
    for name, image in clean.items():
        before = skimage.io.imread(folders / f"{name}.png")
        after = skimage.io.imread(folders / "denoised" / f"{name}_denoised.png")
        assert after.dtype == np.uint16
        assert after.shape == image.shape
        gain = [
            peak_signal_noise_ratio(image * 0.5 + 0.25, pixels / 65535, data_range=1)
            for pixels in (before, after)
        ]
        assert gain[1] > gain[0] + 4


def test_an_image_with_another_noise_is_denoised_with_a_warning(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    camera = data.camera() / 255
    for noise in (Gaussian(25), Gamma(20)):
        noisy = noise.sample(camera, generator("test"))
        Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(folders / f"{noise.name}.png")
    (run,) = (path.parent for path in (folders / "runs").glob("*/run.json"))
    capsys.readouterr()
    main(["denoise", str(run), "gaussian.png", "gamma.png", "--out", "denoised"])
    warned = capsys.readouterr().err
    assert "gamma.png: its noise grows as intensity^" in warned
    assert "like gamma noise (^1), unlike the gaussian noise (^0)" in warned
    assert "gaussian.png" not in warned
    assert sorted(path.name for path in (folders / "denoised").iterdir()) == [
        "gamma_denoised.png",
        "gaussian_denoised.png",
    ]


def test_denoise_refuses_colour_where_grey_was_trained_and_two_files_of_one_name(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tiny("--methods", "supervised")
    (run,) = (str(path.parent) for path in (folders / "runs").glob("*/run.json"))
    Image.new("RGB", (40, 30), (10, 20, 30)).save("colour.png")
    said = refuse(capsys, ["denoise", run, "colour.png", "--out", "out"])
    assert "colour.png has 3 channels, but the run was trained on 1" in said
    shutil.copy("test/0.png", "grey.png")
    assert "would all be written to" in refuse(
        capsys, ["denoise", run, "grey.png", "test/../grey.png", "--out", "out"]
    )
    assert not (folders / "out").exists()
