"""The estimates on real noise, on small crops with quick denoisers; skipped without the images."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bench.errors import InputError
from bench.judging.classical import classical_denoisers
from bench.judging.real_noise import Scene, agreements_of, estimate_errors, least_squares, real_scenes
from bench.noise.variance_fit import fit_variance

REAL = Path(os.environ.get("NOISEBENCH_DATA", "")) / "real"
SLOW = ("bm3d", "non-local")

needs_real_noise = pytest.mark.skipif(not (REAL / "fmd").is_dir(), reason="NOISEBENCH_DATA has no real/fmd")


def small(scene: Scene) -> Scene:
    corner = np.s_[:128, :128]
    copy = None if scene.copy is None else scene.copy[corner]
    return Scene(scene.name, scene.noisy[corner], scene.reference[corner], copy)


@pytest.mark.data
@needs_real_noise
def test_pairs_are_ordered_as_by_the_reference():
    scenes = real_scenes(REAL)
    right = {"stein": [], "two copies": []}
    for scene in map(small, scenes["FMD laser scanning"][::3]):
        noise = fit_variance(scene.noisy).noise
        every = classical_denoisers(noise, scene.noisy)
        quick = {name: one for name, one in every.items() if not name.startswith(SLOW)}
        found = agreements_of(estimate_errors(scene, quick, noise, correlated=False))
        for name, values in right.items():
            values.append(found[name].pairs_right)
    assert np.mean(right["stein"]) > 0.85
    assert np.mean(right["two copies"]) > 0.9


def test_least_squares_finds_gain_and_offset():
    reference = np.linspace(0, 1, 20).reshape(4, 5, 1)
    np.testing.assert_allclose(least_squares(reference, 0.8 * reference + 0.1), 0.8 * reference + 0.1)


def test_a_folder_without_images_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="has no folder fmd"):
        real_scenes(tmp_path)
