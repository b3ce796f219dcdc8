"""Learns to return the noisy image."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class LearnsNothing(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with its own input."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
