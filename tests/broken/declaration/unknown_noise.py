"""Declares a noise model that does not exist."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class UnknownNoise(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian", "speckle"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
