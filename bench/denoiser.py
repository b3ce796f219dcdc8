"""A trained denoiser, of use beyond its score."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from bench.blind import UnknownNoise, told
from bench.devices import exact_float32
from bench.discovery import build, load_class, source_hash
from bench.errors import InputError
from bench.noise import NOISES, Noise
from bench.runs import PROTOCOL, Run
from bench.seal import FACTS, DamagedRunError, read_facts, read_file
from bench.step import in_precision
from bench.store import WEIGHTS
from bench.unet import UNet

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Method, Network


@dataclass
class Meter:
    """A network that counts the values it is given."""

    net: Network
    values: int = 0

    def __call__(self, image: Tensor) -> Tensor:
        """Give what the network does."""
        self.values += image.numel()
        return self.net(image)


@dataclass(frozen=True)
class Denoiser:
    """A method's rule with a trained network.

    Args:
        net: the trained U-Net, on ``device``; where nothing is trained, the U-Net as it was made.
        method: turns the network into a denoiser.
        noise: for which it was trained; where the parameter is unknown, it is estimated for each image.
        device: where it computes.
    """

    net: UNet
    method: Method
    noise: Noise | UnknownNoise
    device: torch.device

    def __call__(self, noisy: Tensor) -> Tensor:
        """Denoise (B, C, H, W) float images of any size, intensities in [0, 1] but not clipped.

        Computes in float32 and returns float32 on the denoiser's device, same shape, not clipped either.

        Raises:
            InputError: they are no tensor of floats, the shape or the number of channels is not what the
                network was trained for, or the noise cannot be estimated where it must be.
        """
        return self.metered(noisy)[0]

    @torch.inference_mode()
    def metered(self, noisy: Tensor) -> tuple[Tensor, float]:
        """Denoise, and count the passes: what the network was given, in sizes of the images.

        Raises:
            InputError: as on denoising.
        """
        images = self._admit(noisy)
        meter = Meter(self._network())
        denoised = self.method.denoise(meter, images, self._told(images))
        return denoised, meter.values / images.numel()

    @torch.inference_mode()
    def estimate(self, noisy: Tensor) -> float | None:
        """Estimate the parameter of the noise of one image (1, C, H, W).

        Returns:
            What the method takes it to be; None where the method sees no noise, or is told the parameter and
            keeps to it.

        Raises:
            InputError: as on denoising.
        """
        images = self._admit(noisy)
        noise = self._told(images)
        if noise is None:
            return None
        estimate = self.method.estimate(self._network(), images, noise)
        return None if estimate is self.noise else estimate.parameter

    def _admit(self, noisy: Tensor) -> Tensor:
        if not isinstance(noisy, torch.Tensor) or not noisy.is_floating_point():
            given = noisy.dtype if isinstance(noisy, torch.Tensor) else type(noisy).__name__
            raise InputError(f"the denoiser needs a tensor of floats, white being 1, but was given {given}")
        channels = self.net.channels
        if noisy.ndim != 4 or noisy.shape[1] != channels:
            raise InputError(
                f"the denoiser needs images of shape (B, {channels}, H, W), "
                f"but was given {tuple(noisy.shape)}"
            )
        return noisy.to(self.device, torch.float32)

    def _network(self) -> Network:
        exact_float32()
        return in_precision(self.net.eval(), "float32", self.device)

    def _told(self, images: Tensor) -> Noise | None:
        if "noise" not in self.method.needs:
            return None
        if isinstance(self.noise, Noise):
            return self.noise
        levels = [told(self.noise, image.movedim(0, -1).cpu().numpy()).parameter for image in images]
        return self.noise.law(torch.tensor(levels, device=self.device).view(-1, 1, 1, 1))


def load_run(folder: str | Path, *, device: str | torch.device = "cpu") -> Denoiser:
    """Load the trained denoiser of a finished run.

    Args:
        folder: of the run, which holds ``run.json`` and ``weights.safetensors``.
        device: where it shall compute.

    Raises:
        InputError: the folder holds no finished run with its weights, or one of another protocol.
    """
    folder = Path(folder)
    for name in (FACTS, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(f"{str(folder)!r} is not a finished run with weights: it has no {name}")
    facts = read_facts(folder)
    run = facts.get("run", {})
    if absent := {field.name for field in fields(Run)} - {*run}:
        raise DamagedRunError(f"{folder / FACTS} is damaged: run lacks {', '.join(sorted(absent))}")
    if facts["protocol"] != PROTOCOL:
        raise InputError(
            f"{str(folder)!r} was trained under protocol {facts['protocol']}, whose network this version, of "
            f"protocol {PROTOCOL}, does not know; train it anew"
        )
    method_class = load_class(run["method"])
    if source_hash(method_class) != facts["source"]["sha256"]:
        message = f"the file of {run['method']!r} has changed since {folder.name} was trained"
        warnings.warn(message, stacklevel=2)
    net = UNet(run["channels"], width=run["width"], seed=run["seed"])
    try:
        net.load_state_dict(load(read_file(folder, WEIGHTS, facts)))
    except (SafetensorError, RuntimeError) as error:
        raise DamagedRunError(f"{folder / WEIGHTS} holds no weights of the run: {error}") from error
    opened = torch.device(device)
    law, parameter = NOISES[run["noise"]], run["parameter"]
    noise = UnknownNoise(law, *parameter) if isinstance(parameter, list) else law(parameter)
    return Denoiser(net.to(opened), build(method_class, run["hyper_parameters"]), noise, opened)
