"""Fetches its loss from the device."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class ComesBackToTheHost(Method):
    """A fault on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Fetch the loss, for which a GPU must be waited for."""
        return squared_error(net(batch.noisy), batch.noisy).cpu()

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
