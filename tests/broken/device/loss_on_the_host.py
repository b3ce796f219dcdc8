"""Moves its loss to the CPU."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class LossOnTheHost(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Move the loss to the CPU, which waits for the GPU."""
        return squared_error(net(batch.noisy), batch.noisy).cpu()

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
