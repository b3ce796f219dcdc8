"""Has larger patches, but does not train on sub-images of them."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class LargerPatches(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy", "clean"})
    noises = frozenset({"gaussian"})
    patch_scale = 2

    def loss(self, net, batch, rng, progress):
        """Compare with the clean image."""
        return squared_error(net(batch.noisy), batch.clean)

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
