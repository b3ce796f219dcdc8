"""Recorrupted-to-Recorrupted splits one noisy image into two with independent noise of the same model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

from bench.method import Batch, squared_error
from bench.noise import Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator
from methods.r2r import R2R
from tests.support.methods.calculus import progress_of, rng_of
from tests.support.methods.networks import Spy, curved
from tests.support.methods.noises import LEVELS, every_noise

DRAWS = 200_000
every_alpha = pytest.mark.parametrize("alpha", [0.15, 0.5, 0.8])


def parts_of(x: float, noise: Noise, method: R2R) -> tuple[np.ndarray, np.ndarray]:
    """Split many noisy pixels of one clean value by the method's loss."""
    noisy = noise.sample(np.full((DRAWS, 1, 1, 1), x), generator("split"))
    y, spy = torch.from_numpy(noisy).double(), Spy(torch.zeros_like)
    method.loss(spy, Batch({"noisy": y}, noise), rng_of(), progress_of(0))
    (first,) = spy.seen
    second = (y - (1 - method.alpha) * first) / method.alpha
    return first.flatten().numpy(), second.flatten().numpy()


def noise_keeping(noise: Noise, part: float) -> Noise:
    """Return the noise that keeps a ``part`` of the information."""
    match noise:
        case Gaussian(sigma=sigma):
            return Gaussian(sigma / part**0.5)
        case Poisson(zeta=zeta):
            return Poisson(zeta / part)
        case Gamma(k=k):
            return Gamma(k * part)


def follows(values: np.ndarray, x: float, noise: Noise) -> bool:
    """Test whether values are distributed as noisy pixels of the clean value x."""
    match noise:
        case Gaussian(sd=sd):
            return stats.kstest(values, stats.norm(x, sd).cdf).pvalue > 1e-3
        case Gamma(k=k):
            return stats.kstest(values, stats.gamma(k, scale=x / k).cdf).pvalue > 1e-3
        case Poisson(zeta=zeta):
            counts = values / zeta
            np.testing.assert_allclose(counts, counts.round(), atol=1e-3)
            expected = stats.poisson(x / zeta)
            low, high = int(expected.ppf(1e-3)), int(expected.isf(1e-3))
            found = np.bincount(counts.round().clip(low, high).astype(int) - low)
            chance = expected.pmf(np.arange(low, high + 1))
            chance[0], chance[-1] = expected.cdf(low), expected.sf(high - 1)
            return stats.chisquare(found, DRAWS * chance).pvalue > 1e-3


@every_noise
@every_alpha
@pytest.mark.parametrize("x", [0.2, 0.9])
def test_each_part_is_a_noisy_copy_under_the_same_model(noise: Noise, alpha: float, x: float):
    """The first keeps 1 - alpha of the information in y, the second alpha; their means are x."""
    first, second = parts_of(x, noise, R2R(alpha=alpha))
    assert follows(first, x, noise_keeping(noise, 1 - alpha))
    assert follows(second, x, noise_keeping(noise, alpha))


@every_noise
@every_alpha
def test_parts_are_independent_given_the_clean_value(noise: Noise, alpha: float):
    first, second = parts_of(0.5, noise, R2R(alpha=alpha))
    limit = 5 / DRAWS**0.5
    # Neither the values nor their distances from x are correlated.
    assert abs(np.corrcoef(first, second)[0, 1]) < limit
    assert abs(np.corrcoef((first - 0.5) ** 2, (second - 0.5) ** 2)[0, 1]) < limit


@every_noise
def test_loss_is_the_risk_at_the_first_part_and_the_variance_of_the_second(noise: Noise):
    """E || f(y1) - y2 ||^2 = E || f(y1) - x ||^2 + Var y / alpha."""
    method, spy = R2R(), Spy(curved)
    clean = (0.2 + 0.6 * generator("clean").random((1, 1, 10, 10))).repeat(8000, axis=0)
    y = torch.from_numpy(noise.sample(clean, generator("draws"))).double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), progress_of(0))
    excess = (losses - squared_error(curved(*spy.seen), torch.from_numpy(clean))).numpy()
    expected = noise.variance(clean[0]).mean() / method.alpha
    limit = 5 * excess.std() / len(excess) ** 0.5
    assert limit < 0.03 * expected  # enough draws for a meaningful test
    assert excess.mean() == pytest.approx(expected, abs=limit)


def test_the_original_form_is_a_special_case():
    """Pang et al. (2021) take y1 = y + z / 2 and y2 = y - 2 z with z of the noise's own deviation."""
    noise, method, spy = Gaussian(25), R2R(alpha=0.2), Spy(torch.zeros_like)
    y = torch.from_numpy(noise.sample(np.full((DRAWS, 1, 1, 1), 0.5), generator("split"))).double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), progress_of(0))
    z = 2 * (spy.seen[0] - y)
    assert z.std().item() == pytest.approx(noise.sd, rel=5 / (2 * DRAWS) ** 0.5)
    torch.testing.assert_close(losses, squared_error(torch.zeros_like(y), y - 2 * z), rtol=1e-10, atol=0)


# A strength for each image, and whole images


def three_images(noise: Noise) -> tuple[Tensor, Noise, list[Noise]]:
    """Make images with one noise each; return them, the noises as one, and each noise."""
    levels = torch.tensor([0.8, 1.0, 1.3], dtype=torch.float64).view(-1, 1, 1, 1) * noise.level
    noises = [type(noise)(level.item()) for level in levels]
    clean = 0.1 + 0.8 * generator("clean").random((3, 1, 12, 9))
    noisy = [own.sample(image, generator("own", own.spec)) for own, image in zip(noises, clean, strict=True)]
    return torch.from_numpy(np.stack(noisy)).double(), type(noise)(levels), noises


@every_noise
def test_each_image_is_split_by_its_own_strength(noise: Noise):
    """Var(y1 given x) = Var y / (1 - alpha), with the parameter of the image."""
    method = R2R(alpha=0.5)
    clean = np.full((3, 1, 200, 200), 0.5)
    _, stacked, noises = three_images(noise)
    noisy = np.stack([own.sample(image, generator("own")) for own, image in zip(noises, clean, strict=True)])
    y1 = method.recorrupt(torch.from_numpy(noisy).double(), stacked, rng_of())
    expected = [own.variance(0.5) / (1 - method.alpha) for own in noises]
    np.testing.assert_allclose(y1.var(dim=(1, 2, 3)), expected, rtol=0.05)
    assert min(np.diff(sorted(expected)) / expected[1]) > 0.15  # more than three tolerances apart


@every_noise
def test_each_image_is_denoised_by_the_mean_over_its_own_copies(noise: Noise):
    method, spy = R2R(draws=4), Spy(curved)
    noisy, stacked, noises = three_images(noise)
    state = torch.get_rng_state()
    denoised = method.denoise(spy, noisy, stacked)
    assert torch.equal(torch.get_rng_state(), state)  # the global generator is untouched
    copies = torch.stack(spy.seen)
    assert len(copies) == 4
    assert all((one != another).any() for one, another in zip(copies, copies.roll(1, dims=0), strict=True))
    torch.testing.assert_close(denoised, curved(copies.flatten(0, 1)).view_as(copies).mean(dim=0))
    alone = [method.denoise(curved, image[None], own) for image, own in zip(noisy, noises, strict=True)]
    torch.testing.assert_close(denoised, torch.cat(alone), rtol=1e-12, atol=0)


@pytest.mark.parametrize("noise", LEVELS.values(), ids=LEVELS)
def test_more_draws_are_nearer_to_the_mean_over_all(noise: Noise):
    """The spread around the mean over all copies falls by the number of draws."""
    noisy = torch.from_numpy(noise.sample(np.full((1, 1, 100, 100), 0.5), generator("few"))).double()
    mean = R2R(draws=400).denoise(torch.sin, noisy, noise)
    few, many = (
        (R2R(draws=draws).denoise(torch.sin, noisy, noise) - mean).square().mean() for draws in (1, 5)
    )
    assert (few / many).item() == pytest.approx(5, rel=0.1)
