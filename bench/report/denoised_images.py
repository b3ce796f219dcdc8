"""Test images for the report: clean, noisy, and denoised by each method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import noise_label
from bench.analysis.comparability import SAME_SCORE
from bench.analysis.grouping import by_condition
from bench.errors import InputError
from bench.images.image_file import open_image_file
from bench.images.image_set import require_set_name
from bench.images.intensity_scale import full_scale
from bench.images.safe_decode import require_inside
from bench.noise import NOISES, Noise
from bench.scoring.noisy_sets import NoisyImage, corrupt
from bench.store.layout import image_folder
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from bench.analysis.columns import Condition
    from bench.images.image_set import ImageSet


@dataclass(frozen=True)
class Denoised:
    """An image denoised by a method, (H, W, C) float32 in [0, 1], with its PSNR (dB) and SSIM."""

    pixels: np.ndarray
    psnr: float
    ssim: float


@dataclass(frozen=True)
class ShownImage:
    """A test image under one noise, with denoised versions by method."""

    noise: Noise
    images: str
    image: NoisyImage
    denoised: dict[str, Denoised]

    @property
    def label(self) -> str:
        """The noise with its parameter."""
        return noise_label(self.noise.name, self.noise.parameter)

    @property
    def clean(self) -> np.ndarray:
        """The clean image, (H, W, C) float32 in [0, 1]."""
        return self.image.clean[0].movedim(0, -1).numpy()

    @property
    def noisy(self) -> np.ndarray:
        """The noisy image that the methods saw, (H, W, C) float32, not clipped."""
        return self.image.noisy[0].movedim(0, -1).numpy()


def shown_images(
    scores: pd.DataFrame, folder: Path, open_images: Callable[[str], ImageSet], *, count: int
) -> list[ShownImage]:
    """Collect the denoised images of runs with the clean images, and draw the noisy images again.

    Args:
        scores: one line per run and test image; all runs must be comparable.
        folder: folder of the runs; a run without images of a noise is left out there.
        open_images: opens a test set by its name.
        count: maximum number of images per noise and test set.

    Returns:
        The images, ordered by noise and test set as in tables; each with the methods in the order of
        ``scores``, for the lowest seed.

    Raises:
        InputError: a test set cannot be opened, or is not the one that was scored; or the path of a run's
            image leads out of its folder.
    """
    found: list[ShownImage] = []
    for row, lines in by_condition(scores).items():
        found += _of_row(row, lines[lines["seed"] == lines["seed"].min()], folder, open_images, count)
    return found


def _of_row(
    condition: Condition,
    lines: pd.DataFrame,
    folder: Path,
    open_images: Callable[[str], ImageSet],
    count: int,
) -> Iterator[ShownImage]:
    noise, name = NOISES[condition.noise](condition.parameter), condition.images
    seed = int(lines["seed"].iloc[0])
    kept = {key: _kept_images(folder, key, noise, name) for key in lines["key"].unique()}
    shown = sorted(set().union(*kept.values()))[:count]
    if not shown:
        return
    whole = open_images(name)
    chosen = tuple(image for image in whole if image.name.rpartition(".")[0] in shown)
    if not chosen:
        raise InputError(f"image set {name!r} has no image of those that were denoised: {', '.join(shown)}")
    for image in corrupt(replace(whole, images=chosen), noise, seed=seed).images:
        of_image = lines[lines["image"] == image.name]
        _check_same(image, of_image, name)
        stem = image.name.rpartition(".")[0]
        denoised = {
            str(line.method): Denoised(_read(kept[line.key][stem]), line.psnr, line.ssim)
            for line in _tuples(of_image)
            if stem in kept[line.key]
        }
        yield ShownImage(noise, name, image, denoised)


def _kept_images(folder: Path, key: str, noise: Noise, images: str) -> dict[str, Path]:
    """Find the images of a run; scores from others may contain a key or a set name that leads elsewhere."""
    require_name(key, of="run")
    require_set_name(images)
    kept = {path.stem: path for path in image_folder(folder / key, noise.spec, images).glob("*.png")}
    for path in kept.values():
        require_inside(path, folder / key)
    return kept


def _read(path: Path) -> np.ndarray:
    """Read an image that was kept with its run, (H, W, C) float32 in [0, 1]."""
    images = open_image_file(path)
    return full_scale(images.dtype).to_unit(next(iter(images)))


def _check_same(image: NoisyImage, lines: pd.DataFrame, images: str) -> None:
    """Refuse an image if its noisy copy is not the one that was scored."""
    drawn = image.scores["noisy_psnr"]
    if lines.empty or (lines["noisy_psnr"] - drawn).abs().max() > SAME_SCORE:
        raise InputError(
            f"image set {images!r}: {image.name} is not the image that was scored, for its noisy copy has "
            f"another PSNR ({drawn:.4f} dB)"
        )


def _tuples(lines: pd.DataFrame) -> Iterator[Any]:
    return lines.itertuples()
