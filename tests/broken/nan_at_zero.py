"""Divides by the noisy image."""

from dataclasses import dataclass

from bench.method import Method


@dataclass(frozen=True)
class NanAtZero(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"poisson"})

    def loss(self, net, batch, rng, progress):
        """Weigh by 1 / y, which black pixels do not bear."""
        return ((net(batch.noisy) - batch.noisy).square() / batch.noisy).mean(dim=(1, 2, 3))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
