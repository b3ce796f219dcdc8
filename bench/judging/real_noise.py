"""Try the estimates on real noise: ``python -m bench.judging.real_noise``.

The mean of many frames is known. The images, read from ``real`` in the folder NOISEBENCH_DATA, are those of
FMD (Zhang et al., CVPR 2019), W2S (Zhou et al., 2020) and CC (Nam et al., CVPR 2016).
"""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from bench.errors import InputError
from bench.judging.agreement import Agreement, agreement
from bench.judging.classical import classical_denoisers
from bench.judging.correlation_of_noise import correlation_of_copies, correlation_of_flat_parts
from bench.judging.splitting import split, splitting_error
from bench.judging.stein import correlated_probe, stein_error, white_probe
from bench.judging.two_copies import on_scale_of, two_copy_error
from bench.judging.variance import divergence_weight, variance_of
from bench.noise.variance_fit import fit_variance
from bench.seeds import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.judging import Denoiser
    from bench.noise import Noise

SIDE = 256
SHARE, DRAWS = 0.1, 1
SPACING = 6  # pixels, beyond which the noise of wide-field images and camera files is not correlated
CLIPPED = 1e-4  # share of white pixels from which on the file is taken to have clipped them
FMD_SCENES = {
    "laser scanning": (
        *("Confocal_BPAE_G", "Confocal_BPAE_R", "Confocal_FISH"),
        *("TwoPhoton_BPAE_B", "TwoPhoton_BPAE_G", "TwoPhoton_BPAE_R"),
    ),
    "wide field": ("WideField_BPAE_B", "WideField_BPAE_R"),
}
FIELDS = 8


class Scene(NamedTuple):
    """A real noisy image, with a clean one and perhaps a second copy, each (H, W, 1) intensities."""

    name: str
    noisy: np.ndarray
    reference: np.ndarray
    copy: np.ndarray | None = None


def real_scenes(folder: Path) -> dict[str, list[Scene]]:
    """Read crops of 256x256 pixels of the scenes of each set.

    Raises:
        InputError: the folder has no images.
    """
    if not (folder / "fmd").is_dir():
        raise InputError(f"{folder} has no folder fmd; set NOISEBENCH_DATA to the folder that holds real/fmd")
    fields = sorted(file.name.removesuffix("_avg1.png") for file in (folder / "w2s").glob("*_avg1.png"))
    shots = sorted(file.name.removesuffix("_real.png") for file in (folder / "ccnoise").glob("*_real.png"))
    return {
        **{f"FMD {kind}": list(_fmd(folder / "fmd", names)) for kind, names in FMD_SCENES.items()},
        "W2S": [
            Scene(name, *(_crop(folder / "w2s" / f"{name}_{end}.png") for end in ("avg1", "avg400")))
            for name in fields[:: max((len(fields) + FIELDS) // FIELDS, 1)][:FIELDS]
        ],
        "CC": [
            Scene(name, *(_crop(folder / "ccnoise" / f"{name}_{end}.png") for end in ("real", "mean")))
            for name in (shots[0], shots[-1])
        ],
    }


def estimates_of(scene: Scene, *, correlated: bool) -> dict[str, dict[str, float]]:
    """Estimate the mean squared error of each classical denoiser by each estimator that the scene allows.

    Returns:
        By estimator, then by denoiser; ``true`` is the error to the reference.
    """
    y = scene.noisy
    fit = fit_variance(
        y,
        white=1.0 if np.mean(y >= 1) > CLIPPED else math.inf,
        spacing=SPACING if correlated else 1,
    )
    denoisers = classical_denoisers(fit.noise, y)
    return estimate_errors(scene, denoisers, fit.noise, correlated=correlated)


def estimate_errors(
    scene: Scene, denoisers: Mapping[str, Denoiser], noise: Noise, *, correlated: bool
) -> dict[str, dict[str, float]]:
    """Estimate the errors of any denoisers; see ``estimates_of``."""
    y, v, rng = scene.noisy, variance_of(scene.noisy, noise), generator("judging", scene.name)
    weight = divergence_weight(y, noise)
    probe = white_probe(weight, rng)
    splits = [split(y, noise, SHARE, rng) for _ in range(DRAWS)]
    clean = least_squares(scene.reference, y)
    estimators: dict[str, Callable[[Denoiser], np.ndarray]] = {
        "true": lambda f: (f(y) - clean) ** 2,
        "stein": lambda f: stein_error(f, y, v, [probe]),
        "splitting": lambda f: splitting_error(f, splits),
    }
    if scene.copy is not None:
        copy = on_scale_of(y, scene.copy)
        estimators["two copies"] = lambda f: two_copy_error(f(y), y, copy)
        if correlated:
            twin_probe = correlated_probe(weight, correlation_of_copies(y, copy, v), rng)
            estimators["correlated stein, correlation of copies"] = lambda f: stein_error(
                f, y, v, [twin_probe]
            )
    if correlated:
        flat_probe = correlated_probe(weight, correlation_of_flat_parts(y, v), rng)
        estimators["correlated stein"] = lambda f: stein_error(f, y, v, [flat_probe])
    return {
        name: {key: float(estimate(denoiser).mean()) for key, denoiser in denoisers.items()}
        for name, estimate in estimators.items()
    }


def agreements_of(estimates: Mapping[str, Mapping[str, float]]) -> dict[str, Agreement]:
    """Compare each estimator's errors with the true ones."""
    true = list(estimates["true"].values())
    return {
        name: agreement(list(errors.values()), true) for name, errors in estimates.items() if name != "true"
    }


def least_squares(reference: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    """Fit gain and offset of a clean image to a noisy one."""
    gain, offset = np.polyfit(reference.ravel(), noisy.ravel(), 1)
    fitted: np.ndarray = gain * reference + offset
    return fitted


def table(scenes: Mapping[str, list[Scene]]) -> Iterator[str]:
    """Yield a line per set and estimator: pairs in the right order, mean and largest regret."""
    for kind, each in scenes.items():
        correlated = kind in ("FMD wide field", "CC")
        found = [agreements_of(estimates_of(scene, correlated=correlated)) for scene in each]
        for name in found[0]:
            right = 100 * np.mean([one[name].pairs_right for one in found])
            regrets = [one[name].regret for one in found]
            yield (
                f"{kind}, n {len(each)}: {name}: {right:.1f} % of pairs right, "
                f"regret {np.mean(regrets):.2f} ({max(regrets):.2f}) dB"
            )


def _fmd(folder: Path, names: tuple[str, ...]) -> Iterator[Scene]:
    for name in names:
        # The first two files of this scene are the same image.
        other = 3 if name == "WideField_BPAE_B" else 2
        noisy, copy, mean = (
            _crop(folder / f"{name}_{end}.png") for end in ("noisy1", f"noisy{other}", "avg50")
        )
        yield Scene(name, noisy, mean, copy)


def _crop(file: Path) -> np.ndarray:
    """Read the middle of an image, of colour images the green channel, (SIDE, SIDE, 1)."""
    with Image.open(file) as image:
        values = np.asarray(image, dtype=np.float64) / 255
    grey = values if values.ndim == 2 else values[..., 1]
    top, left = ((side - SIDE) // 2 for side in grey.shape)
    return grey[top : top + SIDE, left : left + SIDE, None]


if __name__ == "__main__":
    for line in table(real_scenes(Path(os.environ["NOISEBENCH_DATA"]) / "real")):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
