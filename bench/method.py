"""The contract between a method and the harness: what a method provides, and what it may see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from bench.errors import InputError
from bench.noise import Noise

if TYPE_CHECKING:
    from bench.settings import Precision

Need = Literal["noisy", "noisy2", "clean", "noise"]
NEEDS: tuple[Need, ...] = ("noisy", "noisy2", "clean", "noise")
Network = Callable[[Tensor], Tensor]


class WithheldError(RuntimeError):
    """A method accessed something that it did not declare in ``needs``."""


@dataclass(frozen=True)
class Batch:
    """The part of the training patches that a method sees; everything else is withheld.

    Images are float32 intensities, (B, C, P, P), neither clipped nor rounded.

    Args:
        images: the declared images, by the name of the need.
        model: the noise with its parameter, if declared; with an estimate for each image, (B, 1, 1, 1), if
            the parameter is unknown.
        multipliers: the method's Lagrange multipliers by name, 0-d and positive.
    """

    images: dict[str, Tensor]
    model: Noise | None
    multipliers: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def noisy(self) -> Tensor:
        """y, the one noisy copy of each patch."""
        return self._declared("noisy")

    @property
    def noisy2(self) -> Tensor:
        """A second noisy copy, independent of the first."""
        return self._declared("noisy2")

    @property
    def clean(self) -> Tensor:
        """x, the clean patches."""
        return self._declared("clean")

    @property
    def noise(self) -> Noise:
        """The noise model with its parameter."""
        if self.model is None:
            raise WithheldError("the batch holds no 'noise': declare it in `needs`")
        return self.model

    @property
    def size(self) -> int:
        """B, the number of patches."""
        return len(next(iter(self.images.values())))

    def first(self, count: int) -> Batch:
        """Return a batch of the first few patches."""
        model = self.model
        if isinstance(model, Noise) and isinstance(model.level, torch.Tensor):
            model = type(model)(model.level[:count])
        return replace(self, images={need: image[:count] for need, image in self.images.items()}, model=model)

    def _declared(self, need: str) -> Tensor:
        if need not in self.images:
            raise WithheldError(f"the batch holds no {need!r}: declare it in `needs`")
        return self.images[need]


@dataclass(frozen=True)
class Method(ABC):
    """One way to train a denoiser; its fields are its hyper-parameters and enter the key of a run.

    Attributes:
        needs: what the method sees; the harness withholds the rest.
        noises: the noise models for which it is defined.
        precision: the lowest precision in which its loss is numerically stable.
        multipliers: initial values of its Lagrange multipliers, above 0, by name. The harness updates them by
            gradient ascent on the loss, and the network by gradient descent.
        patch_scale: factor on the side of its patches, for a loss that trains on sub-images of them. The
            number of patches per step is divided by it, so that a step costs about as much as a supervised
            one.
        packages: packages on which its results depend, in addition to the harness's own; their versions are
            recorded.
    """

    needs: ClassVar[frozenset[Need]]
    noises: ClassVar[frozenset[str]] = frozenset({"gaussian", "poisson", "gamma"})
    precision: ClassVar[Precision] = "bfloat16"
    multipliers: ClassVar[Mapping[str, float]] = {}
    patch_scale: ClassVar[int] = 1
    packages: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Compute the loss of each image of a batch, shape (B,).

        Args:
            net: network that maps (B, C, H, W) float32 to the same shape, by adding the last layer's output
                to its input.
            batch: the declared images and noise, and nothing else.
            rng: the only source of randomness, on the batch's device.
            progress: 0-d tensor, the fraction of the steps already done, from 0 to 1.
        """

    @abstractmethod
    def denoise(self, net: Network, noisy: Tensor, noise: Noise | None) -> Tensor:
        """Denoise whole images with the trained network.

        Args:
            net: as in ``loss``.
            noisy: y, (B, C, H, W), float32, any size.
            noise: the noise model with its parameter if ``needs`` declares it, else None.
        """

    def estimate(self, net: Network, noisy: Tensor, noise: Noise) -> Noise:
        """Estimate the noise of whole images with the trained network; the default returns the given noise.

        The harness only records the estimate; ``denoise`` is given ``noise`` too and may call this method.

        Args:
            net: as in ``loss``.
            noisy: as in ``denoise``.
            noise: the model with its parameter, or with the harness's estimate if the parameter is unknown.
        """
        return noise

    @property
    def hyper_parameters(self) -> dict[str, Any]:
        """All hyper-parameters with their values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def settings(self) -> str:
        """The non-default hyper-parameters, in command-line form: ``domain=raw,formula=paper``."""
        changed = [field for field in fields(self) if getattr(self, field.name) != field.default]
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in changed)


@dataclass(frozen=True)
class Untrained(Method):
    """A denoiser that is not trained, as a reference.

    Its ``denoise`` is given an untrained network and ignores it.
    """

    precision: ClassVar[Precision] = "float32"

    def loss(self, net: Network, batch: Batch, rng: torch.Generator, progress: Tensor) -> Tensor:
        """Raise an error, since there is nothing to train."""
        raise InputError(f"{type(self).__name__} is not trained, so it has no loss")


def sees(method: type[Method] | Method, *, blind: bool = False) -> str:
    """Describe what a method sees in training, in the order of the contract, such as ``noisy + noise``.

    For an untrained method, it is what the method is given with the image to denoise: ``noisy + noise,
    untrained``.

    Args:
        method: a method or its class.
        blind: whether the noise's parameter is withheld; ``noise model`` then replaces ``noise``.
    """
    seen = [need for need in NEEDS if need in method.needs]
    text = " + ".join("noise model" if blind and need == "noise" else need for need in seen)
    kind = method if isinstance(method, type) else type(method)
    return f"{text}, untrained" if issubclass(kind, Untrained) else text


def squared_error(estimate: Tensor, target: Tensor) -> Tensor:
    """Compute the mean squared error of each image, for two tensors (B, C, H, W), shape (B,)."""
    return (estimate - target).square().mean(dim=(1, 2, 3))
