"""Returns denoised images at half their size."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class HalvesTheImage(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Compare with the noisy image."""
        return squared_error(net(batch.noisy), batch.noisy)

    def denoise(self, net, noisy, noise):
        """Drop every other pixel."""
        return net(noisy)[..., ::2, ::2]
