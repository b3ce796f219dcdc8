"""Computes a difference that bfloat16 cannot represent."""

from dataclasses import dataclass

from bench.method import Method


@dataclass(frozen=True)
class RoundedAway(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Divide a difference by a tiny step."""
        shifted = net(batch.noisy + 1e-6) - net(batch.noisy)
        return (1e6 * shifted).square().mean(dim=(1, 2, 3))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
