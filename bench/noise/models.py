"""The three noise models: sampling, Tweedie's rule, and the variable in which the noise is uniform.

Notation of Kim & Ye, Noise2Score, NeurIPS 2021: x clean, y noisy, both as intensities in [0, 1]; the score
is s(y) = d log p(y) / dy. Noisy images are never clipped or rounded.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from bench.errors import InputError, unknown

if TYPE_CHECKING:
    from typing import Self

Level = float | Tensor
"""A noise parameter: one number for all images, or one per image, (B, 1, 1, 1)."""


@dataclass(frozen=True)
class Noise(ABC):
    """A noise model with its parameter.

    It has a variance-stabilising change of variables v(y), in which the noise has about the same standard
    deviation ``stabilised_sd`` at every intensity.

    The parameter is a number or, if it differs between images, a tensor (B, 1, 1, 1). All formulas accept
    both; only ``sample`` and the name need a number.

    Attributes:
        name: name on the command line.
        above: lower bound of the parameter, exclusive.
        example: a usual parameter.
        growth: exponent with which the standard deviation of y grows with x.
        blind_range: parameters of Kim & Ye's blind training, from weak to strong noise.
    """

    name: ClassVar[str]
    above: ClassVar[float] = 0.0
    example: ClassVar[float]
    growth: ClassVar[float]
    blind_range: ClassVar[tuple[float, float]]

    if TYPE_CHECKING:

        def __init__(self, parameter: Level) -> None:
            """Create the noise with this parameter."""

    def __post_init__(self) -> None:
        if isinstance(self.level, Tensor):
            return
        if not (math.isfinite(self.parameter) and self.parameter > self.above):
            symbol = fields(self)[0].name
            raise InputError(
                f"{self.name} noise needs a finite {symbol} > {self.above:g}, "
                f"but {symbol} is {self.parameter}"
            )

    @property
    def level(self) -> Level:
        """The parameter, one number or one per image."""
        level: Level = getattr(self, fields(self)[0].name)
        return level

    @property
    def parameter(self) -> float:
        """The parameter as a number."""
        return float(self.level)

    @property
    def spec(self) -> str:
        """The name on the command line, such as ``gaussian:25``."""
        # With all digits, since it keys the noise fields; only the ".0" of a whole number is dropped.
        return f"{self.name}:{str(self.parameter).removesuffix('.0')}"

    @classmethod
    @abstractmethod
    def of_stabilised_sd(cls, sd: Level) -> Self:
        """Return the noise whose ``stabilised_sd`` is ``sd``."""

    @abstractmethod
    def sample(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one noisy copy of ``clean`` (any shape, intensities in [0, 1]) as float32, not clipped."""

    @abstractmethod
    def draw(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """Draw one noisy copy of ``clean`` (B, C, H, W) on its device; values depend on the device."""

    @abstractmethod
    def variance(self, clean: Any) -> Any:
        """Return the variance of y at each clean intensity, a number, array or tensor like ``clean``."""

    @abstractmethod
    def tweedie(self, noisy: Tensor, score: Tensor) -> Tensor:
        """Denoise with the score of the noisy images (Kim & Ye 2021, table 1).

        Args:
            noisy: y, any shape, intensities.
            score: s(y), the same shape.
        """

    @property
    @abstractmethod
    def stabilised_sd(self) -> Level:
        """The noise's standard deviation in the stabilised variable v."""

    @abstractmethod
    def stabilise(self, noisy: Tensor) -> Tensor:
        """Change variables from y to v, any shape."""

    @abstractmethod
    def unstabilise(self, stabilised: Tensor) -> Tensor:
        """Change variables back from v to y, any shape."""

    @abstractmethod
    def raw_score(self, stabilised: Tensor, score: Tensor) -> Tensor:
        """Turn the score of v into that of y: s_y = s_v v'(y) + d log v'(y) / dy.

        Args:
            stabilised: v, any shape.
            score: s_v(v), the same shape.
        """


@dataclass(frozen=True)
class Gaussian(Noise):
    """y = x + N(0, (sigma / 255)^2)."""

    name: ClassVar[str] = "gaussian"
    example: ClassVar[float] = 25
    growth: ClassVar[float] = 0
    blind_range: ClassVar[tuple[float, float]] = (20, 55)
    sigma: Level

    @property
    def sd(self) -> Level:
        """The standard deviation on the [0, 1] scale."""
        return self.sigma / 255

    @classmethod
    def of_stabilised_sd(cls, sd: Level) -> Self:
        """Return the noise whose standard deviation is ``sd``."""
        return cls(255 * sd)

    def sample(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Add independent normal noise."""
        return (clean + self.parameter / 255 * rng.standard_normal(clean.shape)).astype(np.float32)

    def draw(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """Add independent normal values."""
        return clean + self.sd * torch.empty_like(clean).normal_(generator=rng)

    def variance(self, clean: Any) -> Any:
        """Return the variance, the same at every intensity."""
        return self.sd**2 + 0.0 * clean

    def tweedie(self, noisy: Tensor, score: Tensor) -> Tensor:
        """Compute E[x given y] = y + sd^2 s, exact."""
        return noisy + self.sd**2 * score

    @property
    def stabilised_sd(self) -> Level:
        """The standard deviation itself: v is y."""
        return self.sd

    def stabilise(self, noisy: Tensor) -> Tensor:
        """Return y itself."""
        return noisy

    def unstabilise(self, stabilised: Tensor) -> Tensor:
        """Return v itself."""
        return stabilised

    def raw_score(self, stabilised: Tensor, score: Tensor) -> Tensor:
        """Return the score itself."""
        return score


@dataclass(frozen=True)
class Poisson(Noise):
    """y = zeta Poisson(x / zeta)."""

    name: ClassVar[str] = "poisson"
    example: ClassVar[float] = 0.05
    growth: ClassVar[float] = 0.5
    blind_range: ClassVar[tuple[float, float]] = (0.005, 0.1)
    zeta: Level

    @classmethod
    def of_stabilised_sd(cls, sd: Level) -> Self:
        """Return the noise with zeta = 4 sd^2."""
        return cls(4 * sd**2)

    def sample(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw scaled counts."""
        return (self.parameter * rng.poisson(clean.astype(np.float64) / self.parameter)).astype(np.float32)

    def draw(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """Draw scaled counts."""
        return self.zeta * torch.poisson(clean / self.zeta, generator=rng)

    def variance(self, clean: Any) -> Any:
        """Compute zeta x."""
        return self.zeta * clean

    def tweedie(self, noisy: Tensor, score: Tensor) -> Tensor:
        """Compute (y + zeta / 2) exp(zeta s), which approximates the geometric mean exp E[log x given y]."""
        # A score estimated far too high must not overflow; e^10 takes half a count beyond white.
        return (noisy + self.zeta / 2) * torch.exp((self.zeta * score).clamp(max=10))

    @property
    def stabilised_sd(self) -> Level:
        """sqrt(zeta) / 2 (Anscombe 1948)."""
        return self.zeta**0.5 / 2

    def stabilise(self, noisy: Tensor) -> Tensor:
        """Anscombe's root on the intensity scale: v = sqrt(y + 3 zeta / 8), with y < 0 taken as 0."""
        return torch.sqrt(noisy.clamp(min=0) + 3 * self.zeta / 8)

    def unstabilise(self, stabilised: Tensor) -> Tensor:
        """Invert the root, v >= 0: y = v^2 - 3 zeta / 8."""
        return stabilised.clamp(min=0).square() - 3 * self.zeta / 8

    def raw_score(self, stabilised: Tensor, score: Tensor) -> Tensor:
        """Convert the score: v' = 1 / (2 v), hence s_y = s_v / (2 v) - 1 / (2 v^2)."""
        # The smallest count that unstabilise returns is -3/8; a tenth of a count keeps v away from the pole.
        v = stabilised.clamp(min=(self.zeta / 10) ** 0.5)
        return score / (2 * v) - 0.5 / v.square()


@dataclass(frozen=True)
class Gamma(Noise):
    """y = x Gamma(shape k, rate k)."""

    name: ClassVar[str] = "gamma"
    above: ClassVar[float] = 1.0
    example: ClassVar[float] = 50
    growth: ClassVar[float] = 1
    blind_range: ClassVar[tuple[float, float]] = (120, 40)
    darkest: ClassVar[float] = 1 / 1024
    k: Level

    @classmethod
    def of_stabilised_sd(cls, sd: Level) -> Self:
        """Return the noise with k = 1 / sd^2."""
        return cls(sd**-2)

    def sample(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Multiply by independent Gamma variables of mean 1."""
        return (clean * (rng.standard_gamma(self.parameter, clean.shape) / self.parameter)).astype(np.float32)

    def draw(self, clean: Tensor, rng: torch.Generator) -> Tensor:
        """Multiply by independent Gamma variables of mean 1."""
        shape = self.k * torch.ones_like(clean)
        return clean * torch._standard_gamma(shape, generator=rng) / self.k  # noqa: SLF001 - no public name

    def variance(self, clean: Any) -> Any:
        """Compute x^2 / k."""
        return clean**2 / self.k

    def tweedie(self, noisy: Tensor, score: Tensor) -> Tensor:
        """Compute k y / ((k - 1) - y s) = 1 / E[1/x given y], the harmonic mean and not E[x given y]."""
        # The harmonic mean of a positive x is positive; a score estimated too high must not flip its sign.
        return self.k * noisy / (self.k - 1 - noisy * score).clamp(min=0.1 * self.k)

    @property
    def stabilised_sd(self) -> Level:
        """1 / sqrt(k), the leading term of the standard deviation sqrt(trigamma(k)) of log y."""
        return self.k**-0.5

    def stabilise(self, noisy: Tensor) -> Tensor:
        """Compute v = log y, floored a quarter of an 8-bit grey level above zero, for black pixels."""
        return torch.log(noisy.clamp(min=self.darkest))

    def unstabilise(self, stabilised: Tensor) -> Tensor:
        """Compute y = exp v."""
        return torch.exp(stabilised)

    def raw_score(self, stabilised: Tensor, score: Tensor) -> Tensor:
        """Convert the score: v' = 1 / y, hence s_y = (s_v - 1) / y."""
        return (score - 1) * torch.exp(-stabilised)


NOISES: dict[str, type[Gaussian | Poisson | Gamma]] = {
    model.name: model for model in (Gaussian, Poisson, Gamma)
}


def parse_noise(spec: str) -> Noise:
    """Parse a noise from its name and parameter, such as ``poisson:0.01``.

    Raises:
        InputError: the noise model is unknown, or its parameter is not a number, is out of range or is on
            another scale: of Poisson noise, the number of photons of white.
    """
    name, _, value = spec.partition(":")
    if name not in NOISES:
        raise unknown("noise", name, NOISES)
    model = NOISES[name]
    symbol = fields(model)[0].name
    try:
        parameter = float(value)
    except ValueError as error:
        raise InputError(
            f"noise {spec!r} needs a number for {symbol} > {model.above:g}, as in '{name}:{model.example:g}'"
        ) from error
    if model is Poisson and parameter > 1:
        raise InputError(
            f"noise {spec!r}: zeta is the intensity of one photon, at most 1, which is white; for {value} "
            f"photons at white it is '{name}:{1 / parameter:.4g}'"
        )
    return model(parameter)
