"""Sums in float16."""

from dataclasses import dataclass

from bench.method import Method


@dataclass(frozen=True)
class OverflowsInFloat16(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Sum squared errors in 8-bit units, which exceed 65504."""
        error = 255 * (net(batch.noisy) - batch.noisy)
        return error.half().square().sum(dim=(1, 2, 3)).float()

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
