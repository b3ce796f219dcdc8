"""The classical denoisers: seventeen, each of which removes noise and keeps constants."""

from __future__ import annotations

import numpy as np
import pytest

from bench.judging.classical import classical_denoisers
from bench.noise.poisson_gaussian import PoissonGaussian
from bench.seeds import generator
from tests.support.judging import clean_image

pytest.importorskip("bm3d", reason="the authors' package is not installed")
NOISE = PoissonGaussian(0.02, 0.001)


def test_each_removes_noise():
    clean = clean_image(64)
    y = NOISE.sample(clean, generator("classical")).astype(float)
    denoisers = classical_denoisers(NOISE, y)
    assert len(denoisers) == 17
    before = np.mean((y - clean) ** 2)
    for name, denoiser in denoisers.items():
        assert denoiser(y).shape == y.shape
        assert np.mean((denoiser(y) - clean) ** 2) < 0.9 * before, name


def test_each_keeps_a_constant_image():
    flat = np.full((64, 64, 1), 0.4)
    for name, denoiser in classical_denoisers(NOISE, flat).items():
        # The mean root of a constant without noise is taken back to 1/4 of a count more.
        np.testing.assert_allclose(denoiser(flat), flat, atol=0.3 * NOISE.a, err_msg=name)
