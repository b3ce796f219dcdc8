"""Other libraries as oracles: they agree with ours, or a test shows by how much they differ and why.

A test named ``test_departs_...`` fails as soon as the other library fixes what it shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.training.unet import UNet

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from torch import Tensor


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    # Skipped here rather than in a fixture, so that pytest reports all tests on one line.
    pytest.importorskip("deepinv", reason="deepinv is not installed; `tox -e peers` installs it where it can")


@pytest.fixture(scope="session")
def deepinv() -> ModuleType:
    import deepinv

    return deepinv


@pytest.fixture
def peer_of(deepinv: ModuleType) -> Callable[[Noise], nn.Module]:
    """Return a function from our noise to deepinv's noise with the same model and level."""

    def peer(noise: Noise) -> nn.Module:
        match noise:
            case Gaussian(sd=sd):
                return deepinv.physics.GaussianNoise(sd)
            case Poisson(zeta=zeta):
                return deepinv.physics.PoissonNoise(zeta, normalize=True)
            case Gamma(k=k):
                return deepinv.physics.GammaNoise(k)
        raise ValueError(noise)

    return peer


@pytest.fixture
def net() -> UNet:
    """Make a small net whose last layer is not zero, in float64."""
    unet = UNet(1, width=4, seed=0)
    nn.init.normal_(unet.exit.weight, std=0.05, generator=torch.Generator().manual_seed(1))
    return unet.double().requires_grad_(False)


@pytest.fixture
def noisy() -> Tensor:
    """Make three small positive images, float64."""
    rng = torch.Generator().manual_seed(2)
    return 0.1 + 0.8 * torch.rand((3, 1, 24, 24), generator=rng, dtype=torch.float64)
