"""Assumes that the noise parameter is a number."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class OneLevelForAllImages(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy", "noise"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Fail if each image has its own parameter."""
        sd = float(batch.noise.level) / 255
        return squared_error(net(batch.noisy), batch.noisy) - sd**2

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
