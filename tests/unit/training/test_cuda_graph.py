"""A training step captured as a CUDA graph is the eager step, and waits for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch

from bench.conformance.case import small_unet
from bench.method import Method, squared_error
from bench.training.engine import make_step
from bench.training.step import TrainingError
from tests.support.stepping import (
    CUDA,
    GAUSSIAN,
    METHODS,
    UNKNOWN,
    every_method,
    flat,
    patches_of,
    share_of_the_way,
    stepped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.image_set import ImageSet
    from bench.noise import Noise
    from bench.noise.blind import UnknownNoise


@pytest.mark.gpu
@every_method
@pytest.mark.parametrize("noise", [GAUSSIAN, UNKNOWN], ids=["known", "unknown"])
def test_a_captured_step_is_the_eager_one(
    tiny_set: Callable[[int], ImageSet],
    monkeypatch: pytest.MonkeyPatch,
    method: Method,
    noise: Noise | UnknownNoise,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    patches = patches_of(tiny_set(1), method, steps=20, noise=noise, device=CUDA)
    graph, eager = (stepped(method, patches, device=CUDA, engine=engine) for engine in ("graph", "eager"))
    # Sums in another order come to 1e-6 to 3e-5; the seed, batch, progress, noise level or learning rate of
    # another step to more than .05.
    assert share_of_the_way(graph, eager) < 1e-3


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@every_method
@pytest.mark.parametrize("engine", ["eager", "graph"])
@pytest.mark.parametrize("noise", [GAUSSIAN, UNKNOWN], ids=["known", "unknown"])
def test_no_step_waits_for_the_device(
    tiny_set: Callable[[int], ImageSet], method: Method, engine: str, noise: Noise | UnknownNoise
) -> None:
    patches = patches_of(tiny_set(1), method, steps=8, noise=noise, device=CUDA)
    step_once = make_step(
        small_unet(1).to(CUDA),
        method,
        sampling=patches.sampling,
        precision="bfloat16",
        device=CUDA,
        engine=engine,
    )
    for step in range(4):
        step_once(step, patches(step))
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [step_once(step, patches(step)) for step in range(4, 8)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.isfinite(torch.stack(losses)).all()
    assert len({loss.item() for loss in losses}) == 4  # each step has a loss of its own


@dataclass(frozen=True)
class Waiting(Method):
    """Reads a number off the device in its loss."""

    needs = frozenset({"noisy"})

    def loss(self, net: Any, batch: Any, rng: torch.Generator, progress: torch.Tensor) -> torch.Tensor:
        return squared_error(net(batch.noisy), batch.noisy) * (1 + progress.item())

    def denoise(self, net: Any, noisy: torch.Tensor, noise: Any) -> torch.Tensor:
        return net(noisy)


@pytest.mark.gpu
def test_a_loss_that_waits_for_the_device_is_refused_with_the_engine_to_use(
    tiny_set: Callable[[int], ImageSet],
) -> None:
    patches = patches_of(tiny_set(1), Waiting(), steps=6, device=CUDA)
    with pytest.raises(TrainingError, match=r"Waiting's loss cannot be captured .* --engine eager"):
        stepped(Waiting(), patches, device=CUDA, engine="graph")
    # The process is still usable: eagerly with the same method, recorded with another.
    assert torch.isfinite(flat(stepped(Waiting(), patches, device=CUDA))).all()
    method = METHODS["supervised"]
    patches = patches_of(tiny_set(1), method, steps=6, device=CUDA)
    assert torch.isfinite(flat(stepped(method, patches, device=CUDA, engine="graph"))).all()
