"""The command ``noisebench denoise``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.cli.console import open_console, print_line
from bench.errors import InputError
from bench.images.image_file import open_image_file, output_name, write_copy
from bench.images.intensity_scale import choose_scale
from bench.noise.mismatch import mismatches
from bench.runs.load import load_run
from bench.store.store import Store
from bench.system.devices import open_device
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bench.cli.options.images import DenoiseOptions
    from bench.images.formats.stored_images import StoredImages
    from bench.images.intensity_scale import IntensityScale
    from bench.scoring.denoiser import Denoiser


def denoise(options: DenoiseOptions) -> None:
    """Denoise image files one after another, and write each as it came."""
    if not options.images:
        raise InputError("denoise needs at least one image file")
    denoiser = load_run(Store(options.runs).find(options.run), device=open_device(options.device))
    targets = {path: options.out / output_name(path) for path in options.images}
    _check_targets(targets)
    for path, target in targets.items():
        images = open_image_file(path)
        _check_channels(images, denoiser.net.channels)
        scale = choose_scale(images, black=options.black, white=options.white)
        for note in (*images.notes, scale):
            print_line(open_console(), f"{path}: {note}")
        open_folder(options.out)
        clamped = write_denoised(images, scale, denoiser, target)
        lost = f" ({clamped} values clamped to what its type holds)" if clamped else ""
        print_line(open_console(), f"{path} -> {target}{lost}")


def write_denoised(images: StoredImages, scale: IntensityScale, denoiser: Denoiser, target: Path) -> int:
    """Denoise the images of a file one at a time, write them, and count the clamped values."""
    clamped: list[int] = []

    def denoised() -> Iterator[np.ndarray]:
        for index, image in enumerate(images):
            trained = _as_trained(image, denoiser.net.channels, images.label(index))
            intensities = scale.to_unit(trained)
            if index == 0:
                _warn(images.where, mismatches(denoiser.noise, intensities))
                if trained.shape != image.shape:
                    print_line(open_console(), f"{images.where}: grey saved as colour, denoised as grey")
            result = denoise_image(denoiser, intensities)
            values, beyond = scale.from_unit(result, images.dtype, largest=images.largest)
            clamped.append(beyond)
            yield np.broadcast_to(values, image.shape)

    write_copy(images, target, denoised())
    return sum(clamped)


def denoise_image(denoiser: Denoiser, intensities: np.ndarray) -> np.ndarray:
    """Denoise one image, (H, W, C) intensities."""
    noisy = torch.from_numpy(intensities).movedim(-1, 0)[None]
    return denoiser(noisy)[0].movedim(0, -1).cpu().numpy()


def _check_targets(targets: dict[Path, Path]) -> None:
    for target in targets.values():
        twins = [str(path) for path in targets if targets[path] == target]
        if len(twins) > 1:
            raise InputError(f"{', '.join(twins)} would all be written to {target}; denoise them separately")
        replaced = [str(path) for path in targets if target.exists() and target.samefile(path)]
        if replaced:
            raise InputError(f"{replaced[0]} would be replaced by a denoised image; choose another --out")


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


def _warn(path: Path | str, warnings: Iterable[str]) -> None:
    for warning in warnings:
        print_line(open_console(stderr=True), (f"{path}: {warning}", "yellow"))
