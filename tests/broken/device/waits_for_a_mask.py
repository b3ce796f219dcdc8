"""Chooses pixels by a mask."""

from dataclasses import dataclass

import torch

from bench.method import Method


@dataclass(frozen=True)
class WaitsForAMask(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Average over the brighter pixels, whose number a GPU must count first."""
        error = (net(batch.noisy) - batch.noisy).square()
        return torch.stack(
            [own[image > image.mean()].mean() for own, image in zip(error, batch.noisy, strict=True)]
        )

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
