"""``noisebench denoise``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skimage.io
import tifffile
import torch
from PIL import Image
from skimage import data
from skimage.color import rgb2gray
from skimage.metrics import peak_signal_noise_ratio

from bench.cli.main import main
from bench.images.image_file import open_image_file
from bench.noise import Gamma, Gaussian
from bench.scoring.denoiser import Denoiser
from bench.seeds import generator
from bench.training.unet import UNet
from methods.supervised import Supervised
from tests.support.command_line import refuse, run_tiny

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.formats.stored_images import StoredImages


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
    assert not list(folders.glob("out/*"))


@pytest.fixture
def identity(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that makes every run the identity on images of some channels."""
    run_tiny("--methods", "supervised")

    def use(channels: int) -> None:
        net = UNet(channels, width=4, seed=0)  # starts as the identity
        denoiser = Denoiser(net, Supervised(), Gaussian(25), torch.device("cpu"))
        monkeypatch.setattr("bench.cli.commands.images.denoise.load_run", lambda *_, **__: denoiser)

    return use


def denoise(folders: Path, *arguments: str) -> None:
    (run,) = (path.parent for path in (folders / "runs").glob("*/run.json"))
    main(["denoise", str(run), *arguments])


def test_a_stack_is_reproduced_by_the_identity_and_its_levels_are_printed(
    folders: Path, identity: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    identity(1)
    stack = np.random.default_rng(0).poisson(300, (3, 40, 40)).astype(np.uint16)
    tifffile.imwrite("cells.tif", stack, imagej=True, metadata={"axes": "TYX", "min": 100.0, "max": 500.0})
    denoise(folders, "cells.tif", "--out", "out")
    printed = capsys.readouterr().out
    assert (
        "cells.tif: black 100, white 500 (from its metadata, ImageJ: min and max of the display)" in printed
    )
    with tifffile.TiffFile("out/cells_denoised.tif") as copy:
        assert copy.series[0].axes == "TYX"
        np.testing.assert_array_equal(copy.asarray(), stack)
    denoise(folders, "cells.tif", "--out", "out", "--black", "90", "--white", "700")
    assert "cells.tif: black 90, white 700 (given)" in capsys.readouterr().out


def test_what_is_converted_or_clamped_is_printed(
    folders: Path,
    identity: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity(3)
    colour = np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8)
    colour[..., 3] = 255
    Image.fromarray(colour).save("alpha.png")
    monkeypatch.setattr(Denoiser, "__call__", lambda _, noisy: noisy + 1 / 255)
    denoise(folders, "alpha.png", "--out", "out")
    printed = capsys.readouterr().out
    assert "alpha.png: fully opaque alpha channel dropped" in printed
    white = int((colour[..., :3] == 255).sum())
    assert f"-> out/alpha_denoised.png ({white} values clamped to what its type holds)" in printed


def test_grey_saved_as_colour_is_denoised_as_grey_and_written_as_colour(
    folders: Path, identity: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    identity(1)
    grey = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    Image.fromarray(np.dstack([grey] * 3)).save("grey.png")
    denoise(folders, "grey.png", "--out", "out")
    assert "grey.png: grey saved as colour, denoised as grey" in capsys.readouterr().out
    np.testing.assert_array_equal(np.asarray(Image.open("out/grey_denoised.png")), np.dstack([grey] * 3))


def test_no_input_is_replaced(
    folders: Path, identity: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    identity(1)
    for name in ("a.png", "a_denoised.png"):
        shutil.copy("test/0.png", name)
    before = Path("a_denoised.png").read_bytes()
    (run,) = (str(path.parent) for path in (folders / "runs").glob("*/run.json"))
    twin = str(Path("a_denoised.png").resolve())  # another name of the file that would be written
    said = refuse(capsys, ["denoise", run, "a.png", twin, "--out", "."])
    assert "a_denoised.png would be replaced by a denoised image; choose another --out" in said
    assert Path("a_denoised.png").read_bytes() == before
    assert not Path("a_denoised_denoised.png").exists()


def test_a_dim_camera_frame_keeps_its_mean(folders: Path) -> None:
    """A frame with offset 100 that uses a small part of its 16 bits is no black image."""
    run_tiny("--methods", "supervised", "--steps", "40")
    rng = np.random.default_rng(0)
    frame = 100 + 40 * data.camera()[::2, ::2] / 255 + rng.normal(0, 3, (256, 256))
    tifffile.imwrite("frame.tif", np.rint(frame).astype(np.uint16))
    denoise(folders, "frame.tif", "--out", "out")
    after = tifffile.imread("out/frame_denoised.tif")
    assert after.dtype == np.uint16
    assert after.mean() == pytest.approx(frame.mean(), rel=0.02)


def noisy_file(path: str, sigma: float, *, seed: int = 0) -> None:
    noisy = Gaussian(sigma).sample(0.6 * data.camera()[::2, ::2] / 255 + 0.2, generator("test", seed))
    Image.fromarray(np.rint(255 * noisy.clip(0, 1)).astype(np.uint8)).save(path)


def test_a_folder_is_denoised_file_by_file_and_what_fails_is_named(
    folders: Path,
    identity: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each file is written before the next one is read."""
    identity(1)
    Path("mine").mkdir()
    for seed, name in enumerate(("a.png", "c.png")):
        noisy_file(f"mine/{name}", 25, seed=seed)
    Path("mine/b.png").write_bytes(b"no image")
    Path("mine/notes.txt").write_text("no image either", encoding="utf-8")
    written_at_opening = []

    def opening(path: Path) -> StoredImages:
        written_at_opening.append(sorted(path.name for path in Path("out").glob("*")))
        return open_image_file(path)

    monkeypatch.setattr("bench.cli.commands.images.denoise.open_image_file", opening)
    with pytest.raises(SystemExit) as leaving:
        denoise(folders, "mine", "--out", "out")
    assert leaving.value.code == 1
    assert written_at_opening == [[], ["a_denoised.png"], ["a_denoised.png"]]
    assert sorted(path.name for path in Path("out").iterdir()) == ["a_denoised.png", "c_denoised.png"]
    said = capsys.readouterr().err
    assert "mine/b.png: not an image" in said.replace("\\", "/")
    assert "1 of 3 files failed: mine/b.png" in said.replace("\\", "/")


def test_strict_turns_warnings_into_an_exit_code_after_all_is_written(
    folders: Path, identity: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    identity(1)
    noisy_file("right.png", 25)
    noisy_file("strong.png", 40)
    denoise(folders, "right.png", "--out", "out", "--strict")
    denoise(folders, "strong.png", "--out", "out")
    assert "strong.png: its noise looks like gaussian:4" in capsys.readouterr().err
    Path("out/strong_denoised.png").unlink()
    with pytest.raises(SystemExit) as leaving:
        denoise(folders, "strong.png", "right.png", "--out", "out", "--strict")
    assert leaving.value.code == 2
    assert "1 of 2 files with warnings: strong.png" in capsys.readouterr().err
    assert Path("out/strong_denoised.png").exists()


def test_many_clamped_values_are_warned_of(
    folders: Path,
    identity: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity(1)
    noisy_file("a.png", 25)
    monkeypatch.setattr(Denoiser, "__call__", lambda _, noisy: noisy + 0.5)
    denoise(folders, "a.png", "--out", "out")
    share = (np.asarray(Image.open("a.png")) > 127).mean()
    assert f"a.png: {share:.0%} of the denoised values were clamped" in capsys.readouterr().err
