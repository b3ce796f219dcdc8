"""The three noise models: distributions against scipy, refusals, and where the noise is uniform."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import polygamma
from torch import Tensor
from torch.autograd.functional import jacobian

from bench.errors import InputError
from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson, parse_noise
from bench.seeds import generator
from tests.support.methods.calculus import column, slope_of

LEVELS = [Gaussian(25), Gaussian(50), Poisson(0.01), Poisson(0.05), Gamma(100), Gamma(50)]
INTENSITIES = [0.02, 0.1, 0.5, 0.9]
DRAWS = 200_000

every_level = pytest.mark.parametrize("noise", LEVELS, ids=lambda noise: noise.spec)
every_intensity = pytest.mark.parametrize("intensity", INTENSITIES)
every_device = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])


def distribution_of(noise: Noise, intensity: float) -> stats.rv_frozen:
    """Return scipy's distribution of y, for Poisson noise that of y / zeta."""
    match noise:
        case Gaussian(sigma=sigma):
            return stats.norm(intensity, sigma / 255)
        case Poisson(zeta=zeta):
            return stats.poisson(intensity / zeta)
        case Gamma(k=k):
            return stats.gamma(k, scale=intensity / k)


def unit_of(noise: Noise) -> float:
    return noise.zeta if isinstance(noise, Poisson) else 1.0


def drawn(noise: Noise, intensity: float) -> np.ndarray:
    rng = generator("test", noise.spec, intensity)
    return noise.sample(np.full(DRAWS, intensity), rng).astype(np.float64)


def check_mean_and_variance(values: np.ndarray, noise: Noise, intensity: float) -> None:
    expected, unit = distribution_of(noise, intensity), unit_of(noise)
    mean, variance, excess = (float(moment) for moment in expected.stats(moments="mvk"))
    assert unit * mean == pytest.approx(intensity)
    assert noise.variance(np.array(intensity)) == pytest.approx(unit**2 * variance)
    # Five standard errors: of the mean sd / sqrt(n), of the variance var sqrt((kurtosis - 1) / n).
    count = values.size
    assert values.mean() == pytest.approx(intensity, abs=5 * unit * math.sqrt(variance / count))
    assert values.var() == pytest.approx(unit**2 * variance, rel=5 * math.sqrt((excess + 2) / count))


# How noise is drawn


@every_level
@every_intensity
def test_mean_and_variance(noise: Noise, intensity: float):
    check_mean_and_variance(drawn(noise, intensity), noise, intensity)


@pytest.mark.parametrize("noise", [level for level in LEVELS if not isinstance(level, Poisson)], ids=str)
@every_intensity
def test_continuous_distributions_by_kolmogorov_smirnov(noise: Noise, intensity: float):
    assert stats.kstest(drawn(noise, intensity), distribution_of(noise, intensity).cdf).pvalue > 1e-3


@pytest.mark.parametrize("zeta", [0.01, 0.05])
@every_intensity
def test_counts_by_chi_squared(zeta: float, intensity: float):
    noise = Poisson(zeta)
    scaled = drawn(noise, intensity) / zeta
    counts = np.rint(scaled).astype(int)
    np.testing.assert_allclose(scaled, counts, rtol=1e-6, atol=0)  # on the lattice, to float32
    expected = distribution_of(noise, intensity)
    low, high = expected.ppf([1e-3, 1 - 1e-3]).astype(int)
    inner = np.arange(low, high + 1)
    chances = np.array([expected.cdf(low - 1), *expected.pmf(inner), expected.sf(high)])
    observed = np.bincount(np.clip(counts, low - 1, high + 1) - low + 1, minlength=len(chances))
    filled = chances > 0
    assert observed[~filled].sum() == 0
    assert stats.chisquare(observed[filled], DRAWS * chances[filled]).pvalue > 1e-3


@pytest.mark.parametrize("chance", [1e-2, 1e-3, 1e-4])
@every_level
@every_intensity
def test_tails_are_as_heavy_as_expected(noise: Noise, intensity: float, chance: float):
    expected, values = distribution_of(noise, intensity), drawn(noise, intensity) / unit_of(noise)
    values = np.rint(values) if isinstance(noise, Poisson) else values
    low, high = expected.ppf(chance), expected.isf(chance)
    below = expected.cdf(low - 1) if isinstance(noise, Poisson) else chance
    assert stats.binomtest((values < low).sum(), DRAWS, below).pvalue > 1e-4
    assert stats.binomtest((values > high).sum(), DRAWS, expected.sf(high)).pvalue > 1e-4


@pytest.mark.parametrize("noise", [level for level in LEVELS if not isinstance(level, Poisson)], ids=str)
@every_intensity
def test_shape_of_the_tails_by_kolmogorov_smirnov(noise: Noise, intensity: float):
    """Given that y is beyond a quantile of .01, its tail probability is uniform up to .01."""
    expected, values = distribution_of(noise, intensity), drawn(noise, intensity)
    for tail in (expected.cdf(values), expected.sf(values)):
        assert stats.kstest(tail[tail < 0.01] / 0.01, "uniform").pvalue > 1e-3


@every_level
def test_pixels_and_channels_are_independent(noise: Noise):
    clean = np.full((200, 200, 3), 0.5)
    field = noise.sample(clean, generator("test", "field")) - clean
    pairs = {
        "rows": (field[1:], field[:-1]),
        "columns": (field[:, 1:], field[:, :-1]),
        "channels": (field[..., 1:], field[..., :-1]),
    }
    for first, second in pairs.values():
        # A correlation of n independent pairs spreads by 1 / sqrt(n).
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / math.sqrt(first.size)


@every_level
def test_noise_is_a_function_of_clean_and_generator(noise: Noise):
    clean = generator("clean").random((7, 5, 3), dtype=np.float32)
    first, again, other = (noise.sample(clean, generator("test", role)) for role in (0, 0, 1))
    assert first.shape == clean.shape
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


@every_level
def test_never_clipped(noise: Noise):
    # White is exceeded by about half of the pixels; black is undercut by Gaussian noise alone.
    assert 0.3 < (drawn(noise, 1.0) > 1).mean() < 0.6
    assert (drawn(noise, 0.0) < 0).any() == isinstance(noise, Gaussian)
    assert drawn(noise, 1.0).max() > 1.1


@pytest.mark.parametrize("noise", [Poisson(0.05), Gamma(50)], ids=str)
def test_black_stays_black(noise: Noise):
    assert not drawn(noise, 0.0).any()


# How noise is drawn on a device


def flat_images(*intensities: float, device: str = "cpu") -> Tensor:
    """Make an image of each intensity, of DRAWS pixels."""
    return torch.tensor(intensities, device=device).view(-1, 1, 1, 1).repeat(1, 2, 100, DRAWS // 200)


def drawn_on(device: str, noise: Noise, clean: Tensor, *, seed: int = 0) -> np.ndarray:
    """Draw on a device, and return (image, pixel) in float64."""
    noisy = noise.draw(clean, torch.Generator(device).manual_seed(seed))
    assert (noisy.dtype, noisy.shape, noisy.device) == (torch.float32, clean.shape, clean.device)
    return noisy.flatten(start_dim=1).double().cpu().numpy()


@every_device
@every_level
def test_drawn_mean_and_variance(noise: Noise, device: str):
    images = drawn_on(device, noise, flat_images(*INTENSITIES, device=device))
    for values, intensity in zip(images, INTENSITIES, strict=True):
        check_mean_and_variance(values, noise, intensity)


@every_device
@every_level
@every_intensity
def test_drawn_distribution(noise: Noise, intensity: float, device: str):
    expected = distribution_of(noise, intensity)
    chance = 1e-3 if device == "cpu" else 1e-5  # all CPUs draw alike, but not all GPUs
    (values,) = drawn_on(device, noise, flat_images(intensity, device=device)) / unit_of(noise)
    if isinstance(noise, Poisson):
        counts = np.rint(values)
        np.testing.assert_allclose(values, counts, rtol=1e-6, atol=0)  # on the lattice, to float32
        # Spread evenly below its step of the distribution, a count becomes a continuous variable.
        share = generator("test", "share").random(DRAWS)
        assert stats.kstest(expected.cdf(counts) - share * expected.pmf(counts), "uniform").pvalue > chance
    else:
        assert stats.kstest(values, expected.cdf).pvalue > chance
        assert (values > 0).all() or isinstance(noise, Gaussian)


@every_device
@pytest.mark.parametrize("model", NOISES.values(), ids=NOISES)
def test_each_image_is_drawn_by_its_own_parameter(model: type[Noise], device: str):
    parameters = model.blind_range
    stacked = model(torch.tensor(parameters, device=device).view(-1, 1, 1, 1))
    images = drawn_on(device, stacked, flat_images(0.5, 0.5, device=device))
    for values, parameter in zip(images, parameters, strict=True):
        check_mean_and_variance(values, model(parameter), 0.5)


@every_device
@every_level
def test_drawing_is_a_function_of_clean_and_generator(noise: Noise, device: str):
    torch.manual_seed(0)
    clean = torch.rand(3, 2, 20, 10, device=device)
    before = clean.clone()
    first, again, other = (drawn_on(device, noise, clean, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    assert torch.equal(clean, before)


@every_device
@pytest.mark.parametrize("noise", [Poisson(0.05), Gamma(50)], ids=str)
def test_black_is_drawn_black(noise: Noise, device: str):
    assert not drawn_on(device, noise, flat_images(0.0, device=device)).any()


# What is refused


@pytest.mark.parametrize("excess", [0.0, -1.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("model", "symbol", "limit"), [(Gaussian, "sigma", 0), (Poisson, "zeta", 0), (Gamma, "k", 1)]
)
def test_parameter_out_of_range(model: type[Noise], symbol: str, limit: int, excess: float):
    value = limit + excess
    with pytest.raises(InputError, match=re.escape(f"{symbol} > {limit}, but {symbol} is {value}")):
        model(value)
    with pytest.raises(InputError, match=model.name):
        parse_noise(f"{model.name}:{value}")


def test_parameter_just_inside_its_range():
    assert [Gaussian(1e-9).parameter, Poisson(1e-9).parameter, Gamma(1.001).parameter] == [1e-9, 1e-9, 1.001]


@pytest.mark.parametrize("noise", [*LEVELS, Gaussian(25.000001), Poisson(1 / 300), Gamma(1e6 + 1)], ids=str)
def test_spec_reads_back_in_full(noise: Noise):
    # The spec keys the noise fields, so two parameters must never share one.
    assert parse_noise(noise.spec) == noise


def test_spec_is_as_short_as_on_the_command_line():
    assert [noise.spec for noise in LEVELS[::2]] == ["gaussian:25", "poisson:0.01", "gamma:100"]


@pytest.mark.parametrize(
    ("wrong", "nearest"), [("gausian", "gaussian"), ("Poisson", "poisson"), ("gama", "gamma")]
)
def test_unknown_noise_suggests_the_nearest(wrong: str, nearest: str):
    with pytest.raises(InputError, match=f"unknown noise '{wrong}'; did you mean '{nearest}'"):
        parse_noise(f"{wrong}:25")


def test_unknown_noise_lists_all():
    with pytest.raises(InputError, match=", ".join(sorted(NOISES))):
        parse_noise("salt:3")


@pytest.mark.parametrize("rest", ["", ":", ":abc", ":0,1", ":25:3"])
@pytest.mark.parametrize(("name", "symbol"), [("gaussian", "sigma"), ("poisson", "zeta"), ("gamma", "k")])
def test_parameter_that_is_not_a_number(name: str, symbol: str, rest: str):
    with pytest.raises(InputError, match=f"{symbol} > ") as caught:
        parse_noise(name + rest)
    assert repr(name + rest) in str(caught.value)
    example = re.search(r"as in '(.*)'", str(caught.value))[1]
    assert parse_noise(example).name == name


@pytest.mark.parametrize("noise", [Poisson(0.05), Gamma(50)], ids=str)
def test_a_wild_score_gives_no_negative_intensity(noise: Noise):
    y, score = column(0.01, 0.5, 1.5), column(-1e3, 1e3, 50.0)
    estimate = noise.tweedie(y.repeat(3, 1), score[:, None].expand(3, 3))
    assert (estimate > 0).all()
    assert torch.isfinite(estimate).all()


# Variables in which the noise is uniform


@every_level
def test_stabilise_and_unstabilise_undo_each_other(noise: Noise):
    lowest = {"gaussian": -0.5, "poisson": 0.0, "gamma": Gamma.darkest}[noise.name]
    y = torch.linspace(lowest, 2, 101, dtype=torch.float64)
    v = noise.stabilise(y)
    torch.testing.assert_close(noise.unstabilise(v), y, rtol=1e-13, atol=1e-15)
    torch.testing.assert_close(noise.stabilise(noise.unstabilise(v)), v, rtol=1e-13, atol=1e-15)
    assert (v.diff() > 0).all()


@pytest.mark.parametrize("noise", [Poisson(0.05), Gamma(50)], ids=str)
def test_stabilise_takes_black_and_below(noise: Noise):
    dark = noise.stabilise(column(-1, 0, 1e-9))
    assert torch.isfinite(dark).all()
    assert dark[0] == dark[1]
    assert torch.isfinite(noise.raw_score(dark, column(0, 1, -1))).all()
    assert torch.isfinite(noise.raw_score(column(0, 0), column(1, -1))).all()


@every_level
def test_raw_score_is_the_change_of_variables(noise: Noise):
    def log_density(y: Tensor) -> Tensor:
        """Of some y: Gamma(3, rate 5), whose score is 2 / y - 5."""
        return 2 * torch.log(y) - 5 * y

    def log_density_stabilised(v: Tensor) -> Tensor:
        per_value = jacobian(noise.unstabilise, v, create_graph=True).diagonal()
        return log_density(noise.unstabilise(v)) + torch.log(per_value)

    y = torch.linspace(0.01, 1.5, 50, dtype=torch.float64)
    v = noise.stabilise(y)
    carried = noise.raw_score(v, slope_of(log_density_stabilised, v))
    torch.testing.assert_close(carried, 2 / y - 5, rtol=1e-9, atol=1e-9)


@every_level
@pytest.mark.parametrize("intensity", [0.25, 0.5, 0.9])
def test_stabilised_spread_is_uniform(noise: Noise, intensity: float):
    values = noise.stabilise(torch.from_numpy(drawn(noise, intensity)))
    # From five counts up Anscombe's root is within 4 % of its limit, and so is log y from k = 13 up;
    # a standard deviation of n draws has a relative error of about 1 / sqrt(2 n) = .0016.
    assert values.std().item() == pytest.approx(noise.stabilised_sd, rel=0.04)


def test_logarithm_spreads_by_trigamma_at_every_intensity():
    for intensity in INTENSITIES:
        spread = np.log(drawn(Gamma(50), intensity)).std()
        assert spread == pytest.approx(math.sqrt(polygamma(1, 50)), rel=5 / math.sqrt(2 * DRAWS))


@pytest.mark.parametrize("photons", ["25", "30.5", "1.01"])
def test_photons_at_white_are_not_taken_for_zeta(photons: str) -> None:
    with pytest.raises(InputError, match=rf"'poisson:{photons}'.* for {photons} photons at white") as caught:
        parse_noise(f"poisson:{photons}")
    advice = parse_noise(str(caught.value).split("'")[-2])
    assert advice.parameter == pytest.approx(1 / float(photons), rel=1e-3)
    assert parse_noise("poisson:1").parameter == 1
