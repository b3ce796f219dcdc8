"""Normalises by the mean of all images of a batch."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class MixesDenoisedImages(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Subtract the mean over all images."""
        return net(noisy - noisy.mean()) + noisy.mean()
