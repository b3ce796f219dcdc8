"""Draws from NumPy's global generator."""

from dataclasses import dataclass

import numpy

from bench.method import Method


@dataclass(frozen=True)
class NumpyRandomState(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare one column, which does not follow the seed of the run."""
        pixel = numpy.random.randint(batch.noisy.shape[-1])  # noqa: NPY002
        return (net(batch.noisy) - batch.noisy)[..., pixel].square().mean(dim=(1, 2))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
