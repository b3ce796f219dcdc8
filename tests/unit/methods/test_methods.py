"""The ranges of hyper-parameters, and the device of denoised images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from bench.conformance.accelerator import ACCELERATOR, Generator, network_on_accelerator, simulate_accelerator
from bench.conformance.case import small_unet
from bench.errors import InputError
from methods.neighbor2neighbor import Neighbor2Neighbor
from methods.noise2score import Noise2Score
from methods.noise2void import Noise2Void
from methods.noisier2noise import Noisier2Noise
from methods.r2r import R2R
from methods.sure import Sure
from methods.unsure import Unsure
from tests.support.methods.noises import LEVELS
from tests.support.methods.trained import TRAINED

if TYPE_CHECKING:
    from bench.method import Method


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        (Noise2Void, "fraction", (0.0, -0.1, 1.5, np.nan, np.inf)),
        (Noise2Void, "radius", (0, -1)),
        (Sure, "thinned", (0.0, 1.0, -0.1, np.nan, np.inf)),
        (Sure, "eps", (0.0, -1.0, np.nan, np.inf)),
        (Noise2Score, "start", (0.0, -1.0, np.nan, np.inf)),
        (Noise2Score, "end", (0.0, -1.0, np.nan, np.inf)),
        (Neighbor2Neighbor, "gamma", (-0.1, np.nan, np.inf)),
        (Noisier2Noise, "alpha", (0.0, -1.0, np.nan, np.inf)),
        (Noisier2Noise, "draws", (0, -1)),
        (R2R, "alpha", (0.0, 1.0, -0.1, np.nan, np.inf)),
        (R2R, "draws", (0, -1)),
        (Unsure, "eps", (0.0, -1.0, np.nan, np.inf)),
    ],
)
def test_hyper_parameter_out_of_range_is_refused(method: type[Method], name: str, values: tuple[float, ...]):
    for value in values:
        with pytest.raises(InputError, match=f"{name} is {value}"):
            method(**{name: value})


def test_hyper_parameters_at_the_ends_of_their_ranges_are_accepted():
    assert Noise2Void(fraction=1.0, radius=1).hyper_parameters == {"fraction": 1.0, "radius": 1}


@pytest.mark.parametrize(
    ("method", "defaults"),
    [
        (Neighbor2Neighbor(), {"gamma": 2.0}),  # `increase_ratio` of the authors' code
        (Noise2Void(), {"fraction": 0.05, "radius": 2}),  # radius: the configuration published for BSD68
        (R2R(), {"alpha": 0.15, "draws": 5}),  # Monroy, Bacca & Tachella 2025
        (Noisier2Noise(), {"alpha": 0.5, "draws": 1}),
        (Sure(), {"eps": 0.01}),  # a much smaller step does not survive bfloat16
        (Unsure(), {"eps": 0.01}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_defaults_change_only_with_this_table(method: Method, defaults: dict[str, float]):
    assert defaults.items() <= method.hyper_parameters.items()


@pytest.mark.parametrize("spec", TRAINED)
def test_denoising_stays_on_the_device_of_the_images(spec: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch, "Generator", Generator)
    method, net = TRAINED[spec], small_unet(1)
    # torch cannot simulate binomial draws.
    noises = method.noises - ({"poisson"} if spec == "r2r" else set())
    for name in noises:
        with simulate_accelerator():
            noisy = torch.empty(2, 1, 45, 32, device=ACCELERATOR)
            noise = LEVELS[name] if "noise" in method.needs else None
            denoised = method.denoise(network_on_accelerator(net), noisy, noise)
        assert (denoised.shape, denoised.device) == (noisy.shape, ACCELERATOR)
