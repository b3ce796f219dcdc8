"""Networks that are trained step by step, without the training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from bench.conformance.case import small_unet
from bench.discovery import listings, parse_method
from bench.method import Method, Untrained
from bench.noise import Gaussian
from bench.noise.blind import UnknownNoise
from bench.protocol import CLIP_RATIO, LEARNING_RATES, OPTIMISER
from bench.settings import OptimiserSettings
from bench.training.engine import make_step
from bench.training.patches import Patches, Sampling

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet
    from bench.noise import Noise
    from bench.protocol import OptimiserName
    from bench.training.unet import UNet

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
GAUSSIAN, UNKNOWN = Gaussian(25), UnknownNoise(Gaussian, 20, 55)
METHODS = {
    spec: method
    for spec in [*listings(), "noise2score:antithetic=True", "noise2score:domain=raw,formula=paper"]
    if not isinstance(method := parse_method(spec)[1], Untrained)
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def patches_of(
    images: ImageSet,
    method: Method,
    *,
    steps: int,
    seed: int = 0,
    batch: int = 4,
    noise: Noise | UnknownNoise = GAUSSIAN,
    device: torch.device = CPU,
) -> Patches:
    sampling = Sampling(steps, batch, 32, seed)
    return Patches(images, noise, needs=method.needs, sampling=sampling, device=device)


def stepped(
    method: Method,
    patches: Patches,
    *,
    device: torch.device = CPU,
    engine: str = "eager",
    optimiser: OptimiserName = OPTIMISER,
) -> UNet:
    """Train a small net step by step."""
    net = small_unet(1).to(device)
    step_once = make_step(
        net,
        method,
        sampling=patches.sampling,
        precision="float32",
        device=device,
        engine=engine,
        optimiser=OptimiserSettings(optimiser, LEARNING_RATES[optimiser], CLIP_RATIO),
    )
    for step in range(patches.sampling.steps):
        step_once(step, patches(step))
    return net


def flat(net: UNet) -> torch.Tensor:
    return torch.cat([weight.detach().flatten().cpu() for weight in net.parameters()])


def share_of_the_way(first: UNet, second: UNet) -> float:
    """Compare how far two nets are apart with how far they came."""
    start = flat(small_unet(1))
    return ((flat(first) - flat(second)).norm() / (flat(second) - start).norm()).item()
