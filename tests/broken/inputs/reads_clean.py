"""Reads the clean image without declaring it."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class ReadsClean(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with what is withheld."""
        return squared_error(net(batch.noisy), batch.clean)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
