"""Everything that one image shows about its noise, and what it does not show."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.errors import InputError
from bench.noise import Gaussian, Poisson
from bench.noise.correlation import Correlation, find_correlation
from bench.noise.identify import Growth, measure_growth
from bench.noise.jpeg import was_jpeg
from bench.noise.level import estimate_noise, inside
from bench.noise.photons import estimate_zeta, has_few_levels
from bench.noise.saturation import clipped, tolerable_part, unclipped_part
from bench.noise.windows import windows_of

if TYPE_CHECKING:
    import numpy as np

    from bench.noise import Noise

SATURATED = 0.2


class MeasuredNoise(NamedTuple):
    """The noise of one image.

    Args:
        values: the image, or windows of a large one, (H, W, C).
        part: the pixels that are far from clipped ones, (H, W, C), boolean.
        saturated: share of the pixels that are clipped.
        growth: how the noise grows with intensity; if that cannot be measured, why.
        correlation: whether the noise is correlated.
        jpeg: whether the image was saved as JPEG.
    """

    values: np.ndarray
    part: np.ndarray
    saturated: float
    growth: Growth | str
    correlation: Correlation
    jpeg: bool

    def level(self, model: type[Noise]) -> Noise:
        """Estimate the parameter of a noise model, in the part that is not clipped.

        Raises:
            InputError: it cannot be estimated; the message says why.
        """
        if not inside(self.part)[self.part].any():
            raise InputError(f"{self.saturated:.0%} of its pixels are clipped, and no part is free of them")
        growth = self.growth
        if model is Gaussian and not isinstance(growth, str) and growth.contradicts(Gaussian):
            return Gaussian(255 * float(growth.sd.mean()))  # the flattest part alone would be the darkest
        if model is Poisson and has_few_levels(self.values):
            return estimate_zeta(self.values, where=self.part)
        return estimate_noise(model, self.values, where=self.part)

    def remarks(self) -> list[str]:
        """Describe where the noise differs from every noise model here, one sentence each."""
        said = [str(self.correlation)] if str(self.correlation) else []
        if self.saturated >= SATURATED:
            said.append(
                f"{self.saturated:.0%} of its pixels are saturated (clipped at black or white); noise was "
                "measured in the other parts alone"
            )
        if self.jpeg:
            said.append("it was saved as JPEG, which changes noise in blocks of 8x8 pixels")
        if isinstance(self.growth, str):
            said.append(self.growth)
        elif self.growth.contradicts(self.growth.model):
            said.append(
                f"{self.growth}, like none of the noise models; if the image is gamma-encoded, make it linear"
            )
        return said


def measure_noise(noisy: np.ndarray) -> MeasuredNoise:
    """Measure the noise of an image; of a large one, in windows that are spread over it.

    Args:
        noisy: (H, W, C), intensities; a file may have clipped and rounded them.
    """
    values = windows_of(noisy)
    saturated = clipped(values)
    part = unclipped_part(saturated)
    growth: Growth | str
    try:
        growth = measure_growth(values, where=tolerable_part(saturated))
    except InputError as error:
        growth = str(error)
    return MeasuredNoise(
        values,
        part,
        float(saturated.mean()),
        growth,
        find_correlation(values, where=part, exponent=0 if isinstance(growth, str) else growth.exponent),
        was_jpeg(values),
    )
