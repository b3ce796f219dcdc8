"""Denoises with noise from the global generator."""

from dataclasses import dataclass

import torch

from bench.method import Method, squared_error


@dataclass(frozen=True)
class RandomDenoising(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Add noise that cannot be reproduced."""
        return net(noisy + 0.01 * torch.randn_like(noisy))
