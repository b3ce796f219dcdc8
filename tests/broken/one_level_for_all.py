"""Takes the parameter for a number."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class OneLevelForAll(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy", "noise"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Fail where each image has a parameter of its own."""
        sd = float(batch.noise.level) / 255
        return squared_error(net(batch.noisy), batch.noisy) - sd**2

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
