"""Reads a tensor's value."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class WaitsForTheDevice(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Decide by a value that a GPU must be waited for."""
        weight = 2 if batch.noisy.mean() > 0.5 else 1
        return weight * squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
