"""Choose the estimate that a denoiser is judged by, and say why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Estimator(StrEnum):
    """How the squared error is estimated."""

    TWO_COPIES = "two copies"
    STEIN = "Stein's unbiased risk estimate"
    SPLITTING = "splitting"
    CORRELATED_STEIN = "Stein's estimate for correlated noise"


@dataclass(frozen=True)
class Choice:
    """The estimator chosen.

    Attributes:
        estimator: which one.
        reason: one sentence.
        caveat: why its answer may be wrong; empty where nothing is known against it.
    """

    estimator: Estimator
    reason: str
    caveat: str = ""


def choose_estimator(*, copies: bool, correlated: bool, smooth: bool) -> Choice:
    """Choose by what is known of the images and the denoiser.

    Two copies judge any denoiser under any noise. SURE and splitting take the noise for white: where it is
    correlated, they prefer denoisers that smooth least. ``bench.judging.real_noise`` measures all of them on
    real noise.

    Args:
        copies: there is a second noisy copy of each scene.
        correlated: the noise is correlated from pixel to pixel.
        smooth: all denoisers that are compared have derivatives, as networks and filters do, and thresholds
        do not.
    """
    if copies:
        return Choice(Estimator.TWO_COPIES, "a second copy judges any denoiser under any noise")
    if correlated:
        return Choice(
            Estimator.CORRELATED_STEIN,
            "the noise is correlated between pixels, so that it looks like structure",
            "strength and correlation of the noise are measured in the flat parts of the images and may be "
            "wrong: check the choice by eye or with a second copy",
        )
    if smooth:
        return Choice(
            Estimator.STEIN, "the denoisers are smooth, and SURE judges them on the images as they are"
        )
    return Choice(
        Estimator.SPLITTING,
        "a denoiser is not smooth, and splitting needs no derivatives",
        "denoisers are judged on images with slightly more noise",
    )
