"""Has a hyper-parameter without a default."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class NoDefault(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    strength: float

    def loss(self, net, batch, rng, progress):
        """Weight by a number without a default."""
        return self.strength * squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
