"""The command ``noisebench denoise``."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.cli.console import open_console, print_line
from bench.cli.each_file import EachFile, image_paths
from bench.errors import InputError
from bench.images.image_file import open_image_file, output_name, write_copy
from bench.images.intensity_scale import choose_scale
from bench.noise.mismatch import mismatches
from bench.runs.load import load_run
from bench.scoring.one_image import denoise_image
from bench.store.store import Store
from bench.system.devices import open_device
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bench.cli.options.images import DenoiseOptions
    from bench.images.formats.stored_images import StoredImages
    from bench.images.intensity_scale import IntensityScale
    from bench.scoring.denoiser import Denoiser

MANY_CLAMPED = 0.01


def denoise(options: DenoiseOptions) -> None:
    """Denoise image files one after another, and write each as it came."""
    if not options.images:
        raise InputError("denoise needs at least one image file")
    paths = image_paths(options.images)
    denoiser = load_run(Store(options.runs).find(options.run), device=open_device(options.device))
    targets = _targets(paths, options.out)
    loop = EachFile(strict=options.strict)

    def denoise_file(path: Path) -> None:
        images = open_image_file(path)
        _check_channels(images, denoiser.net.channels)
        scale = choose_scale(images, black=options.black, white=options.white)
        for note in (*images.notes, scale):
            print_line(open_console(), f"{path}: {note}")
        open_folder(options.out)
        warn = partial(loop.warn, path)
        clamped = write_denoised(images, scale, denoiser, targets[path], warn=warn)
        lost = f" ({clamped} values clamped to what its type holds)" if clamped else ""
        print_line(open_console(), f"{path} -> {targets[path]}{lost}")
        values = len(images) * math.prod(images.shape)
        if clamped > MANY_CLAMPED * values:
            warn(f"{clamped / values:.0%} of the denoised values were clamped: try another --black, --white")

    loop.run(paths, denoise_file)
    loop.leave()


def write_denoised(
    images: StoredImages,
    scale: IntensityScale,
    denoiser: Denoiser,
    target: Path,
    *,
    warn: Callable[[str], None],
) -> int:
    """Denoise the images of a file one at a time, write them, and count the clamped values."""
    clamped: list[int] = []

    def denoised() -> Iterator[np.ndarray]:
        for index, image in enumerate(images):
            trained = _as_trained(image, denoiser.net.channels, images.label(index))
            intensities = scale.to_unit(trained)
            if index == 0:
                for warning in mismatches(denoiser.noise, intensities):
                    warn(warning)
                if trained.shape != image.shape:
                    print_line(open_console(), f"{images.where}: grey saved as colour, denoised as grey")
            result = denoise_image(denoiser, intensities)
            del intensities  # as large as the result
            values, beyond = scale.from_unit(result, images.dtype, largest=images.largest)
            clamped.append(beyond)
            yield np.broadcast_to(values, image.shape)

    write_copy(images, target, denoised())
    return sum(clamped)


def _targets(paths: Sequence[Path], out: Path) -> dict[Path, Path]:
    """Return where each file is written; a file that cannot be read has no place, and fails later."""
    targets: dict[Path, Path] = {}
    for path in paths:
        with suppress(InputError):
            targets[path] = out / output_name(path)
    inputs = {_identity(path): path for path in targets}
    for target, count in Counter(targets.values()).items():
        if count > 1:
            twins = ", ".join(str(path) for path in targets if targets[path] == target)
            raise InputError(f"{twins} would all be written to {target}; denoise them separately")
        if target.exists() and _identity(target) in inputs:
            replaced = inputs[_identity(target)]
            raise InputError(f"{replaced} would be replaced by a denoised image; choose another --out")
    return targets


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _check_channels(images: StoredImages, channels: int) -> None:
    if images.shape[2] < channels:
        raise InputError(f"{images.where} has 1 channel, but the run was trained on {channels}")


def _as_trained(image: np.ndarray, channels: int, where: str) -> np.ndarray:
    """Return one channel of a grey image that was saved as colour, if the run was trained on grey."""
    if image.shape[2] == channels:
        return image
    if not (image == image[..., :1]).all():
        raise InputError(f"{where} has {image.shape[2]} channels, but the run was trained on {channels}")
    return image[..., :1]
