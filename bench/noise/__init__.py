"""The noise models Gaussian, Poisson and Gamma; noise of unknown strength; estimates from noisy images.

Imports only the errors and the seeds. Method files import their models from here.
"""

from bench.noise.models import NOISES, Gamma, Gaussian, Level, Noise, Poisson, parse_noise

__all__ = ["NOISES", "Gamma", "Gaussian", "Level", "Noise", "Poisson", "parse_noise"]
