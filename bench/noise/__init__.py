"""The noise models: Gaussian, Poisson and Gamma."""

from bench.noise.models import NOISES, Gamma, Gaussian, Level, Noise, Poisson, parse_noise

__all__ = ["NOISES", "Gamma", "Gaussian", "Level", "Noise", "Poisson", "parse_noise"]
