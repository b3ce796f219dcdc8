"""Leaves weights without a gradient."""

from dataclasses import dataclass

from bench.method import Method, squared_error


@dataclass(frozen=True)
class HalfTheNetwork(Method):
    """Broken on purpose."""

    needs = frozenset({"noisy"})
    noises = frozenset({"gaussian"})

    def loss(self, net, batch, rng, progress):
        """Multiply the only term with a gradient by zero."""
        noisy = batch.noisy
        return squared_error(net(noisy).detach() + noisy, noisy) + 0 * net(noisy).mean(dim=(1, 2, 3))

    def denoise(self, net, noisy, noise):
        """Apply the network."""
        return net(noisy)
