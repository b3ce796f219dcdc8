"""A Gaussian mixture in the plane, whose score is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Mixture:
    """sum_j w_j N(m_j, C_j) in the plane, computed in float64.

    Args:
        weights: w, (K,), positive, with sum 1.
        means: m, (K, 2), intensities.
        covariances: C, (K, 2, 2), squared intensities.
    """

    weights: Tensor
    means: Tensor
    covariances: Tensor

    def blurred(self, sd: float) -> Mixture:
        """Return the distribution of a point plus N(0, sd^2 I)."""
        return replace(self, covariances=self.covariances + sd**2 * torch.eye(2, dtype=torch.float64))

    def sample(self, count: int, rng: torch.Generator) -> Tensor:
        """Draw points, (count, 2)."""
        component = torch.multinomial(self.weights, count, replacement=True, generator=rng)
        normal = torch.randn(count, 2, 1, dtype=torch.float64, generator=rng)
        roots = torch.linalg.cholesky(self.covariances)
        points: Tensor = self.means[component] + (roots[component] @ normal)[..., 0]
        return points

    def log_density(self, points: Tensor) -> Tensor:
        """Compute log p(y) of points (..., 2), shape (...)."""
        return torch.logsumexp(self._log_parts(points), dim=-1)

    def score(self, points: Tensor) -> Tensor:
        """Compute the score of points (..., 2), the same shape, in 1 / intensity.

        The gradient of log p is the mean of the components' scores under their posterior weights:
        s(y) = sum_j gamma_j(y) C_j^-1 (m_j - y).
        """
        posterior = torch.softmax(self._log_parts(points), dim=-1)
        return (posterior[..., None] * self._pull(points)).sum(dim=-2)

    def _pull(self, points: Tensor) -> Tensor:
        """Compute C_j^-1 (m_j - y), (..., K, 2)."""
        away = self.means - points[..., None, :].double()
        pull: Tensor = (torch.linalg.inv(self.covariances) @ away[..., None])[..., 0]
        return pull

    def _log_parts(self, points: Tensor) -> Tensor:
        """Compute log w_j N(y; m_j, C_j), (..., K)."""
        away = self.means - points[..., None, :].double()
        distance = (away * self._pull(points)).sum(dim=-1)
        volume = torch.logdet(2 * torch.pi * self.covariances)
        return self.weights.log() - (distance + volume) / 2


def example_mixture() -> Mixture:
    """Return a mixture of three tilted, elongated components around the middle of [0, 1]^2."""
    components = (
        (0.40, (0.30, 0.36), (0.12, 0.05), 35),
        (0.35, (0.75, 0.43), (0.06, 0.12), 20),
        (0.25, (0.48, 0.80), (0.14, 0.05), -15),
    )
    weights, means, sds, degrees = zip(*components, strict=True)
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    cosine, sine = torch.cos(angles), torch.sin(angles)
    turn = torch.stack([cosine, -sine, sine, cosine], dim=-1).view(-1, 2, 2)
    scale = torch.diag_embed(torch.tensor(sds, dtype=torch.float64) ** 2)
    return Mixture(
        weights=torch.tensor(weights, dtype=torch.float64),
        means=torch.tensor(means, dtype=torch.float64),
        covariances=turn @ scale @ turn.mT,
    )
