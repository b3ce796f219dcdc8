"""The test of paired differences: flip the signs of images, and correct for the number of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ALPHA = 0.05
"""Level of a family of tests: with no true difference, the chance that any is found."""
FLIPS = 100_000
"""Largest number of sign flips; of few images there are fewer different ones, and all are tried."""
CHUNK = 4096


def sign_flip_p(differences: np.ndarray) -> np.ndarray:
    """Test whether the means of paired differences are zero.

    If a difference is as likely with the opposite sign, then every flip of signs is as likely as the signs
    observed (Fisher 1935, "The Design of Experiments", section 21): p is the fraction of flips whose mean is
    as far from zero as the observed one.

    Args:
        differences: (images, tests), each test on the same images, dB.

    Returns:
        Two-sided p, (tests,), not corrected: a multiple of ``smallest_p``.
    """
    observed = np.abs(differences.sum(axis=0))
    tie = 1e-9 * np.abs(differences).sum(axis=0)
    reached, flips = np.zeros(observed.size), 0
    for signs in _signs(len(differences)):
        reached += (np.abs(signs @ differences) >= observed - tie).sum(axis=0)
        flips += len(signs)
    return reached / flips


def smallest_p(images: int) -> float:
    """Return the smallest p that ``sign_flip_p`` can have."""
    return max(2.0 ** (1 - images), 1 / FLIPS)


def holm(p: Sequence[float]) -> list[float]:
    """Correct the p of a family of tests for their number.

    Holm (1979), "A simple sequentially rejective multiple test procedure": the chance that any true
    hypothesis is rejected stays below the level, however the tests depend on each other.

    Args:
        p: p-values in any order.

    Returns:
        The corrected p-values, in the same order.
    """
    raw = np.asarray(p, dtype=float)
    order = np.argsort(raw, kind="stable")
    corrected = np.empty_like(raw)
    steps = raw[order] * (raw.size - np.arange(raw.size))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in corrected]


def _signs(images: int) -> Iterator[np.ndarray]:
    """Yield sign flips in parts, (flips, images): all different ones, or a random sample; the observed first.

    Flipping all signs changes no magnitude, so one image keeps its sign.
    """
    if 2 ** (images - 1) <= FLIPS:
        every = np.arange(2 ** (images - 1))
        bits = every[:, None] >> np.arange(images) & 1
    else:
        bits = np.random.default_rng(0).integers(2, size=(FLIPS, images), dtype=np.int8)
        bits[0] = 0
    for start in range(0, len(bits), CHUNK):
        yield 1.0 - 2.0 * bits[start : start + CHUNK]
