"""Declares a noise model whose parameter it does not use."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class WrongNoise(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy", "noise"})
    noises = frozenset({"gaussian", "gamma"})

    def loss(self, net, batch, rng, progress):
        """Use a standard deviation, which Gamma noise does not have."""
        return squared_error(net(batch.noisy + batch.noise.sd), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
