"""Divides by the noisy image."""

from dataclasses import dataclass

from bench.method import Method


@dataclass(frozen=True)
class NanAtZero(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"poisson"})

    def loss(self, net, batch, rng, progress):
        """Weight by 1 / y, which is infinite at black pixels."""
        return ((net(batch.noisy) - batch.noisy).square() / batch.noisy).mean(dim=(1, 2, 3))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
