"""Normalises by the whole batch."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class MixesImages(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Subtract the mean over all images."""
        noisy = batch.noisy - batch.noisy.mean()
        return squared_error(net(noisy), noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
