"""Draws from the global generator."""

from dataclasses import dataclass

import torch

from bench.method import Method, squared_error


@dataclass(frozen=True)
class GlobalRandomState(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Add noise that does not follow the seed of the run."""
        return squared_error(net(batch.noisy + 0.1 * torch.randn_like(batch.noisy)), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
