"""Returns one loss for the whole batch."""

from dataclasses import dataclass

from bench.method import Method


@dataclass(frozen=True)
class MeanOverTheBatch(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Average over images too."""
        return (net(batch.noisy) - batch.noisy).square().mean()

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
