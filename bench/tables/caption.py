"""The heading of a table, and the notes below it on its protocol."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from bench.analysis.columns import SYMBOLS, noise_label
from bench.analysis.sign_flips import ALPHA, smallest_p
from bench.protocol import CLIP_RATIO, LARGEST_PSNR, NOISE_FORMULAS
from bench.settings import unrecorded_settings

if TYPE_CHECKING:
    from bench.analysis.columns import Setup
    from bench.analysis.tabulate import Table

CHANNELS = {1: "grey", 3: "RGB"}
OPTIMISERS = {
    "adam": "Adam",
    "muon": "Muon, and Adam for biases and the first and last layer",
}
BOLD_NOTE = (
    "Bold: the best method of those that were trained, on neither clean images nor a second noisy copy, and "
    "those of them that are not shown to be worse (p ≥ .05, Bonferroni-corrected for all of them on the test "
    "set); each metric by itself."
)
TRAINING_NOISE = {
    "frozen": "frozen: one noisy copy of each training image, two where noisy2 is seen",
    "resampled": "resampled: a new noisy copy at every step",
}


def title(setup: Setup) -> str:
    """Return the title of a table: the setup of its runs in one line."""
    channels = CHANNELS.get(setup.channels, f"{setup.channels} channels")
    return (
        f"{setup.training_images}, {channels}, U-Net width {setup.width}, {setup.steps:,} steps of "
        f"{setup.batch} patches of {setup.patch}x{setup.patch}, {setup.optimiser}, "
        f"learning rate {setup.learning_rate:g}, {_unusual_clipping(setup)}{setup.training_noise} noise, "
        f"{setup.device}, "
        f"protocol {setup.protocol}"
    )


def _unusual_clipping(setup: Setup) -> str:
    if setup.clip_ratio == CLIP_RATIO or unrecorded_settings(setup.protocol):
        return ""
    return f"gradients clipped at {setup.clip_ratio:g}, "


def footer(table: Table) -> list[str]:
    """Describe how the numbers of a table were computed, one note per line; then list the failures."""
    return [_reading(table), *protocol_notes(table), *_failures(table)]


def protocol_notes(table: Table) -> list[str]:
    """Describe the protocol of a table's runs, one note per line."""
    notes = [_sample(table), _noise(table), _scoring(table), _training(table)]
    return notes + _untrained(table) + _blind(table) + _estimates(table)


def _reading(table: Table) -> str:
    return (
        f"Cells: {' / '.join(table.metrics).upper()}, the mean per image over seeds, then over images. "
        f"{bold_note(table)} "
        f"–: never run{_unknown_lpips(table)}."
    )


def bold_note(table: Table) -> str:
    """Describe the rule of bold numbers, and name the test sets that are too small for it."""
    small = sorted({row.images for row in table.rows if row.n_images and smallest_p(row.n_images) >= ALPHA})
    too_small = f" No difference can be shown on so few images: {', '.join(small)}." if small else ""
    return f"{BOLD_NOTE}{too_small}"


def _unknown_lpips(table: Table) -> str:
    done = [cell for cell in table.cells.values() if cell.status == "done"]
    if "lpips" not in table.metrics or not any(math.isnan(cell.lpips) for cell in done):
        return ""
    return "; for LPIPS: not computed on every image of the set, for the reason in the records of the runs"


def _sample(table: Table) -> str:
    counts: dict[str, set[int]] = defaultdict(set)
    for row in table.rows:
        counts[row.images] |= {row.n_images} - {0}
    images = ", ".join(f"{_range(n)} of {name}" for name, n in sorted(counts.items()) if n) or "none"
    return f"Images: {images}. Seeds: {', '.join(map(str, table.seeds))}."


def _range(counts: set[int]) -> str:
    """Format a number that may depend on the noise."""
    return " to ".join(map(str, sorted({min(counts), max(counts)})))


def _noise(table: Table) -> str:
    noises = dict.fromkeys(row.noise for row in table.rows if row.noise in NOISE_FORMULAS)
    formulas = "".join(f" {noise}: {NOISE_FORMULAS[noise]}." for noise in noises)
    return (
        "Pixels: float32 in [0, 1]. Noisy images are never clipped or rounded, and every method denoises the "
        f"same ones. An image that the noise leaves unchanged is not scored.{formulas}"
    )


def _scoring(table: Table) -> str:
    lpips = "0.1, AlexNet, lower is better" if "lpips" in table.metrics else "not computed"
    return (
        "Outputs are clamped to [0, 1] once, before the metrics, and never rounded. PSNR: peak 1, per image, "
        f"in float64, at most {LARGEST_PSNR:g} dB. SSIM: 11x11 Gaussian window, sigma 1.5, K1 0.01, K2 0.03, "
        "mean over channels and over the windows inside the image. "
        f"LPIPS: {lpips}."
    )


def _training(table: Table) -> str:
    setup = table.setup
    noise = TRAINING_NOISE.get(setup.training_noise, setup.training_noise)
    return (
        f"Training: {setup.steps:,} steps of {setup.batch} patches of {setup.patch}x{setup.patch} "
        f"pixels from {setup.training_images} ({setup.steps * setup.batch:,} patches in all), the "
        f"same for every method{_scaled(table)}; {OPTIMISERS[setup.optimiser]}; learning rate up to "
        f"{setup.learning_rate:g}; {_gradients(setup)}the last weights count. Training noise {noise}."
    )


def _scaled(table: Table) -> str:
    """Name the methods that have fewer and larger patches."""
    setup = table.setup
    scales = {cell.method: int(cell.patch_scale) for cell in table.cells.values() if cell.patch_scale > 1}
    parts = [
        f"; {method}, which trains on sub-images of its patches, has {max(1, setup.batch // scale)} of "
        f"{scale * setup.patch}x{scale * setup.patch} per step, at about the same cost"
        for method, scale in scales.items()
    ]
    return "".join(parts)


def _gradients(setup: Setup) -> str:
    # Earlier protocols did not clip gradients, and their runs can still be tabulated.
    if math.isinf(setup.clip_ratio):
        return ""
    return f"gradients are clipped to {setup.clip_ratio:g} times the running mean of their norm; "


def _untrained(table: Table) -> list[str]:
    if not any("untrained" in cell.sees for cell in table.cells.values()):
        return []
    return ["Untrained: a reference that learns nothing and costs no training; never bold."]


def _blind(table: Table) -> list[str]:
    if not any(method.endswith("(blind)") for method in table.methods):
        return []
    # The noise models import torch, which takes seconds to load.
    from bench.noise import NOISES

    present = {row.noise for row in table.rows}
    ranges = [
        f"{noise_label(name, min(model.blind_range))} to {max(model.blind_range):g}"
        for name, model in NOISES.items()
        if name in present
    ]
    text = (
        "Blind: the noise's parameter is withheld, and each training image has one of its own, log-uniform "
        f"({', '.join(ranges)}); one training run serves all parameters of a noise model. A method "
        "that sees the noise model is given an estimate from the noisy image alone."
    )
    return [text]


def _estimates(table: Table) -> list[str]:
    return [
        f"estimated: {cell.method} on {row.label}, {row.images}: {SYMBOLS[row.noise]} {cell.estimate:.3g} "
        f"in the mean, {cell.estimate_error:.1%} off in the mean of the images."
        for row in table.rows
        for cell in row.cells
        if not math.isnan(cell.estimate)
    ]


def _failures(table: Table) -> list[str]:
    return [
        f"failed: {cell.method} on {row.label}, {row.images}: {' '.join(cell.error.split())}"
        for row in table.rows
        for cell in row.cells
        if cell.status == "failed"
    ]
