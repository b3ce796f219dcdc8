"""Reads the clean image if it is present, without declaring it."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class ReadsCleanIfPresent(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with the clean image if it is present."""
        return squared_error(net(batch.noisy), batch.images.get("clean", batch.noisy))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
