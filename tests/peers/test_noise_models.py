"""The noise models against deepinv's: with other generators, so that distributions are compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator

DRAWS = 400_000
LEVELS = [Gaussian(25), Gaussian(50), Poisson(0.01), Poisson(0.05), Gamma(50), Gamma(100)]


def counts_alike(ours: np.ndarray, theirs: np.ndarray, zeta: float) -> float:
    """Compute the p-value of chi-squared, without counts that are rarer than 10 draws."""
    counts = [np.rint(draws / zeta).astype(int) for draws in (ours, theirs)]
    table = np.array([np.bincount(each, minlength=1 + max(map(np.max, counts))) for each in counts])
    return stats.chi2_contingency(table[:, table.min(axis=0) >= 10]).pvalue


@pytest.mark.parametrize("intensity", [0.1, 0.9])
@pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)
def test_draws_have_the_same_distribution(peer_of, noise: Noise, intensity: float):
    """Moments within 5 standard errors, .2 and .6 % of the noise; KS or chi-squared above p = .001."""
    clean = np.full(DRAWS, intensity, dtype=np.float32)
    ours = noise.sample(clean, generator("peers", noise.spec, intensity)).astype(np.float64)
    torch.manual_seed(0)
    theirs = peer_of(noise)(torch.from_numpy(clean)[:, None]).squeeze(1).double().numpy()
    variance = noise.variance(clean[:1]).item()
    assert ours.shape == theirs.shape
    for draws in (ours, theirs):
        assert draws.mean() == pytest.approx(intensity, abs=5 * np.sqrt(variance / DRAWS))
        error = ((draws - intensity) ** 2).std() / np.sqrt(DRAWS)
        assert ((draws - intensity) ** 2).mean() == pytest.approx(variance, abs=5 * error)
    if isinstance(noise, Poisson):
        assert counts_alike(ours, theirs, noise.zeta) > 1e-3
    else:
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_scaled_counts_lie_on_one_lattice(peer_of):
    noise, clean = Poisson(0.05), np.full((1, 2000), 0.4, dtype=np.float32)
    torch.manual_seed(0)
    for draws in (noise.sample(clean, generator("lattice")), peer_of(noise)(torch.from_numpy(clean)).numpy()):
        np.testing.assert_allclose(draws / 0.05, np.rint(draws / 0.05), rtol=0, atol=1e-5)


def test_departs_gamma_noise_has_no_seed(deepinv, peer_of):
    """deepinv's Gamma noise takes no generator and silently ignores its ``seed``.

    Its Gaussian and Poisson noises use both. Ours draws every noise from the given generator, since the
    noise is part of the benchmark. Fails when deepinv's Gamma noise uses a seed or a generator.
    """
    image = torch.full((1, 1, 8, 8), 0.5)
    for model in (deepinv.physics.GaussianNoise, deepinv.physics.PoissonNoise):
        seeded = model(0.1, rng=torch.Generator())
        assert torch.equal(seeded(image, seed=1), seeded(image, seed=1))
    gamma = peer_of(Gamma(50))
    assert not torch.equal(gamma(image, seed=1), gamma(image, seed=1))
    with pytest.raises(TypeError, match="rng"):
        deepinv.physics.GammaNoise(50, rng=torch.Generator())
    for noise in LEVELS:
        first, again = (noise.sample(image.numpy(), generator("one seed")) for _ in range(2))
        np.testing.assert_array_equal(first, again)


def test_departs_gamma_noise_refuses_black(peer_of):
    """deepinv's Gamma noise raises at x = 0, which occurs in photographs; ours keeps black unchanged.

    Fails when deepinv's takes an image with a black pixel.
    """
    image = torch.tensor([[[[0.0, 0.5]]]])
    with pytest.raises(ValueError, match="strictly positive"):
        peer_of(Gamma(50))(image)
    noisy = Gamma(50).sample(image.numpy(), generator("black"))
    assert noisy[0, 0, 0, 0] == 0 < noisy[0, 0, 0, 1]
