"""Makes a tensor without naming the device."""

from dataclasses import dataclass

import torch

from bench.method import Method, squared_error


@dataclass(frozen=True)
class TensorOnTheHost(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Multiply by a window in host memory."""
        window = torch.hann_window(batch.noisy.shape[-1]) + 0.5
        return squared_error(window * net(batch.noisy), window * batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
