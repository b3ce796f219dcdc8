"""The command ``noisebench estimate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.analysis.columns import SYMBOLS
from bench.cli.console import open_console, print_grid, print_line
from bench.cli.each_file import EachFile, image_paths
from bench.errors import InputError
from bench.images.image_file import open_image_file
from bench.images.intensity_scale import choose_scale
from bench.noise import NOISES
from bench.noise.measured import measure_noise

if TYPE_CHECKING:
    from pathlib import Path

    from bench.cli.options.images import EstimateOptions
    from bench.noise.measured import MeasuredNoise

COLUMNS = [
    *("image", "noise grows as intensity", "like"),
    *(f"{name} {SYMBOLS[name]}" for name in NOISES),
]


def estimate(options: EstimateOptions) -> None:
    """Print the estimated noise of each image, and what it does not show."""
    if not options.images:
        raise InputError("estimate needs at least one image file")
    loop = EachFile(strict=options.strict)
    rows: list[list[str]] = []

    def measure(path: Path) -> None:
        images = open_image_file(path)
        scale = choose_scale(images, black=options.black, white=options.white)
        print_line(open_console(), f"{path}: {scale}")
        measured = measure_noise(scale.to_unit(next(iter(images))))
        for remark in measured.remarks():
            loop.warn(path, remark)
        rows.append([str(path), *_growth(measured), *_levels(path, measured, loop)])

    loop.run(image_paths(options.images), measure)
    if rows:
        print_grid(open_console(), "noise", COLUMNS, rows)
    loop.leave()


def _growth(measured: MeasuredNoise) -> tuple[str, str]:
    growth = measured.growth
    if isinstance(growth, str):
        return "unknown", "–"
    like = (
        "none" if growth.contradicts(growth.model) or measured.correlation.neighbours else growth.model.name
    )
    return f"^{growth.exponent:.2f} ± {2 * growth.error:.2f}", like


def _levels(path: Path, measured: MeasuredNoise, loop: EachFile) -> list[str]:
    """Format the parameter of each noise model; warn if there is none for any of them."""
    levels, reasons = [], []
    for model in NOISES.values():
        try:
            levels.append(f"{measured.level(model).parameter:.3g}")
        except InputError as error:
            levels.append("–")
            reasons.append(str(error))
    if len(reasons) == len(levels):
        loop.warn(path, reasons[0])
    return levels
