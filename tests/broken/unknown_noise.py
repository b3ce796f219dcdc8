"""Declares a noise that there is not."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class UnknownNoise(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian", "speckle"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
