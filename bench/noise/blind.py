"""Noise of unknown strength: its law is known, its parameter differs from picture to picture."""

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
    """A law whose parameter is withheld; every training picture has one of its own.

    Args:
        law: Gaussian, Poisson or Gamma.
        weakest: the parameter of the weakest noise.
        strongest: that of the strongest.
    """

    law: type[Noise]
    weakest: float
    strongest: float

    @classmethod
    def covering(cls, tests: tuple[Noise, ...]) -> UnknownNoise:
        """Take the law's published range of parameters, in which all test noises must lie.

        Raises:
            InputError: a test noise lies outside.
        """
        law = type(tests[0])
        for test in tests:
            if not min(law.blind_range) <= test.parameter <= max(law.blind_range):
                low, high = sorted(law.blind_range)
                raise InputError(
                    f"blind training covers {law.name} noise from {low:g} to {high:g}, not {test.spec}"
                )
        return cls(law, *law.blind_range)

    @property
    def name(self) -> str:
        """The law's name."""
        return self.law.name

    @property
    def parameters(self) -> tuple[float, float]:
        """The ends of the range."""
        return self.weakest, self.strongest

    @property
    def spec(self) -> str:
        """For a person, and for the keys of randomness: ``gaussian:20..55``."""
        return f"{self.name}:{self.weakest:g}..{self.strongest:g}"

    def of_picture(self, fingerprint: str, *, seed: int) -> Noise:
        """Draw a picture's own noise, its parameter log-uniform in the range."""
        share = generator("strength", self.spec, fingerprint, seed).random()
        return self.law(self.weakest * math.exp(share * math.log(self.strongest / self.weakest)))


def of_picture(noise: Noise | UnknownNoise, fingerprint: str, *, seed: int) -> Noise:
    """Give the noise that corrupts one training picture."""
    return noise if isinstance(noise, Noise) else noise.of_picture(fingerprint, seed=seed)


def told(noise: Noise | UnknownNoise, noisy: np.ndarray) -> Noise:
    """Give the noise that a method is told of: the truth, or the harness's estimate from the picture.

    Raises:
        InputError: as by ``estimate_noise``.
    """
    return noise if isinstance(noise, Noise) else estimate_noise(noise.law, noisy)
