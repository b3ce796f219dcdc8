"""Weights by the whole batch without a gradient."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class MixesDetachedImages(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Divide by the mean square over all images."""
        losses = squared_error(net(batch.noisy), batch.noisy)
        return losses / batch.noisy.detach().square().mean()

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
