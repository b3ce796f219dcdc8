"""Declares a noise whose parameter it does not know."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class WrongNoise(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy", "noise"})
    noises = frozenset({"gaussian", "gamma"})

    def loss(self, net, batch, rng, progress):
        """Use a standard deviation, which Gamma noise has not."""
        return squared_error(net(batch.noisy + batch.noise.sd), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
