"""Blind runs: the parameter of the noise is withheld, and differs from one training image to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.images.sources import open_set
from bench.noise import Poisson
from bench.noise.level import estimate_noise
from bench.runs.context import RunContext
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import Job, plan
from bench.runs.recipes import RECIPES, Recipe
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.store.store import Store
from bench.system.devices import open_device
from tests.support.runs import CPU, Silent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def context(photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> RunContext:
    train, test = (open_set(str(folder), channels=1) for folder in photo_folders(1))
    return RunContext(train, (test,), open_device("cpu"), Store.open(tmp_path / "runs"), "not asked for")


def jobs_of(
    context: RunContext, *noises: str, methods: tuple[str, ...] = ("supervised",), blind: bool = True
):
    recipe: Recipe = replace(
        RECIPES["quick"], methods=methods, noises=noises, width=4, steps=4, batch=2, patch=32
    )
    return plan(recipe, context.training_images, device=CPU, blind=blind)


def outcomes_of(context: RunContext, jobs: list[Job]) -> list[str]:
    watcher = Silent()
    launch(jobs, context, watcher)
    return watcher.outcomes


def test_one_training_run_serves_all_tests_of_its_noise_model(context: RunContext):
    noises = ("gaussian:25", "gamma:50", "gaussian:50")
    jobs = jobs_of(context, *noises, methods=("supervised", "noise2score"))
    assert [(job.run.method, job.noise.spec) for job in jobs] == [
        ("supervised", "gaussian:20..55"),
        ("noise2score", "gaussian:20..55"),
        ("supervised", "gamma:120..40"),
        ("noise2score", "gamma:120..40"),
    ]
    assert outcomes_of(context, jobs) == ["trained"] * 4
    scores = context.store.scores()
    tested = scores.groupby(["method", "noise", "parameter"]).size().to_dict()
    assert tested == {
        (f"{method} (blind)", noise, parameter): 2
        for method in ("supervised", "noise2score")
        for noise, parameter in (("gaussian", 25.0), ("gaussian", 50.0), ("gamma", 50.0))
    }
    assert set(scores["sees"]) == {"noisy + clean", "noisy + noise model"}
    # Supervised learning sees no noise model, so it estimates none.
    assert scores.groupby("method")["estimate"].count().to_dict() == {
        "supervised (blind)": 0,
        "noise2score (blind)": 6,
    }


def test_blind_and_other_runs_denoise_the_same_noisy_images(context: RunContext):
    blind, known = (jobs_of(context, "gaussian:25", "gaussian:50", blind=blind) for blind in (True, False))
    assert not {job.key for job in blind} & {job.key for job in known}
    outcomes_of(context, blind + known)
    hashes = [
        record.evaluation[noise]["test"].noisy_sha256
        for noise in ("gaussian:25", "gaussian:50")
        for record in map(context.store.record, context.store.keys())
        if noise in record.evaluation
    ]
    assert len(hashes) == 4
    assert hashes[0] == hashes[1] != hashes[2] == hashes[3]


def test_a_further_noise_is_scored_without_training(context: RunContext):
    assert outcomes_of(context, jobs_of(context, "gaussian:25")) == ["trained"]
    wider = jobs_of(context, "gaussian:25", "gaussian:50")
    assert outcomes_of(context, wider) == ["scored"]
    assert outcomes_of(context, wider) == ["stored"]
    assert list(context.store.scores()["parameter"]) == [25, 25, 50, 50]


def test_a_loaded_run_estimates_and_scores_the_same(context: RunContext):
    (job,) = jobs_of(context, "poisson:0.02", methods=("noise2score",))
    outcomes_of(context, [job])
    stored = context.store.scores([job.key])
    test = corrupt(context.test_images[0], Poisson(0.02), seed=0)
    again = evaluate(load_run(context.store.root / job.key), test)
    assert [row["psnr"] for row in again] == pytest.approx(list(stored["psnr"]), abs=1e-5)
    assert [row["estimate"] for row in again] == list(stored["estimate"])
    images = [image.noisy[0].movedim(0, -1).numpy() for image in test.images]
    expected = [estimate_noise(Poisson, image).parameter for image in images]
    assert list(stored["estimate"]) == pytest.approx(expected, rel=1e-6)


def test_a_failed_blind_run_is_missing_in_every_row(context: RunContext, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench.runs.fit.train", lambda *_, **__: 1 / 0)
    outcomes_of(context, jobs_of(context, "gaussian:25", "gaussian:50"))
    failures = context.store.failures()
    assert list(failures["parameter"]) == [25, 50]
    assert set(failures["error"]) == {"ZeroDivisionError: division by zero"}


@pytest.mark.parametrize("spec", ["gaussian:10", "gaussian:56", "poisson:0.2", "gamma:30", "gamma:130"])
def test_a_noise_outside_of_the_training_range_is_refused(context: RunContext, spec: str):
    with pytest.raises(InputError, match=f"covers {spec.partition(':')[0]} noise from .* not {spec}"):
        jobs_of(context, spec)
