"""Draws from a generator of its own."""

from dataclasses import dataclass

import torch

from bench.method import Method


@dataclass(frozen=True)
class IgnoresTheSeed(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Mask the same pixels at every step of every run."""
        own = torch.Generator().manual_seed(0)
        hidden = torch.rand(batch.noisy.shape, generator=own) < 0.1
        return ((net(batch.noisy * ~hidden) - batch.noisy) * hidden).square().mean(dim=(1, 2, 3))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
