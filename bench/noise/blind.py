"""Noise of unknown strength: the noise model is known, its parameter differs between images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.noise import Noise
from bench.noise.level import estimate_noise
from bench.seeds import generator

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class UnknownNoise:
    """A noise model whose parameter is withheld; each training image has its own.

    Args:
        model: Gaussian, Poisson or Gamma.
        weakest: parameter of the weakest noise.
        strongest: parameter of the strongest noise.
    """

    model: type[Noise]
    weakest: float
    strongest: float

    @classmethod
    def covering(cls, tests: tuple[Noise, ...]) -> UnknownNoise:
        """Return the blind noise whose parameters cover the published range of its model.

        Args:
            tests: the test noises, all with the same noise model.

        Raises:
            InputError: a test noise is outside that range.
        """
        model = type(tests[0])
        for test in tests:
            if not min(model.blind_range) <= test.parameter <= max(model.blind_range):
                low, high = sorted(model.blind_range)
                raise InputError(
                    f"blind training covers {model.name} noise from {low:g} to {high:g}, not {test.spec}"
                )
        return cls(model, *model.blind_range)

    @property
    def name(self) -> str:
        """The name of the noise model."""
        return self.model.name

    @property
    def parameters(self) -> tuple[float, float]:
        """The ends of the range, from weak to strong noise."""
        return self.weakest, self.strongest

    @property
    def spec(self) -> str:
        """Text for users, and for the keys of random streams: ``gaussian:20..55``."""
        return f"{self.name}:{self.weakest:g}..{self.strongest:g}"

    def of_image(self, fingerprint: str, *, seed: int) -> Noise:
        """Draw the noise of one training image, with a log-uniform parameter in the range."""
        share = generator("strength", self.spec, fingerprint, seed).random()
        return self.model(self.weakest * math.exp(share * math.log(self.strongest / self.weakest)))


def noise_of_image(noise: Noise | UnknownNoise, fingerprint: str, *, seed: int) -> Noise:
    """Return the noise that corrupts one training image."""
    return noise if isinstance(noise, Noise) else noise.of_image(fingerprint, seed=seed)


def given_noise(noise: Noise | UnknownNoise, noisy: np.ndarray) -> Noise:
    """Return the noise that a method is given: the true one, or the estimate from the noisy image.

    Raises:
        InputError: as raised by ``estimate_noise``.
    """
    return noise if isinstance(noise, Noise) else estimate_noise(noise.model, noisy)
