"""The command ``noisebench estimate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.columns import SYMBOLS
from bench.cli.console import open_console, print_grid, print_line
from bench.errors import InputError
from bench.images.image_file import open_image_file
from bench.images.intensity_scale import choose_scale
from bench.noise import NOISES
from bench.noise.identify import measure_growth
from bench.noise.level import estimate_noise

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cli.options.images import EstimateOptions

COLUMNS = [
    *("image", "noise grows as intensity", "like"),
    *(f"{name} {SYMBOLS[name]}" for name in NOISES),
]


def estimate(options: EstimateOptions) -> None:
    """Print the estimated noise of each image."""
    if not options.images:
        raise InputError("estimate needs at least one image file")
    print_grid(open_console(), "noise", COLUMNS, [_row(path, options) for path in options.images])


def _row(path: Path, options: EstimateOptions) -> list[str]:
    images = open_image_file(path)
    scale = choose_scale(images, black=options.black, white=options.white)
    print_line(open_console(), f"{path}: {scale}")
    image = scale.to_unit(next(iter(images)))
    growth = measure_growth(image)
    try:
        levels = [f"{estimate_noise(model, image).parameter:.3g}" for model in NOISES.values()]
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if growth is None:
        return [str(path), "unknown", "–", *levels]
    return [str(path), f"^{growth.exponent:.2f} ± {2 * growth.error:.2f}", growth.model.name, *levels]
