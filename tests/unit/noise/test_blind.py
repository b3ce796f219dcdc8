"""Blind runs: the noise's parameter is withheld, and differs from one training picture to the next."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from bench.errors import InputError
from bench.images.image_set import intensities
from bench.images.sources import open_set
from bench.method import Batch
from bench.noise import NOISES, Gaussian, Noise, Poisson
from bench.noise.blind import UnknownNoise
from bench.noise.level import estimate_noise
from bench.runs.context import RunContext
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import Job, plan
from bench.runs.recipes import RECIPES, Recipe
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.seeds import generator
from bench.store.store import Store
from bench.system.devices import open_device
from bench.training.patches import Patches, Sampling
from methods.noise2score import Noise2Score, quality_penalty
from methods.sure import Sure
from tests.support.runs import Silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.images.image_set import ImageSet

CPU = torch.device("cpu")
UNKNOWN = UnknownNoise(Gaussian, 20, 55)
EVERY_LAW = {name: model(model.example) for name, model in NOISES.items()}
every_law = pytest.mark.parametrize("noise", EVERY_LAW.values(), ids=EVERY_LAW)


@pytest.fixture
def place(photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> RunContext:
    train, test = (open_set(str(folder), channels=1) for folder in photo_folders(1))
    return RunContext(train, (test,), open_device("cpu"), Store.open(tmp_path / "runs"), "not asked for")


def jobs_of(place: RunContext, *noises: str, methods: tuple[str, ...] = ("supervised",), blind: bool = True):
    recipe: Recipe = replace(
        RECIPES["quick"], methods=methods, noises=noises, width=4, steps=4, batch=2, patch=32
    )
    return plan(recipe, place.training_images, device=CPU, blind=blind)


def outcomes_of(place: RunContext, jobs: list[Job]) -> list[str]:
    watcher = Silent()
    launch(jobs, place, watcher)
    return watcher.outcomes


# The grid


def test_one_training_serves_all_tests_of_its_law(place: RunContext):
    noises = ("gaussian:25", "gamma:50", "gaussian:50")
    jobs = jobs_of(place, *noises, methods=("supervised", "noise2score"))
    assert [(job.run.method, job.noise.spec) for job in jobs] == [
        ("supervised", "gaussian:20..55"),
        ("noise2score", "gaussian:20..55"),
        ("supervised", "gamma:120..40"),
        ("noise2score", "gamma:120..40"),
    ]
    assert outcomes_of(place, jobs) == ["trained"] * 4
    scores = place.store.scores()
    tested = scores.groupby(["method", "noise", "parameter"]).size().to_dict()
    assert tested == {
        (f"{method} (blind)", noise, parameter): 2
        for method in ("supervised", "noise2score")
        for noise, parameter in (("gaussian", 25.0), ("gaussian", 50.0), ("gamma", 50.0))
    }
    assert set(scores["sees"]) == {"noisy + clean", "noisy + law"}
    # Supervised learning is not told of noise at all, so it estimates none.
    assert scores.groupby("method")["estimate"].count().to_dict() == {
        "supervised (blind)": 0,
        "noise2score (blind)": 6,
    }


def test_blind_and_told_meet_the_same_noisy_images(place: RunContext):
    blind, known = (jobs_of(place, "gaussian:25", "gaussian:50", blind=blind) for blind in (True, False))
    assert not {job.key for job in blind} & {job.key for job in known}
    outcomes_of(place, blind + known)
    hashes = [
        facts["evaluation"][noise]["test"]["noisy_sha256"]
        for noise in ("gaussian:25", "gaussian:50")
        for facts in map(place.store.facts, place.store.keys())
        if noise in facts["evaluation"]
    ]
    assert len(hashes) == 4
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]


def test_a_further_noise_is_scored_without_training(place: RunContext):
    assert outcomes_of(place, jobs_of(place, "gaussian:25")) == ["trained"]
    wider = jobs_of(place, "gaussian:25", "gaussian:50")
    assert outcomes_of(place, wider) == ["scored"]
    assert outcomes_of(place, wider) == ["stored"]
    assert list(place.store.scores()["parameter"]) == [25, 25, 50, 50]


def test_a_loaded_run_estimates_and_scores_the_same(place: RunContext):
    (job,) = jobs_of(place, "poisson:0.02", methods=("noise2score",))
    outcomes_of(place, [job])
    stored = place.store.scores([job.key])
    test = corrupt(place.test_images[0], Poisson(0.02), seed=0)
    again = evaluate(load_run(place.store.root / job.key), test)
    assert [row["psnr"] for row in again] == pytest.approx(list(stored["psnr"]), abs=1e-5)
    assert [row["estimate"] for row in again] == list(stored["estimate"])
    images = [image.noisy[0].movedim(0, -1).numpy() for image in test.images]
    expected = [estimate_noise(Poisson, image).parameter for image in images]
    assert list(stored["estimate"]) == pytest.approx(expected, rel=1e-6)


def test_a_failed_blind_run_is_missing_in_every_row(place: RunContext, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench.runs.execute.train", lambda *_, **__: 1 / 0)
    outcomes_of(place, jobs_of(place, "gaussian:25", "gaussian:50"))
    failures = place.store.failures()
    assert list(failures["parameter"]) == [25, 50]
    assert set(failures["error"]) == {"ZeroDivisionError: division by zero"}


@pytest.mark.parametrize("spec", ["gaussian:10", "gaussian:56", "poisson:0.2", "gamma:30", "gamma:130"])
def test_a_noise_outside_of_the_training_range_is_refused(place: RunContext, spec: str):
    with pytest.raises(InputError, match=f"covers {spec.partition(':')[0]} noise from .* not {spec}"):
        jobs_of(place, spec)


# The strength of each picture


@pytest.mark.parametrize("model", NOISES.values(), ids=NOISES)
def test_strengths_are_log_uniform(model: type[Noise]):
    unknown = UnknownNoise(model, *model.blind_range)
    drawn = [unknown.of_image(str(number), seed=0).parameter for number in range(2000)]
    low, high = sorted(model.blind_range)
    assert stats.kstest(drawn, stats.loguniform(low, high).cdf).pvalue > 1e-3


def test_strength_is_a_function_of_picture_and_seed():
    strengths = {
        (picture, seed): UNKNOWN.of_image(picture, seed=seed).parameter
        for picture in ("a", "b")
        for seed in (0, 1)
    }
    assert len(set(strengths.values())) == 4
    assert UNKNOWN.of_image("b", seed=1).parameter == strengths["b", 1]


def patches_of(
    images: ImageSet, *, training_noise: str = "frozen", needs: tuple[str, ...] = ("noisy", "noise")
):
    return Patches(
        images,
        UNKNOWN,
        needs=frozenset(needs),
        sampling=Sampling(steps=6, batch=8, patch=24, seed=3),
        training_noise=training_noise,
        device=CPU,
    )


@pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
def test_each_patch_comes_with_the_estimate_of_its_picture(
    tiny_set: Callable[[int], ImageSet], training_noise: str
):
    images = tiny_set(1)
    patches = patches_of(images, training_noise=training_noise)
    expected = []
    for picture in images:
        noise = UNKNOWN.of_image(picture.fingerprint, seed=3)
        role = ("training noise", "noisy", noise.spec, picture.fingerprint, 3)
        noisy = noise.sample(intensities(picture), generator(*role))
        expected.append(estimate_noise(Gaussian, noisy).parameter)
        assert expected[-1] != noise.parameter
    for step in range(6):
        picture = patches.places[step][:, 0]
        told = patches(step).noise.sigma
        torch.testing.assert_close(told, torch.tensor(expected)[picture].view(8, 1, 1, 1))


@pytest.mark.parametrize("training_noise", ["frozen", "resampled"])
def test_each_patch_has_the_noise_of_its_picture(tiny_set: Callable[[int], ImageSet], training_noise: str):
    images = tiny_set(1)
    patches = patches_of(images, training_noise=training_noise, needs=("noisy", "clean"))
    squares: dict[int, list[float]] = {}
    for step in range(6):
        batch = patches(step)
        noise = (batch.noisy - batch.clean).square().mean(dim=(1, 2, 3))
        for picture, square in zip(patches.places[step][:, 0].tolist(), noise.tolist(), strict=True):
            squares.setdefault(picture, []).append(square)
    for number, picture in enumerate(images):
        expected = UNKNOWN.of_image(picture.fingerprint, seed=3).parameter
        # At least 24 x 24 values of Gaussian noise, whose mean square spreads by sqrt(2 / n) = 6 %.
        assert 255 * np.sqrt(np.mean(squares[number])) == pytest.approx(expected, rel=0.15)


def test_a_picture_whose_noise_cannot_be_estimated_is_named(tmp_path: Path):
    Image.fromarray(np.zeros((40, 40), dtype=np.uint8)).save(tmp_path / "night.png")
    with pytest.raises(InputError, match=r"night\.png: .* black"):
        Patches(
            open_set(str(tmp_path), channels=1),
            UnknownNoise(Poisson, 0.005, 0.1),
            needs=frozenset({"noisy", "noise"}),
            sampling=Sampling(1, 1, 24, 0),
            device=CPU,
        )


# Parameters that differ from image to image


def noisy_pair(first: Noise, second: Noise) -> torch.Tensor:
    clean = 0.2 + 0.6 * generator("clean").random((2, 1, 24, 24))
    noisy = [
        noise.sample(image, generator("noisy")) for noise, image in zip((first, second), clean, strict=True)
    ]
    return torch.from_numpy(np.stack(noisy)).double()


def both(first: Noise, second: Noise) -> Noise:
    return type(first)(
        torch.tensor([first.parameter, second.parameter], dtype=torch.float64).view(2, 1, 1, 1)
    )


@every_law
def test_formulas_take_each_image_by_its_own_parameter(noise: Noise):
    pair = (noise, type(noise)(noise.parameter * 1.5))
    y, stacked = noisy_pair(*pair), both(*pair)
    score = torch.sin(9 * y)
    rules = {
        "tweedie": lambda noise, y, s: noise.tweedie(y, s),
        "stabilise": lambda noise, y, s: noise.stabilise(y),
        "unstabilise": lambda noise, y, s: noise.unstabilise(y),
        "raw_score": lambda noise, y, s: noise.raw_score(y, s),
        "variance": lambda noise, y, s: noise.variance(y),
        "sd": lambda noise, y, s: noise.stabilised_sd * torch.ones_like(y),
        "inverse": lambda noise, y, s: type(noise).of_stabilised_sd(noise.stabilised_sd).variance(y),
    }
    for name, rule in rules.items():
        apart = [rule(one, y[i : i + 1], score[i : i + 1]) for i, one in enumerate(pair)]
        torch.testing.assert_close(rule(stacked, y, score), torch.cat(apart), rtol=1e-12, atol=0, msg=name)


@every_law
def test_spread_gives_the_parameter_back(noise: Noise):
    assert type(noise).of_stabilised_sd(noise.stabilised_sd).parameter == pytest.approx(noise.parameter)


@every_law
@pytest.mark.parametrize(
    "method",
    [
        Sure(),
        Noise2Score(),
        Noise2Score(antithetic=True),
        Noise2Score(domain="raw", formula="paper"),
    ],
    ids=lambda method: f"{type(method).__name__}:{method.settings}",
)
def test_methods_take_each_image_by_its_own_parameter(noise: Noise, method: Sure | Noise2Score):
    """Where both parameters are one, the losses are those of the one; where they differ, each has its own."""
    same = (noise, noise)
    y = noisy_pair(*same)

    def losses(told: Noise) -> torch.Tensor:
        rng = torch.Generator().manual_seed(0)
        net = lambda image: image + 0.1 * torch.tanh(image)  # noqa: E731
        return method.loss(net, Batch({"noisy": y}, told), rng, torch.tensor(0.5).double())

    plain, stacked = losses(noise), losses(both(*same))
    torch.testing.assert_close(stacked, plain, rtol=1e-10, atol=0)
    other = losses(both(noise, type(noise)(noise.parameter * 1.5)))
    assert other[0].item() == pytest.approx(plain[0].item(), rel=1e-10)
    assert other[1].item() != pytest.approx(plain[1].item(), rel=1e-5)


# The paper's search for the parameter


@every_law
def test_quality_search_finds_the_least_penalty(noise: Noise):
    model = type(noise)
    y = noisy_pair(noise, noise).float()
    method = Noise2Score(level="quality")
    smooth = torch.nn.functional.avg_pool2d(y, 5, stride=1, padding=2, count_include_pad=False)
    score = (smooth - y) / noise.variance(smooth)
    found = method.level_of(noise, y, score)
    parameters = np.geomspace(*model.blind_range, 2000)
    for image in range(2):
        one, s = y[image : image + 1], score[image : image + 1]
        penalties = [quality_penalty(model, one, model(p).tweedie(one, s)).item() for p in parameters]
        reached = quality_penalty(
            model, one, model(getattr(found, fields(model)[0].name)[image]).tweedie(one, s)
        )
        assert reached.item() <= min(penalties) + 1e-3 * (max(penalties) - min(penalties))


@every_law
def test_quality_search_is_what_denoises_and_is_reported(noise: Noise):
    y = noisy_pair(noise, noise).float()
    net = lambda image: image + 0.3 * (image.mean() - image)  # noqa: E731
    method, told = Noise2Score(level="quality"), Noise2Score()
    found = method.estimate(net, y, noise)
    assert told.estimate(net, y, noise) is noise
    expected = found.tweedie(*told.scored(net, y, noise))
    torch.testing.assert_close(method.denoise(net, y, noise), expected)
    assert (expected != told.denoise(net, y, noise)).any()
