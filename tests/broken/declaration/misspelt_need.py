"""Declares a need that the harness does not know."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class MisspeltNeed(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy", "cleen"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
