"""The demonstrations: the exact score against calculus, the learned one against it, noises of equal error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from bench.demos import noise as noise_demo
from bench.demos import score as score_demo
from bench.demos.noise import demonstrate, embedded, equal_noises, read
from bench.demos.noise_figure import window
from bench.demos.score import Budget, ScoreDemo, errors_by_density, example_mixture, quadrature
from bench.demos.score_figure import draw, enclosing
from bench.errors import InputError
from bench.noise import Gaussian
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

NOISE = Gaussian(score_demo.SIGMA)
SD = score_demo.SIGMA / 255
NOISY = example_mixture().blurred(SD)
PLACES = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.3


@pytest.fixture(scope="module")
def learned() -> ScoreDemo:
    """Give the demonstration at half its default number of points, once for all tests."""
    return score_demo.demonstrate(NOISE, Budget(batch=score_demo.BATCH // 2))


def test_exact_score_is_the_gradient_of_the_log_density():
    places = PLACES.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(NOISY.log_density(places).sum(), places)
    torch.testing.assert_close(NOISY.score(PLACES), gradient, rtol=1e-10, atol=1e-10)


def test_exact_score_agrees_with_finite_differences():
    shift = 1e-5 * torch.eye(2, dtype=torch.float64)
    ahead, behind = (NOISY.log_density(PLACES[:, None] + sign * shift) for sign in (1, -1))
    torch.testing.assert_close(NOISY.score(PLACES), (ahead - behind) / 2e-5, rtol=1e-7, atol=1e-7)


def test_log_density_is_that_of_torch():
    components = torch.distributions.MultivariateNormal(NOISY.means, NOISY.covariances)
    chosen = torch.distributions.Categorical(NOISY.weights)
    mixture = torch.distributions.MixtureSameFamily(chosen, components)
    torch.testing.assert_close(NOISY.log_density(PLACES), mixture.log_prob(PLACES))


def test_tweedie_with_the_exact_score_is_the_posterior_mean():
    """E[x given y] by quadrature over the clean points."""
    clean, places = example_mixture(), NOISY.sample(10, torch.Generator().manual_seed(2))
    grid = quadrature(clean)
    x, prior = grid.points.view(-1, 2), grid.mass.view(-1)
    likelihood = torch.exp(-torch.cdist(places, x).square() / (2 * SD**2)) * prior
    expected = likelihood @ x / likelihood.sum(dim=1, keepdim=True)
    torch.testing.assert_close(NOISE.tweedie(places, NOISY.score(places)), expected, rtol=0, atol=1e-5)


def test_samples_have_the_mixture_s_moments():
    points = NOISY.sample(200_000, torch.Generator().manual_seed(0))
    mean = NOISY.weights @ NOISY.means
    away = NOISY.means - mean
    covariance = (NOISY.weights[:, None, None] * (NOISY.covariances + away[:, :, None] * away[:, None])).sum(
        0
    )
    # Four standard errors: sd below .3, of squares below .1, over sqrt(200 000).
    torch.testing.assert_close(points.mean(dim=0), mean, rtol=0, atol=3e-3)
    torch.testing.assert_close(points.T.cov(), covariance, rtol=0, atol=1e-3)


def test_quadrature_integrates_to_one_and_to_the_score_s_identity():
    """Stein: E[s] = 0 and E[s . (y - E y)] = -2 in the plane."""
    grid, score = quadrature(NOISY), NOISY.score(quadrature(NOISY).points)
    assert float(NOISY.log_density(grid.points).exp().sum()) * grid.area == pytest.approx(1, abs=1e-4)
    mean = NOISY.weights @ NOISY.means
    assert grid.mean((score * (grid.points - mean)).sum(dim=-1)) == pytest.approx(-2, abs=1e-3)
    assert abs(grid.mean(score[..., 0])) < 1e-3


def test_learned_score_is_within_five_percent_of_the_exact_one(learned: ScoreDemo):
    assert learned.relative_error < 0.05
    # The blur is a floor that training cannot pass, and here the lesser part.
    assert 0 < learned.blur_error < 0.01 < learned.relative_error


def test_learned_score_is_worse_where_points_are_sparse(learned: ScoreDemo):
    errors = learned.by_density["error"].to_numpy()
    assert errors[0] < errors[len(errors) // 2] < errors[-1]
    assert errors[-1] > 4 * errors[0]


def test_errors_by_density_add_up_to_the_relative_error(learned: ScoreDemo):
    rows = learned.by_density
    assert (np.diff(rows["density"]) < 0).all()
    assert rows["probability"].sum() == pytest.approx(1, abs=2e-3)
    # Within a bin the cells count alike, not by their mass, so that this is close but no equality.
    total = float((rows["probability"] * rows["error"] ** 2).sum()) ** 0.5
    assert total == pytest.approx(learned.relative_error, rel=0.1)


def test_errors_of_a_scaled_score_are_its_scale_at_every_density():
    rows = errors_by_density(lambda places: 1.1 * NOISY.score(places), NOISY.score, quadrature(NOISY))
    np.testing.assert_allclose(rows["local_error"], 0.1, rtol=1e-9)


def test_a_better_score_denoises_better(learned: ScoreDemo):
    """MSE = MMSE + sigma^4 E|learned - s|^2 / 2, and MMSE = sigma^2 - sigma^4 E|s|^2 / 2."""
    square = learned.grid.mean(learned.noisy.score(learned.grid.points).square().sum(dim=-1))
    least = SD**2 - SD**4 * square / 2
    excess = learned.relative_error**2 * SD**4 * square / 2
    assert learned.mse["noisy"] == pytest.approx(SD**2, rel=0.01)
    assert learned.mse["exact"] == pytest.approx(least, rel=0.01)
    assert learned.mse["learned"] - learned.mse["exact"] == pytest.approx(excess, rel=0.5)


def test_same_seed_gives_the_same_weights_and_another_does_not():
    one, same, other = (
        score_demo.train(NOISY, NOISE, Budget(3, 64, seed)).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)


def test_score_files_hold_what_they_say(tmp_path: Path):
    before = dict(mpl.rcParams)
    demo = score_demo.run(tmp_path / "new", steps=2, batch=64)
    assert dict(mpl.rcParams) == before
    assert {file.name for file in demo.files} == {
        "score.png",
        "score.svg",
        "score.pdf",
        "score_field.csv",
        "score_by_density.csv",
    }
    assert all(file.stat().st_size > 500 for file in demo.files)
    field = pd.read_csv(tmp_path / "new" / "score_field.csv")
    assert list(field) == ["y1", "y2", "density", "exact1", "exact2", "learned1", "learned2"]
    places = torch.from_numpy(field[["y1", "y2"]].to_numpy())
    np.testing.assert_allclose(demo.noisy.score(places), field[["exact1", "exact2"]], rtol=1e-9, atol=1e-9)
    curve = pd.read_csv(tmp_path / "new" / "score_by_density.csv")
    assert list(curve) == ["density", "probability", "error", "local_error"]
    assert f"{demo.relative_error:.2%}" in demo.text
    # The same demonstration draws the same bytes.
    again = draw(demo, open_folder(tmp_path / "again"))
    assert [file.read_bytes() for file in again] == [file.read_bytes() for file in demo.files[:3]]


def test_contours_enclose_their_shares():
    grid = quadrature(NOISY)
    density, mass = grid.density.numpy(), grid.mass.numpy()
    for share, level in zip((0.5, 0.99), enclosing(density, mass, (0.5, 0.99)), strict=True):
        assert mass[density >= level].sum() == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("sigma", [5.0, 25.0, 60.0])
@pytest.mark.parametrize("photograph", ["astronaut.png", "camera.png", "rocket.jpg"])
def test_three_noises_have_one_expected_error(photograph: str, sigma: float):
    clean = embedded(photograph)
    for law in equal_noises(clean, sigma=sigma):
        assert float(law.variance(clean).mean()) == pytest.approx((sigma / 255) ** 2, rel=1e-9)


def test_measured_errors_agree_with_the_laws():
    demo = demonstrate("camera.png", embedded("camera.png"), sigma=25, seed=0)
    for one in demo.corrupted:
        # Five standard errors each; a level of few pixels has a skewed error, so only full ones count.
        assert abs(one.mse - one.expected_mse) < 5 * one.mse_error < 0.02 * one.expected_mse
        full = one.by_intensity[one.by_intensity["pixels"] > 1000]
        away = (full["measured_variance"] - full["law_variance"]).abs() / full["standard_error"]
        assert len(full) > 20
        assert away.max() < 5
        assert one.by_intensity["pixels"].sum() == demo.clean.size
    gaussian, poisson, gamma = (one.outside for one in demo.corrupted)
    assert gaussian > 0
    assert poisson > 0
    assert gamma > 0


def test_noise_is_keyed_by_its_seed():
    clean = embedded("camera.png")[:32, :32]
    one, same, other = (demonstrate("camera.png", clean, sigma=25, seed=seed) for seed in (0, 0, 1))
    for first, second, third in zip(one.corrupted, same.corrupted, other.corrupted, strict=True):
        np.testing.assert_array_equal(first.noisy, second.noisy)
        assert (first.noisy != third.noisy).any()


def test_noise_files_hold_what_they_say(tmp_path: Path, photo_folders):
    photographs, _ = photo_folders(1)
    before = dict(mpl.rcParams)
    demo = noise_demo.run(tmp_path / "new", image=photographs / "0.png", sigma=10)
    assert dict(mpl.rcParams) == before
    assert {file.name for file in demo.files} == {"noise.png", "noise.svg", "noise.pdf", "noise.csv"}
    assert all(file.stat().st_size > 500 for file in demo.files)
    table = pd.read_csv(tmp_path / "new" / "noise.csv")
    assert list(table) == [
        "noise",
        "parameter",
        "intensity",
        "pixels",
        "law_variance",
        "measured_variance",
        "standard_error",
    ]
    assert list(table["noise"].unique()) == ["gaussian", "poisson", "gamma"]
    assert "0.png under three noises" in demo.text


def test_detail_lies_in_the_image_and_spans_dark_and_bright():
    clean = np.full((200, 301, 3), 0.5)
    clean[20:60, 250:280] = 1
    clean[60:100, 250:280] = 0
    rows, columns = window(clean)
    assert clean[rows, columns].shape == (160, 160, 3)
    assert clean[rows, columns].min() == 0
    assert clean[rows, columns].max() == 1


def test_bad_input_is_named(tmp_path: Path):
    with pytest.raises(InputError, match=r"nowhere\.png: cannot be read"):
        noise_demo.run(tmp_path, image=tmp_path / "nowhere.png")
    with pytest.raises(InputError, match=r"'astronout\.png'; did you mean 'astronaut\.png'"):
        noise_demo.run(tmp_path, photograph="astronout.png")
    for sigma in (0, -1, float("nan")):
        with pytest.raises(InputError, match="sigma > 0"):
            noise_demo.run(tmp_path, sigma=sigma)
        with pytest.raises(InputError, match="sigma > 0"):
            score_demo.run(tmp_path, sigma=sigma)
    with pytest.raises(InputError, match="steps has to be 1 or more, but is 0"):
        score_demo.run(tmp_path, steps=0)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        score_demo.run(tmp_path / "file")
    assert not list(tmp_path.glob("*.png"))


def test_images_without_equal_noises_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="black"):
        equal_noises(np.zeros((20, 20, 1)), sigma=25)
    with pytest.raises(InputError, match=r"sigma 200 is too large.*sigma < 127\.5"):
        equal_noises(np.full((20, 20, 1), 0.5), sigma=200)
    import cv2

    cv2.imwrite(str(tmp_path / "beyond.tiff"), np.full((20, 20), 1.5, np.float32))
    with pytest.raises(InputError, match="lies in \\[0, 1\\]"):
        read(tmp_path / "beyond.tiff")
