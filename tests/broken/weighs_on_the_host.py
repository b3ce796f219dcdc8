"""Makes a tensor without naming the device."""

from dataclasses import dataclass

import torch

from bench.method import Method, squared_error


@dataclass(frozen=True)
class WeighsOnTheHost(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Multiply by a window that lies in host memory."""
        window = torch.hann_window(batch.noisy.shape[-1]) + 0.5
        return squared_error(window * net(batch.noisy), window * batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
