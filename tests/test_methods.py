"""One conformance suite over every method that is discovered."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from bench.discovery import listings, load_class, parse_method
from bench.errors import InputError
from bench.method import NEEDS, Method, sees
from bench.noise import NOISES
from bench.seeds import generator
from methods.noise2score import Noise2Score
from methods.noise2void import Noise2Void
from methods.sure import Sure
from tests.helpers import LEVELS, awake, batch_of, rng_of, share

VARIANTS = ["noise2score:antithetic=True", "noise2score:domain=raw,formula=paper"]
METHODS = {spec: parse_method(spec)[1] for spec in [*listings(), *VARIANTS]}
PAIRS = [(spec, law) for spec, method in METHODS.items() for law in sorted(method.noises)]

every_pair = pytest.mark.parametrize(("spec", "law"), PAIRS)


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
