"""Detaches the loss from the network."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class Detached(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare without a gradient."""
        return squared_error(net(batch.noisy).detach(), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
