"""The commands on a person's own pictures: ``noisebench denoise``, ``estimate`` and ``fingerprint``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from bench.cli.console import open_console, print_grid, say
from bench.cli.options import DEFAULT_STORE, Device, Runs
from bench.errors import InputError


def denoise(
    run: tyro.conf.Positional[str],
    images: tyro.conf.Positional[tuple[Path, ...]],
    *,
    out: Path,
    device: Device = "auto",
    runs: Runs = DEFAULT_STORE,
) -> None:
    """Denoise your own noisy images by a trained run; any size, bit depth kept.

    Warns of an image whose noise is visibly not the one that the run was trained for.

    Args:
        run: its key, the start of its key, or its folder
        images: image files, grey or colour as the run was trained
        out: folder for the denoised images
        device: where to compute
        runs: the folder of runs
    """
    import torch

    from bench.images.image_file import output_name, read_image, write_image
    from bench.noise.mismatch import doubts
    from bench.runs.load import load_run
    from bench.store.store import Store
    from bench.system.devices import open_device
    from bench.system.files import open_folder

    if not images:
        raise InputError("denoise needs at least one image file")
    denoiser = load_run(Store(runs).find(run), device=open_device(device))
    read = {path: read_image(path) for path in images}
    targets = {path: out / output_name(path, depth) for path, (_, depth) in read.items()}
    for target in targets.values():
        twins = [str(other) for other in targets if targets[other] == target]
        if len(twins) > 1:
            raise InputError(f"{', '.join(twins)} would all be written to {target}; denoise them apart")
    channels = denoiser.net.channels
    for path, (image, _) in read.items():
        if image.shape[-1] != channels:
            raise InputError(f"{path} has {image.shape[-1]} channels, but the run was trained on {channels}")
    open_folder(out)
    for path, (image, depth) in read.items():
        for doubt in doubts(denoiser.noise, image):
            say(open_console(stderr=True), (f"{path}: {doubt}", "yellow"))
        noisy = torch.from_numpy(image).movedim(-1, 0)[None]
        write_image(targets[path], denoiser(noisy)[0].movedim(0, -1).cpu().numpy(), depth)
        say(open_console(), f"{path} -> {targets[path]}")


def estimate(images: tyro.conf.Positional[tuple[Path, ...]]) -> None:
    """Estimate the law and the strength of the noise in your own images, each by itself.

    Args:
        images: image files, at least 16x16 pixels; the law takes 64x64 and some contrast
    """
    from bench.analysis.columns import SYMBOLS
    from bench.images.image_file import read_image
    from bench.noise import NOISES
    from bench.noise.identify import growth_of
    from bench.noise.level import estimate_noise

    if not images:
        raise InputError("estimate needs at least one image file")
    rows = []
    for path in images:
        image, _ = read_image(path)
        growth = growth_of(image)
        grows = "cannot be told" if growth is None else f"^{growth.exponent:.2f} ± {2 * growth.error:.2f}"
        try:
            levels = [f"{estimate_noise(model, image).parameter:.3g}" for model in NOISES.values()]
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        rows.append([str(path), grows, "–" if growth is None else growth.model.name, *levels])
    columns = ["image", "noise grows as intensity", "like", *(f"{name} {SYMBOLS[name]}" for name in NOISES)]
    print_grid(open_console(), "noise", columns, rows)


def fingerprint(folder: tyro.conf.Positional[Path], *, channels: Literal[1, 3] = 1, out: Path) -> None:
    """Write the fingerprints of a folder's images, by which a set can be told from any other.

    Args:
        folder: of images
        channels: 1 for grey, 3 for colour
        out: the CSV file: name and sha256 over the decoded pixels
    """
    from bench.images.sources import open_set, write_manifest

    images = open_set(str(folder.resolve()), channels=channels)
    write_manifest(images, out)
    say(open_console(), f"{len(images.images)} images, set fingerprint {images.fingerprint}")
