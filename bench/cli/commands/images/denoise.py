"""The command ``noisebench denoise``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from bench.cli.console import open_console, print_line
from bench.errors import InputError
from bench.images.image_file import output_name, read_image, write_image
from bench.noise.mismatch import mismatches
from bench.runs.load import load_run
from bench.store.store import Store
from bench.system.devices import open_device
from bench.system.files import open_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np

    from bench.cli.options.images import DenoiseOptions


def denoise(options: DenoiseOptions) -> None:
    """Denoise images and write them, after all of them have been read and checked."""
    if not options.images:
        raise InputError("denoise needs at least one image file")
    denoiser = load_run(Store(options.runs).find(options.run), device=open_device(options.device))
    images = {path: read_image(path) for path in options.images}
    targets = {path: options.out / output_name(path, depth) for path, (_, depth) in images.items()}
    _check_targets(targets)
    for path, (image, _) in images.items():
        _check_channels(path, image, denoiser.net.channels)
    open_folder(options.out)
    for path, (image, depth) in images.items():
        _warn(path, mismatches(denoiser.noise, image))
        noisy = torch.from_numpy(image).movedim(-1, 0)[None]
        write_image(targets[path], denoiser(noisy)[0].movedim(0, -1).cpu().numpy(), depth)
        print_line(open_console(), f"{path} -> {targets[path]}")


def _check_targets(targets: dict[Path, Path]) -> None:
    for target in targets.values():
        twins = [str(path) for path in targets if targets[path] == target]
        if len(twins) > 1:
            raise InputError(f"{', '.join(twins)} would all be written to {target}; denoise them separately")


def _check_channels(path: Path, image: np.ndarray, channels: int) -> None:
    if image.shape[-1] != channels:
        raise InputError(f"{path} has {image.shape[-1]} channels, but the run was trained on {channels}")


def _warn(path: Path, warnings: Iterable[str]) -> None:
    for warning in warnings:
        print_line(open_console(stderr=True), (f"{path}: {warning}", "yellow"))
