"""Reads a tensor's value."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class WaitsForAValue(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Choose by a value, which waits for the GPU."""
        weight = 2 if batch.noisy.mean() > 0.5 else 1
        return weight * squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
