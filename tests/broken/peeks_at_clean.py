"""Reaches for the clean image, which it does not declare."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class PeeksAtClean(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with what is withheld."""
        return squared_error(net(batch.noisy), batch.clean)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
