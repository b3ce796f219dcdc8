"""Means of cells, and intervals over images and training seeds as crossed random effects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from bench.analysis.intervals import LEVEL
from bench.analysis.means import _half_width, mean_of
from tests.support.results.score_lines import lines, normal, shuffled


def student(values):
    return stats.ttest_1samp(values, 0).confidence_interval(LEVEL)


@pytest.mark.parametrize("shape", [(12, 1), (1, 4), (2, 1)])
def test_interval_of_one_seed_or_one_image_is_students(shape):
    psnr = normal(*shape)
    found, expected = mean_of(lines(psnr)), student(psnr.ravel())
    assert (found.images, found.seeds) == shape
    assert found.value == pytest.approx(psnr.mean(), abs=1e-12)
    assert found.value - found.half_width == pytest.approx(expected.low, abs=1e-10)
    assert found.value + found.half_width == pytest.approx(expected.high, abs=1e-10)


def test_one_score_has_no_interval():
    found = mean_of(lines([[31.5]]))
    assert (found.value, found.images, found.seeds) == (31.5, 1, 1)
    assert math.isnan(found.half_width)


def test_interval_of_equal_scores_has_no_width():
    assert mean_of(lines(np.full((4, 3), 31.5))).half_width == 0


def mean_squares(psnr):
    """By the residuals of least squares, one factor left out at a time."""
    images, seeds = psnr.shape
    image, seed = np.indices(psnr.shape).reshape(2, -1)
    of_image, of_seed = np.eye(images)[image], np.eye(seeds)[seed]

    def residual(*factors):
        design = np.hstack(factors)
        fit = design @ np.linalg.lstsq(design, psnr.ravel(), rcond=None)[0]
        return ((psnr.ravel() - fit) ** 2).sum()

    rest = residual(of_image, of_seed)
    return (
        (residual(of_seed) - rest) / (images - 1),
        (residual(of_image) - rest) / (seeds - 1),
        rest / ((images - 1) * (seeds - 1)),
    )


def test_interval_of_crossed_images_and_seeds_is_satterthwaites():
    psnr = normal(7, 4, of_image=1, of_seed=0.8, rest=0.3)
    images, seeds, rest = mean_squares(psnr)
    assert min(images, seeds) > rest
    total = images + seeds - rest
    degrees = total**2 / (images**2 / 6 + seeds**2 / 3 + rest**2 / 18)
    expected = stats.t.ppf(0.975, degrees) * math.sqrt(total / 28)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("image", "seed", "rest", "largest"), [(1, 0, 0.5, 0), (0, 1, 0.5, 1), (0, 0, 1, 2)])
def test_variances_below_zero_are_left_out(image, seed, rest, largest):
    # Contrasts orthogonal to one another, so that each mean square comes from one term alone.
    a, b = np.array([[-1.0], [0.0], [1.0]]), np.array([[-1.0, 1.0]])
    psnr = 30 + image * a + seed * b + rest * (1 - 1.5 * a**2) * b
    squares, degrees = mean_squares(psnr), [2, 1, 2]
    assert int(np.argmax(squares)) == largest
    expected = stats.t.ppf(0.975, degrees[largest]) * math.sqrt(max(squares) / 6)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


def test_degrees_are_never_fewer_than_those_of_images_or_seeds():
    # All three mean squares nearly 4 * 1: Satterthwaite alone would give a third of a degree.
    a, b = np.array([[-1.0], [1.0]]), np.array([[-1.0, 1.0]])
    psnr = 30 + 1.001 * a + 1.001 * b + a * b
    total = sum(mean_squares(psnr)) - 2 * mean_squares(psnr)[2]
    expected = stats.t.ppf(0.975, 1) * math.sqrt(total / 4)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


def coverage(images, seeds, *, draws=1000, **scatters):
    rng = np.random.default_rng(0)
    drawn = (normal(images, seeds, rng=rng, **scatters) for _ in range(draws))
    return np.mean([abs(psnr.mean() - 30) <= _half_width(psnr) for psnr in drawn])


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize(
    ("scatters", "least", "most"),
    [
        ({"of_image": 2, "of_seed": 0, "rest": 0.05}, 0.93, 0.97),
        ({"of_image": 2, "of_seed": 0.5, "rest": 0.1}, 0.93, 0.97),
        ({"of_image": 0, "of_seed": 0, "rest": 1}, 0.96, 1),
        ({"of_image": 1, "of_seed": 1.5, "rest": 0.1}, 0.85, 0.95),
    ],
    ids=["images", "images-and-seeds", "neither", "seeds"],
)
def test_interval_holds_the_truth(seeds, scatters, least, most):
    """Standard errors of 1000 draws are about .007; where seeds scatter most, two of them are too few."""
    assert least <= coverage(12, seeds, **scatters) <= most


def test_wider_than_if_seeds_were_more_images():
    psnr = normal(12, 3)
    naive = student(psnr.ravel())
    assert mean_of(lines(psnr)).half_width > 1.5 * (naive.high - naive.low) / 2


def test_mean_of_shifted_and_shuffled_scores():
    psnr = normal(9, 3)
    found, moved = mean_of(lines(psnr)), mean_of(lines(psnr + 5))
    assert mean_of(shuffled(lines(psnr))) == found
    assert moved.value == pytest.approx(found.value + 5, abs=1e-12)
    assert moved.half_width == pytest.approx(found.half_width, rel=1e-9)
