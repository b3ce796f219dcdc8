"""Seventeen denoisers that learn nothing, from bad to good, to try estimates of their errors on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pywt
import torch
from scipy import ndimage
from skimage import restoration

from bench.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.judging import Denoiser
    from bench.noise.poisson_gaussian import PoissonGaussian

    class Rule(Protocol):
        """A denoiser of white noise of one standard deviation, (H, W)."""

        def __call__(self, image: np.ndarray, *, sd: float) -> Any:
            """Denoise."""


TV_STEPS = 60  # a fixed number, since a rule to stop that depends on the image makes a denoiser jump


def classical_denoisers(noise: PoissonGaussian, noisy: np.ndarray) -> dict[str, Denoiser]:
    """Return denoisers of grey images (H, W, 1) by name.

    Gaussian filters (sd .7, 1, 1.5, 2.5 pixels), medians (3x3, 5x5), total variation (weight .5, 1, 2 sd), a
    bilateral filter, Wiener's local filter, wavelets with BayesShrink and VisuShrink thresholds, non-local
    means and BM3D, all for the image's mean noise; BayesShrink and BM3D also on the stabilised image.

    Args:
        noise: noise of the image.
        noisy: the image, from which the mean variance is computed; it is not tied to the denoisers otherwise.
    """
    sd = float(np.sqrt(max(noise.variance(noisy).mean(), 1e-10)))
    rules: dict[str, Rule] = {
        **{f"gaussian {width}": partial(_gaussian, width=width) for width in (0.7, 1.0, 1.5, 2.5)},
        **{f"median {size}": partial(_median, size=size) for size in (3, 5)},
        **{
            f"total variation {weight}": partial(_total_variation, weight=weight)
            for weight in (0.5, 1.0, 2.0)
        },
        "bilateral": _bilateral,
        "wiener": _wiener,
        "bayes shrink": _bayes_shrink,
        "visu shrink": _visu_shrink,
        "non-local means": _non_local_means,
        "bm3d": _bm3d,
    }
    plain = {name: partial(_of_grey, rule=partial(rule, sd=sd)) for name, rule in rules.items()}
    roots = {
        f"{name}, stabilised": partial(_stabilised, noise=noise, rule=rules[name])
        for name in ("bayes shrink", "bm3d")
    }
    return {**plain, **roots}


def _of_grey(noisy: np.ndarray, rule: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return np.asarray(rule(noisy[..., 0]), dtype=np.float64).reshape(noisy.shape)


def _stabilised(noisy: np.ndarray, *, noise: PoissonGaussian, rule: Rule) -> np.ndarray:
    """Denoise the generalised Anscombe root and invert its mean."""
    sd = float(noise.stabilised_sd)
    roots = noise.stabilise(torch.from_numpy(np.ascontiguousarray(noisy)))
    denoised = _of_grey(roots.numpy() / sd, partial(rule, sd=1.0)) * sd
    return noise.take_back(torch.from_numpy(denoised)).numpy()


def _gaussian(image: np.ndarray, *, sd: float, width: float) -> Any:  # noqa: ARG001
    return ndimage.gaussian_filter(image, width)


def _median(image: np.ndarray, *, sd: float, size: int) -> Any:  # noqa: ARG001
    return ndimage.median_filter(image, size)


def _total_variation(image: np.ndarray, *, sd: float, weight: float) -> Any:
    smooth: Any = restoration.denoise_tv_chambolle
    return smooth(image, weight=weight * sd, eps=0, max_num_iter=TV_STEPS)


def _bilateral(image: np.ndarray, *, sd: float) -> Any:
    """Average neighbours in 7x7 pixels of similar value: scales of 1.5 pixels and 2 sd."""
    reach, (height, width) = 3, image.shape
    padded = np.pad(image, reach, mode="symmetric")
    total, weights = np.zeros_like(image), np.zeros_like(image)
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            there = padded[reach + down :, reach + across :][:height, :width]
            weight = np.exp(
                -(down**2 + across**2) / (2 * 1.5**2) - (there - image) ** 2 / (2 * (2 * sd) ** 2)
            )
            total += weight * there
            weights += weight
    return total / weights


def _wiener(image: np.ndarray, *, sd: float) -> Any:
    """Shrink towards the mean of 5x5 pixels by their local variance."""
    mean = ndimage.uniform_filter(image, 5)
    variance = ndimage.uniform_filter((image - mean) ** 2, 5)
    return mean + (1 - sd**2 / np.maximum(variance, sd**2)) * (image - mean)


def _wavelet(image: np.ndarray, sd: float, method: str) -> Any:
    levels = min(4, pywt.dwt_max_level(min(image.shape), "sym4"))
    return restoration.denoise_wavelet(
        image, sigma=sd, wavelet="sym4", wavelet_levels=levels, method=method, mode="soft"
    )


def _bayes_shrink(image: np.ndarray, *, sd: float) -> Any:
    return _wavelet(image, sd, "BayesShrink")


def _visu_shrink(image: np.ndarray, *, sd: float) -> Any:
    return _wavelet(image, sd, "VisuShrink")


def _non_local_means(image: np.ndarray, *, sd: float) -> Any:
    return restoration.denoise_nl_means(image, 5, 6, h=0.75 * sd, sigma=sd, fast_mode=True)


def _bm3d(image: np.ndarray, *, sd: float) -> Any:
    try:
        from bm3d import BM3DProfile, bm3d
    except (ImportError, OSError) as error:
        raise InputError(f"the package bm3d is not installed or does not run here ({error})") from error
    profile = BM3DProfile()
    profile.num_threads = 1
    return bm3d(image, sd, profile)
