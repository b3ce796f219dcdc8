"""Poisson-Gaussian noise, that of cameras and microscopes: its variance is a x + b.

A sensor counts photons, amplifies them and adds electronic noise and a black level. Foi, Trimeche, Katkovnik
and Egiazarian, "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", IEEE
Transactions on Image Processing 17, 2008, equation 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from bench.errors import InputError
from bench.noise.models import Level, Noise
from bench.noise.unbiased_inverse import counts_of_mean_root

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True)
class PoissonGaussian(Noise):
    """y = black + a Poisson((x - black) / a) + N(0, max(b, 0)), of variance a x + b.

    The black level is -b / a where b is negative: a camera that adds one has less noise than a x. Elsewhere
    it is 0, since a black level with more electronic noise would give the same a and b.

    Both parameters are numbers, or tensors (B, 1, 1, 1) with one value per image.
    """

    name: ClassVar[str] = "poisson-gaussian"
    example: ClassVar[float] = 0.01
    growth: ClassVar[float] = 0.5
    blind_range: ClassVar[tuple[float, float]] = (0.005, 0.1)
    a: Level
    b: Level

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.b, Tensor) and not math.isfinite(self.b):
            raise InputError(f"{self.name} noise needs a finite b, but b is {self.b}")

    @property
    def spec(self) -> str:
        """The name with both parameters, such as ``poisson-gaussian:0.01,0.0004``."""
        return f"{super().spec},{str(float(self.b)).removesuffix('.0')}"

    @property
    def black(self) -> Level:
        """The intensity without light."""
        return _at_least_0(-self.b) / self.a

    @property
    def read_variance(self) -> Level:
        """The variance of the electronic noise."""
        return _at_least_0(self.b)

    @classmethod
    def of_stabilised_sd(cls, sd: Level) -> Self:
        """Return the noise with a = 4 sd^2 and without electronic noise."""
        return cls(4 * sd**2, 0.0)

    def sample(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw scaled counts and add normal noise; nothing is darker than the black level."""
        a, black, read_sd = self.parameter, float(self.black), math.sqrt(float(self.read_variance))
        counts = rng.poisson(np.maximum(clean.astype(np.float64) - black, 0) / a)
        return (black + a * counts + read_sd * rng.standard_normal(clean.shape)).astype(np.float32)

    def draw(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """Draw scaled counts and add normal noise."""
        counts = torch.poisson((clean - self.black).clamp(min=0) / self.a, generator=rng)
        read_noise = self.read_variance**0.5 * torch.empty_like(clean).normal_(generator=rng)
        return self.black + self.a * counts + read_noise

    def variance(self, clean: Any) -> Any:
        """Compute a x + b, which is below 0 for values below the black level."""
        return self.a * clean + self.b

    def tweedie(self, noisy: Tensor, score: Tensor) -> Tensor:
        """Compute (y - black + a / 2 + max(b, 0) s) exp(a s) + black.

        Exactly, E[x given y] = (y - black + a + max(b, 0) s(y + a)) p(y + a) / p(y) + black, which extends
        Robbins' rule. This form needs the score at y alone: without electronic noise it is the rule of
        Poisson noise, with its geometric mean, and without counts that of Gaussian noise.
        """
        light = noisy - self.black + self.a / 2 + self.read_variance * score
        return light * torch.exp((self.a * score).clamp(max=10)) + self.black

    @property
    def stabilised_sd(self) -> Level:
        """sqrt(a) / 2."""
        return self.a**0.5 / 2

    def stabilise(self, noisy: Tensor) -> Tensor:
        """Compute the generalised Anscombe root sqrt(y + 3 a / 8 + b / a), of 0 where that is negative.

        Murtagh, Starck and Bijaoui, "Image restoration with noise suppression using a multiresolution
        support", Astronomy and Astrophysics Supplement 112, 1995.
        """
        return torch.sqrt((noisy + self._shift).clamp(min=0))

    def unstabilise(self, stabilised: Tensor) -> Tensor:
        """Invert the root, v >= 0: y = v^2 - 3 a / 8 - b / a."""
        return stabilised.clamp(min=0).square() - self._shift

    def raw_score(self, stabilised: Tensor, score: Tensor) -> Tensor:
        """Convert the score: v' = 1 / (2 v), hence s_y = s_v / (2 v) - 1 / (2 v^2)."""
        v = stabilised.clamp(min=(self.a / 10) ** 0.5)  # away from the pole, as under Poisson noise
        return score / (2 * v) - 0.5 / v.square()

    def take_back(self, mean: Tensor) -> Tensor:
        """Compute the x for which E[v given x] is ``mean``, the exact unbiased inverse, any shape.

        Mäkitalo and Foi, "Optimal inversion of the generalized Anscombe transformation for Poisson-Gaussian
        noise", IEEE Transactions on Image Processing 22, 2013.
        """
        if isinstance(self.a, Tensor) and self.a.numel() > 1:
            images = zip(
                mean, self.a.flatten(), torch.as_tensor(self.b).expand_as(self.a).flatten(), strict=True
            )
            return torch.stack([PoissonGaussian(float(a), float(b)).take_back(one) for one, a, b in images])
        a, read_sd = float(self.a), math.sqrt(float(self.read_variance))
        roots = 2 / math.sqrt(a) * mean.detach().double().cpu().numpy()
        counts = torch.from_numpy(counts_of_mean_root(roots, read_sd / a)).to(mean)
        return a * counts + float(self.black)

    @property
    def _shift(self) -> Level:
        return 3 * self.a / 8 + self.b / self.a


def _at_least_0(value: Level) -> Level:
    return value.clamp(min=0) if isinstance(value, Tensor) else max(value, 0.0)
