"""Clips the batch in place."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class ChangesItsInput(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Clip what other methods would see unclipped."""
        noisy = batch.noisy.clamp_(0, 1)
        return squared_error(net(noisy), noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
