"""One conformance suite over every method that is discovered, then the mathematics of each of ours."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor, nn
from torch.nn import functional

from bench.discovery import listings, load_class, parse_method
from bench.errors import InputError
from bench.method import NEEDS, Batch, Method, sees, squared_error
from bench.noise import NOISES, Gamma, Gaussian, Noise, Poisson
from bench.seeds import generator
from bench.unet import UNet
from methods.noise2noise import Noise2Noise
from methods.noise2score import RELATIVE_SCHEDULE, Noise2Score
from methods.noise2void import Noise2Void
from methods.supervised import Supervised
from methods.sure import Sure

GAUSSIAN = Gaussian(25)
LEVELS = {"gaussian": GAUSSIAN, "poisson": Poisson(0.05), "gamma": Gamma(50)}
VARIANTS = ["noise2score:antithetic=True", "noise2score:domain=raw,formula=paper"]
METHODS = {spec: parse_method(spec)[1] for spec in [*listings(), *VARIANTS]}
PAIRS = [(spec, law) for spec, method in METHODS.items() for law in sorted(method.noises)]

every_pair = pytest.mark.parametrize(("spec", "law"), PAIRS)
every_noise = pytest.mark.parametrize("noise", LEVELS.values(), ids=LEVELS)


def rng_of(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def share(progress: float) -> Tensor:
    return torch.tensor(progress)


def awake(channels: int) -> UNet:
    """Make a small net whose last layer is not zero, so that every layer counts."""
    net = UNet(channels, width=4, seed=0)
    nn.init.normal_(net.exit.weight, std=0.05, generator=rng_of(1))
    return net


def images_of(clean: np.ndarray, noise: Noise) -> dict[str, Tensor]:
    """Give every image that a method may declare, of clean (B, C, H, W)."""
    copies = {name: noise.sample(clean, generator("test", name)) for name in ("noisy", "noisy2")}
    return {name: torch.from_numpy(image) for name, image in {**copies, "clean": clean}.items()}


def batch_of(method: Method | type[Method], noise: Noise, *, channels: int = 1, count: int = 3) -> Batch:
    """Give smooth patches with what the method declares, and nothing else."""
    rough = generator("patches", channels).random((count, channels, 40, 40))
    clean = 0.1 + 0.8 * ndimage.gaussian_filter(rough, (0, 0, 2, 2)).astype(np.float32)
    images = images_of(clean, noise)
    return Batch(
        {name: image for name, image in images.items() if name in method.needs},
        noise if "noise" in method.needs else None,
    )


# Every method keeps the contract


@pytest.mark.parametrize("name", listings())
def test_declares_what_the_contract_knows(name: str):
    method = load_class(name)
    assert "noisy" in method.needs <= set(NEEDS)
    assert set() < method.noises <= set(NOISES)
    assert method.precision in ("bfloat16", "float32")
    assert sees(method).startswith("noisy")
    assert method().settings == ""  # every hyper-parameter has a default


@every_pair
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("progress", [0.0, 1.0])
def test_loss_trains_the_network(spec: str, law: str, channels: int, progress: float):
    method, net = METHODS[spec], awake(channels)
    # The batch holds what is declared and no more, so reaching for the rest would raise WithheldError.
    losses = method.loss(net, batch_of(method, LEVELS[law], channels=channels), rng_of(), share(progress))
    assert losses.shape == (3,)
    assert losses.dtype == torch.float32
    assert torch.isfinite(losses).all()
    losses.mean().backward()
    for weights in net.parameters():
        assert torch.isfinite(weights.grad).all()
        assert weights.grad.any()


@every_pair
def test_loss_is_a_function_of_its_generator(spec: str, law: str):
    method, net = METHODS[spec], awake(1)
    batch = batch_of(method, LEVELS[law])
    before = {name: image.clone() for name, image in batch.images.items()}
    torch.manual_seed(0)
    first = method.loss(net, batch, rng_of(), share(0.5))
    torch.manual_seed(1)
    assert torch.equal(first, method.loss(net, batch, rng_of(), share(0.5)))
    assert all(torch.equal(before[name], image) for name, image in batch.images.items())


@every_pair
def test_loss_of_an_image_depends_on_that_image_alone(spec: str, law: str):
    method = METHODS[spec]
    batch = batch_of(method, LEVELS[law])
    for image in batch.images.values():
        image.requires_grad_()
    method.loss(awake(1), batch, rng_of(), share(0.5))[1].backward()
    for image in batch.images.values():
        assert image.grad[1].any()
        assert not image.grad[[0, 2]].any()


@every_pair
@pytest.mark.parametrize("shape", [(1, 1, 37, 21), (2, 3, 5, 33), (1, 3, 1, 1)])
def test_denoise_keeps_any_shape(spec: str, law: str, shape: tuple[int, ...]):
    method, noise = METHODS[spec], LEVELS[law]
    clean = generator("odd").random(shape, dtype=np.float32)
    noisy = torch.from_numpy(noise.sample(clean, generator("odd noise")))
    with torch.inference_mode():
        denoised = method.denoise(awake(shape[1]), noisy, noise if "noise" in method.needs else None)
    assert denoised.shape == noisy.shape
    assert denoised.dtype == torch.float32
    assert torch.isfinite(denoised).all()


@every_pair
def test_images_are_denoised_alone(spec: str, law: str):
    method, noise, net = METHODS[spec], LEVELS[law], awake(1).double()
    noisy = batch_of(method, noise).noisy.double()
    denoise = partial(method.denoise, net, noise=noise if "noise" in method.needs else None)
    alone = torch.cat([denoise(image[None]) for image in noisy])
    torch.testing.assert_close(denoise(noisy), alone, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        (Noise2Void, "fraction", (0.0, -0.1, 1.5, np.nan, np.inf)),
        (Noise2Void, "radius", (0, -1)),
        (Sure, "eps", (0.0, -1.0, np.nan, np.inf)),
        (Noise2Score, "start", (0.0, -1.0, np.nan, np.inf)),
        (Noise2Score, "end", (0.0, -1.0, np.nan, np.inf)),
    ],
)
def test_hyper_parameter_out_of_range(method: type[Method], name: str, values: tuple[float, ...]):
    for value in values:
        with pytest.raises(InputError, match=f"{name} is {value}"):
            method(**{name: value})


def test_hyper_parameters_at_the_ends_of_their_ranges():
    assert Noise2Void(fraction=1.0, radius=1).hyper_parameters == {"fraction": 1.0, "radius": 1}


# Supervised, Noise2Noise


@pytest.mark.parametrize(("method", "target"), [(Supervised(), "clean"), (Noise2Noise(), "noisy2")])
def test_squared_error_of_each_image(method: Method, target: str):
    batch, net = batch_of(method, GAUSSIAN, channels=3), awake(3)
    losses = method.loss(net, batch, rng_of(), share(0))
    difference = (net(batch.noisy) - batch.images[target]).detach().double().numpy()
    np.testing.assert_allclose(losses.detach(), (difference**2).mean(axis=(1, 2, 3)), rtol=1e-5)


# Noise2Void


class Spy:
    """A network that remembers what it was shown."""

    def __init__(self, net) -> None:
        self.net = net
        self.seen: list[Tensor] = []

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return self.net(image)


def test_no_prediction_sees_the_pixel_that_it_is_compared_with():
    method, net = Noise2Void(fraction=1e-9), awake(1).double()
    noisy = batch_of(method, GAUSSIAN, count=20).noisy.double().requires_grad_()
    losses = method.loss(net, Batch({"noisy": noisy}, None), rng_of(), share(0))
    losses.sum().backward()
    masked, _ = method.blind_spots(40, 40, count=20, rng=rng_of())
    own = noisy.grad.flatten(start_dim=1).gather(1, masked).squeeze(1)
    # The loss is (f - y)^2 at one pixel. Were f to move with y, its slope would not be 2 |f - y|.
    torch.testing.assert_close(own.abs(), 2 * losses.detach().sqrt(), rtol=1e-10, atol=0)
    assert (noisy.grad != 0).sum(dim=(1, 2, 3)).min() > 1000  # while f does look at nearly everything else


def test_pixels_are_blinded_in_all_channels_at_once():
    method, spy = Noise2Void(), Spy(awake(3))
    batch = batch_of(method, GAUSSIAN, channels=3)
    losses = method.loss(spy, batch, rng_of(), share(0))
    masked, replacement = method.blind_spots(40, 40, count=3, rng=rng_of())
    (blinded,) = spy.seen
    noisy, shown = batch.noisy.flatten(2).numpy(), blinded.flatten(2).numpy()
    estimate = spy.net(blinded).flatten(2).detach().numpy()
    for image in range(3):
        others = np.setdiff1d(np.arange(40 * 40), masked[image])
        np.testing.assert_array_equal(shown[image][:, others], noisy[image][:, others])
        np.testing.assert_array_equal(shown[image][:, masked[image]], noisy[image][:, replacement[image]])
        error = (estimate - noisy)[image][:, masked[image]]
        assert losses[image].item() == pytest.approx((error.astype(np.float64) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.02, 32), (0.00198, 3), (0.0024, 4), (1e-9, 1), (1.0, 1600)]
)
def test_number_of_blind_spots(fraction: float, expected: int):
    masked, replacement = Noise2Void(fraction=fraction).blind_spots(40, 40, count=50, rng=rng_of())
    assert masked.shape == replacement.shape == (50, expected)
    assert all(len(set(row.tolist())) == expected for row in masked)


def test_blind_spots_lie_anywhere():
    masked, _ = Noise2Void(fraction=0.1).blind_spots(8, 10, count=4000, rng=rng_of())
    assert uniform(masked.flatten().numpy(), choices=np.arange(80))


def uniform(values: np.ndarray, *, choices: np.ndarray) -> bool:
    """Tell by chi-squared whether every one of ``choices``, and nothing else, is equally frequent."""
    found, counts = np.unique(values, return_counts=True)
    return np.array_equal(found, choices) and stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("pixel", [(4, 5), (0, 0), (0, 9), (7, 9), (7, 0), (1, 4), (3, 8), (0, 5)])
def test_replacement_is_any_neighbour_but_never_the_pixel(radius: int, pixel: tuple[int, int]):
    height, width = 8, 10
    method = Noise2Void(fraction=1.0, radius=radius)
    masked, replacement = method.blind_spots(height, width, count=5000, rng=rng_of())
    drawn = replacement[masked == pixel[0] * width + pixel[1]].numpy()
    rows, columns = np.divmod(np.arange(height * width), width)
    distance = np.maximum(abs(rows - pixel[0]), abs(columns - pixel[1]))
    assert len(drawn) == 5000
    assert uniform(drawn, choices=np.flatnonzero((distance > 0) & (distance <= radius)))


# SURE and its kin


def filter_of(taps: np.ndarray):
    """Make the linear network that correlates each image with a 3x3 filter, zero beyond the border."""
    weight = torch.from_numpy(taps)[None, None]
    return lambda image: functional.conv2d(image, weight.to(image.dtype), padding=1)


def curved(image: Tensor) -> Tensor:
    """Be non-linear in each pixel and its neighbours."""
    return 0.1 + 0.7 * torch.tanh(filter_of(TAPS)(image)) + 0.05 * torch.sin(6 * image)


TAPS = np.array([[0.02, 0.1, 0.05], [0.15, 0.4, 0.03], [0.01, 0.1, 0.08]])


def sure_and_truth(net, noise: Noise, *, draws: int, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """Give the estimated and the true risk of ``draws`` noisy copies of one clean image."""
    clean = 0.3 + 0.5 * generator("clean").random((1, 1, 12, 12))
    noisy = torch.from_numpy(noise.sample(clean.repeat(draws, axis=0), generator("draws"))).double()
    estimated = Sure(eps=eps).loss(net, Batch({"noisy": noisy}, noise), rng_of(), share(0))
    true = (net(noisy) - torch.from_numpy(clean)).square().mean(dim=(1, 2, 3))
    return estimated.numpy(), true.numpy()


@pytest.mark.parametrize(
    ("net", "noise", "bias"),
    [
        # Unbiased for a linear network, whatever the noise.
        *((filter_of(TAPS), noise, 0.0) for noise in LEVELS.values()),
        # A finite step misses the divergence by eps^2 f''' / 6, which is 6e-4 of that of sin 6 y.
        (curved, GAUSSIAN, 0.001),
        # The Gamma risk and PURE stop at the first order in 1 / k and in zeta.
        (curved, LEVELS["gamma"], 0.01),
        (curved, Poisson(0.01), 0.02),
    ],
)
def test_risk_is_estimated_without_bias(net, noise: Noise, bias: float):
    estimated, true = sure_and_truth(net, noise, draws=8000, eps=0.01)
    difference = estimated - true
    limit = 4 * difference.std() / np.sqrt(len(difference))
    assert limit < 0.01 * true.mean()  # the draws are enough to say something
    assert difference.mean() == pytest.approx(0, abs=limit + bias * true.mean())


def weight_and_unit(noise: Noise, y: np.ndarray) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Give the factor of the divergence and the unit of the step, as in the equations of `Sure`."""
    match noise:
        case Gaussian(sigma=sigma):
            return (sigma / 255) ** 2, 1.0
        case Poisson(zeta=zeta):
            return zeta * y, 1.0
        case Gamma(k=k):
            return y / (k + 1), y


@every_noise
def test_probe_of_a_filter_is_exact(noise: Noise):
    """For a linear network the finite difference is b . (J b), at any step."""
    spy = Spy(filter_of(TAPS))
    noisy = batch_of(Sure, noise).noisy.double()
    losses = Sure(eps=0.01).loss(spy, Batch({"noisy": noisy}, noise), rng_of(), share(0))
    y, moved = (half.numpy()[:, 0] for half in torch.cat(spy.seen).chunk(2))
    np.testing.assert_array_equal(y, noisy[:, 0])
    weight, unit = weight_and_unit(noise, y)
    probe = (moved - y) / (0.01 * unit)
    np.testing.assert_allclose(abs(probe), 1, rtol=1e-10)
    assert abs(probe.mean()) < 5 / np.sqrt(probe.size)
    filtered = partial(ndimage.correlate, weights=TAPS[None], mode="constant")
    risk = (filtered(y) - y) ** 2 - weight * unit + 2 * weight * probe * filtered(probe * unit)
    np.testing.assert_allclose(losses, risk.mean(axis=(1, 2)), rtol=1e-9)


@every_noise
def test_step_does_not_matter_to_a_filter(noise: Noise):
    noisy = batch_of(Sure, noise).noisy.double()
    wide, narrow = (
        Sure(eps=eps).loss(filter_of(TAPS), Batch({"noisy": noisy}, noise), rng_of(), share(0))
        for eps in (0.1, 0.001)
    )
    torch.testing.assert_close(wide, narrow, rtol=1e-9, atol=0)


# Noise2Score

every_domain = pytest.mark.parametrize("domain", ["stabilised", "raw"])


def network_with(score, noise: Noise, method: Noise2Score):
    """Make the network whose residual stands for a given score of v.

    The residual of a network r is read as variance s, and of a logarithm as y variance s.
    """
    variance = method.coordinates(noise).variance
    logarithm = isinstance(noise, Gamma) and method.domain == "stabilised"

    def network(seen: Tensor) -> Tensor:
        v, slope = (torch.log(seen), seen) if logarithm else (seen, 1.0)
        return seen + slope * variance * score(v)

    return network


def normal_score(v: Tensor, *, mean: float, variance: float) -> Tensor:
    return (mean - v) / variance


@every_domain
@every_noise
def test_residual_is_read_back_as_the_score(noise: Noise, domain: str):
    method = Noise2Score(domain=domain)
    coordinates = method.coordinates(noise)
    v = coordinates.enter(torch.linspace(0.1, 1, 10, dtype=torch.float64))
    network = network_with(torch.sin, noise, method)
    torch.testing.assert_close(coordinates.score(network, v), torch.sin(v), rtol=1e-9, atol=0)


@every_noise
def test_residual_is_worth_one_noise_variance(noise: Noise):
    """A start from zero, or any residual, means the same denoising at every level of noise."""
    coordinates = Noise2Score().coordinates(noise)
    assert coordinates.variance == pytest.approx(noise.stabilised_sd**2)
    raw = Noise2Score(domain="raw").coordinates(noise)
    assert raw.variance == pytest.approx(float(noise.variance(np.array(0.5))))


@every_domain
@pytest.mark.parametrize("relative", [0.1, 0.5, 1.0])
def test_two_steps_give_the_mean_under_a_gaussian_prior(domain: str, relative: float):
    """The exact score of p * N(0, sigma_a^2) gives E[x given y'], y' of the total variance, at y' = y."""
    noise, mean, prior = GAUSSIAN, 0.45, 0.03
    sigma_a = relative * noise.sd
    method = Noise2Score(domain=domain, end=relative if domain == "stabilised" else sigma_a)
    total = noise.sd**2 + sigma_a**2
    network = network_with(partial(normal_score, mean=mean, variance=prior + total), noise, method)
    y = torch.linspace(-0.2, 1.2, 30, dtype=torch.float64).view(1, 1, 5, 6)
    posterior_mean = mean + prior / (prior + total) * (y - mean)
    torch.testing.assert_close(method.denoise(network, y, noise), posterior_mean, rtol=0, atol=1e-6)
    # The paper's form takes off too little, by the share of sigma^2 in the total variance.
    paper = Noise2Score(domain=domain, end=method.end, formula="paper").denoise(network, y, noise)
    too_little = noise.sd**2 / total * (posterior_mean - y)
    torch.testing.assert_close(paper - y, too_little, rtol=0, atol=1e-6)


def losses_at(score, noise: Noise, method: Noise2Score, *, count: int = 40, size: int = 100) -> Tensor:
    """Give the losses where v is N(MIDDLE, SPREAD^2), so that its score is known."""
    coordinates = method.coordinates(noise)
    v = MIDDLE + SPREAD * torch.randn((count, 1, size, size), generator=rng_of(1), dtype=torch.float64)
    batch = Batch({"noisy": coordinates.leave(v)}, noise)
    return method.loss(network_with(score, noise, method), batch, rng_of(), share(1))


MIDDLE, SPREAD = 0.6, 0.05


def blurred_score(noise: Noise, method: Noise2Score, *, sigma_a: float | None = None):
    perturbation = method.sigma_a(noise, share(1)).item() if sigma_a is None else sigma_a
    return partial(normal_score, mean=MIDDLE, variance=SPREAD**2 + perturbation**2)


@pytest.mark.parametrize("antithetic", [False, True])
@every_domain
@every_noise
def test_loss_is_least_at_the_score_of_the_perturbed_images(noise: Noise, domain: str, antithetic: bool):
    method = Noise2Score(domain=domain, end=sized(noise, domain, 0.04), antithetic=antithetic)
    exact = blurred_score(noise, method)
    least = losses_at(exact, noise, method).mean()
    # With 400,000 pixels the minimum over a scale lies within .01 of 1, over a shift within .01 sd.
    others = {
        "scaled down": lambda v: 0.95 * exact(v),
        "scaled up": lambda v: 1.05 * exact(v),
        "shifted down": lambda v: exact(v) - 0.05 / SPREAD,
        "shifted up": lambda v: exact(v) + 0.05 / SPREAD,
        "not perturbed": blurred_score(noise, method, sigma_a=0.0),
    }
    for name, score in others.items():
        assert losses_at(score, noise, method).mean() > least, name


def sized(noise: Noise, domain: str, sigma_a: float) -> float:
    """Give ``end`` for a perturbation of ``sigma_a`` in v."""
    if domain == "stabilised":
        return sigma_a / noise.stabilised_sd
    return sigma_a / noise.zeta if isinstance(noise, Poisson) else sigma_a


@every_domain
@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_loss_is_that_of_the_paper_up_to_a_factor(domain: str, progress: float):
    """Under Gaussian noise, and so is that of Recorrupted-to-Recorrupted; sigma_a is a float32 tensor."""
    noise, method = GAUSSIAN, Noise2Score(domain=domain)
    sigma_a = method.sigma_a(noise, share(progress)).item()
    spy = Spy(network_with(torch.sin, noise, method))
    y = batch_of(method, noise).noisy.double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), share(progress))
    (perturbed,) = spy.seen
    u = (perturbed - y) / sigma_a
    assert u.std().item() == pytest.approx(1, abs=0.05)
    paper = squared_error(u, -sigma_a * torch.sin(perturbed))
    torch.testing.assert_close(losses, paper * noise.sd**4 / sigma_a**2, rtol=1e-6, atol=0)
    total = noise.sd**2 + sigma_a**2
    recorrupted = squared_error(perturbed + total * torch.sin(perturbed), y - noise.sd**2 / sigma_a * u)
    torch.testing.assert_close(losses, recorrupted * noise.sd**4 / total**2, rtol=1e-6, atol=0)


@every_domain
@every_noise
def test_loss_weighs_all_noises_by_what_the_network_sees(noise: Noise, domain: str):
    """A squared error of the network's own output: of intensities where the score is one of log y."""
    method, spy = Noise2Score(domain=domain), Spy(awake(1).double())
    sigma_a = method.sigma_a(noise, share(0.5)).item()
    coordinates = method.coordinates(noise)
    y = batch_of(method, noise).noisy.double()
    losses = method.loss(spy, Batch({"noisy": y}, noise), rng_of(), share(0.5))
    (seen,) = spy.seen
    logarithm = isinstance(noise, Gamma) and domain == "stabilised"
    v, slope = (torch.log(seen), seen) if logarithm else (seen, 1.0)
    u = (v - coordinates.enter(y)) / sigma_a
    target = seen - slope * coordinates.variance * u / sigma_a
    torch.testing.assert_close(losses, squared_error(spy.net(seen), target), rtol=1e-5, atol=0)


def gradients_at_the_score(noise: Noise, method: Noise2Score) -> np.ndarray:
    """Give each image's derivative of its loss by a factor on the exact score, at 1.1."""
    exact, factor = blurred_score(noise, method), torch.full((400, 1, 1, 1), 1.1, dtype=torch.float64)
    factor.requires_grad_()

    def score(v: Tensor) -> Tensor:
        return factor.repeat(len(v) // len(factor), 1, 1, 1) * exact(v)

    losses_at(score, noise, method, count=400, size=16).sum().backward()
    return factor.grad.flatten().numpy()


@every_domain
@every_noise
def test_antithetic_pairs_keep_the_mean_and_spread_less(noise: Noise, domain: str):
    end = sized(noise, domain, 0.005)
    plain, paired = (
        gradients_at_the_score(noise, Noise2Score(domain=domain, end=end, antithetic=antithetic))
        for antithetic in (False, True)
    )
    assert paired.std() < plain.std() / 3
    limit = 5 * np.hypot(plain.std(), paired.std()) / np.sqrt(len(plain))
    assert paired.mean() == pytest.approx(plain.mean(), abs=limit)
    assert paired.mean() > 5 * paired.std() / np.sqrt(len(paired))  # uphill beyond the exact score


def test_antithetic_pairs_meet_both_signs():
    method, noise = Noise2Score(antithetic=True), GAUSSIAN
    spy = Spy(awake(1))
    batch = batch_of(method, noise)
    losses = method.loss(spy, batch, rng_of(), share(0))
    assert losses.shape == (3,)
    (seen,) = spy.seen
    above, below = (half - batch.noisy for half in seen.chunk(2))
    torch.testing.assert_close(above, -below, rtol=0, atol=1e-6)


@every_noise
@pytest.mark.parametrize(
    ("method", "first", "last"),
    [(Noise2Score(start=0.8, end=0.2), 0.8, 0.2), (Noise2Score(), *RELATIVE_SCHEDULE)],
)
def test_schedule_runs_once_from_start_to_end(noise: Noise, method: Noise2Score, first: float, last: float):
    moving = [method.sigma_a(noise, share(progress)).item() for progress in (0, 0.25, 1)]
    expected = [first, 0.75 * first + 0.25 * last, last]
    np.testing.assert_allclose(moving, np.array(expected) * noise.stabilised_sd, rtol=1e-6)


def test_published_schedule_is_in_counts_for_poisson_noise():
    """Kim & Ye's code: sigma_a from .05 to .001, for Poisson noise from 1 to .5 counts."""
    method = Noise2Score(domain="raw", formula="paper")
    ends = {
        name: [method.sigma_a(noise, share(end)).item() for end in (0, 1)] for name, noise in LEVELS.items()
    }
    assert ends["gaussian"] == ends["gamma"] == pytest.approx([0.05, 0.001], rel=1e-5)
    assert ends["poisson"] == pytest.approx([0.05, 0.025], rel=1e-5)


def two_step_method(noise: Noise, domain: str, formula: str, sigma_a: float = 0.04) -> Noise2Score:
    return Noise2Score(domain=domain, formula=formula, end=sized(noise, domain, sigma_a))


@every_domain
def test_gamma_rule_in_either_domain(domain: str):
    """s_w = 1 + y s carries the score over to w = log y, and the rule stays k y / ((k - 1) - y s)."""
    noise, shape, scale = Gamma(50), 6, 2.5
    y = torch.linspace(0.05, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    method = two_step_method(noise, domain, "paper")

    def score(y: Tensor) -> Tensor:
        """Of y under an inverse Gamma prior."""
        return (noise.k - 1) / y - (shape + noise.k) * noise.k / (scale + noise.k * y)

    def score_of_log(w: Tensor) -> Tensor:
        return 1 + torch.exp(w) * score(torch.exp(w))

    network = network_with(score_of_log if domain == "stabilised" else score, noise, method)
    denoised = method.denoise(network, y, noise)
    expected = noise.k * y / (noise.k - 1 - y * score(y))
    torch.testing.assert_close(denoised, expected, rtol=1e-10, atol=0)
    # Which is 1 / E[1/x given y]: the posterior of 1 / x is Gamma(shape + k, rate scale + k y).
    harmonic = (scale + noise.k * y) / (shape + noise.k)
    torch.testing.assert_close(denoised, harmonic, rtol=1e-10, atol=0)


@every_domain
def test_poisson_rule_in_either_domain(domain: str):
    noise, shape, rate = Poisson(0.05), 4, 10
    zeta = noise.zeta
    y = (zeta * torch.arange(30, dtype=torch.float64)).view(1, 1, 5, 6)
    method = two_step_method(noise, domain, "paper")

    def score(y: Tensor) -> Tensor:
        """Of the negative binomial, interpolated by the log-gamma function."""
        z = y / zeta
        return (torch.digamma(z + shape) - torch.digamma(z + 1) - np.log(1 + rate * zeta)) / zeta

    def score_of_root(v: Tensor) -> Tensor:
        """The density of v is p(y) dy/dv with dy/dv = 2 v."""
        return 2 * v * score(v**2 - 3 / 8 * zeta) + 1 / v

    network = network_with(score_of_root if domain == "stabilised" else score, noise, method)
    expected = (y + zeta / 2) * torch.exp(zeta * score(y))
    torch.testing.assert_close(method.denoise(network, y, noise), expected, rtol=1e-10, atol=0)


def test_two_steps_leave_the_logarithm_once():
    """x_hat = y' / (1 - s_w / k) with log y' = log y + sigma_a^2 s_w."""
    noise, sigma_a = Gamma(50), 0.07
    method = two_step_method(noise, "stabilised", "two_step", sigma_a)
    y = torch.linspace(0.05, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    s_w = 3 * torch.sin(torch.log(y))
    denoised = method.denoise(network_with(lambda w: 3 * torch.sin(w), noise, method), y, noise)
    expected = y * torch.exp(sigma_a**2 * s_w) / (1 - s_w / noise.k)
    torch.testing.assert_close(denoised, expected, rtol=1e-6, atol=0)  # sigma_a is a float32 tensor


def test_two_steps_leave_the_root_once():
    noise, sigma_a = Poisson(0.05), 0.05
    method = two_step_method(noise, "stabilised", "two_step", sigma_a)
    y = torch.linspace(0.2, 1.5, 30, dtype=torch.float64).view(1, 1, 5, 6)
    v = torch.sqrt(y + 3 / 8 * noise.zeta)
    s_v = 5 * torch.sin(v)
    denoised = method.denoise(network_with(lambda v: 5 * torch.sin(v), noise, method), y, noise)
    moved = v + sigma_a**2 * s_v
    s_y = s_v / (2 * moved) - 1 / (2 * moved**2)
    expected = (moved**2 + noise.zeta / 8) * torch.exp(noise.zeta * s_y)
    torch.testing.assert_close(denoised, expected, rtol=1e-6, atol=0)


def lattice_score(zeta: float, chances: Tensor, *, blur: float):
    """Give the score of the law of zeta z, z = 0, 1, ... with given chances, blurred by ``blur`` counts."""
    counts = torch.arange(len(chances), dtype=torch.float64)

    def score(y: Tensor) -> Tensor:
        away = counts - y[..., None] / zeta
        parts = chances * torch.exp(-0.5 * (away / blur) ** 2)
        return (parts * away).sum(dim=-1) / parts.sum(dim=-1) / blur**2 / zeta

    return score


@pytest.mark.parametrize(
    ("formula", "blur", "at_least", "at_most"),
    [("two_step", 0.7, 0.0, 0.02), ("paper", 0.7, 0.2, 0.4), ("two_step", 0.2, 5.0, np.inf)],
)
def test_counts_lie_on_a_lattice(formula: str, blur: float, at_least: float, at_most: float):
    """Raw counts need a perturbation of some .7 count, and then the second step; the loss is in dB."""
    noise, shape, rate = Poisson(0.05), 81, 180
    growth = 1 + rate * noise.zeta
    counts = np.arange(100)
    chances = stats.nbinom.pmf(counts, shape, 1 - 1 / growth)
    method = Noise2Score(domain="raw", formula=formula, end=blur)
    score = lattice_score(noise.zeta, torch.from_numpy(chances), blur=blur)
    y = noise.zeta * torch.from_numpy(counts).double().view(1, 1, 10, 10)
    denoised = method.denoise(network_with(score, noise, method), y, noise).flatten().numpy()
    # The posterior of x is Gamma(z + shape, rate + 1 / zeta).
    posterior = stats.gamma(counts + shape, scale=noise.zeta / growth)
    excess = (chances * (denoised - posterior.mean()) ** 2).sum() / (chances * posterior.var()).sum()
    assert at_least <= 10 * np.log10(1 + excess) < at_most
