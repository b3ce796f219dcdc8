"""Planning: which jobs a recipe has, by which keys, and how a grid is divided."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from bench.discovery import listings, load_class
from bench.errors import InputError
from bench.runs.plan import missing_from, plan, shard_of
from bench.runs.recipes import RECIPES
from tests.support.runs import CPU, Tiny


@pytest.mark.parametrize(
    "change",
    [
        {"width": 6},
        {"steps": 5},
        {"batch": 3},
        {"patch": 40},
        {"learning_rate": 1e-3},
        {"seeds": (1,)},
        {"noises": ("gaussian:25.5",)},
        {"noises": ("gamma:25",)},
        {"methods": ("noise2noise",)},
    ],
)
def test_whatever_decides_the_weights_changes_the_key(tiny: Tiny, change: dict[str, Any]) -> None:
    assert tiny.jobs()[0].key != tiny.jobs(**change)[0].key


def test_the_precision_of_an_untrained_method_cannot_be_chosen(tiny: Tiny) -> None:
    recipe = replace(tiny.recipe, methods=("supervised", "wavelet"), noises=("gaussian:25",))
    jobs = plan(recipe, tiny.context.training_images, device=CPU, precision="bfloat16")
    assert {job.label: job.run.precision for job in jobs} == {"supervised": "bfloat16", "wavelet": "float32"}
    assert jobs[-1].key == plan(recipe, tiny.context.training_images, device=CPU)[-1].key


def test_all_selects_every_method_under_the_noises_it_is_defined_for(tiny: Tiny, gaussian_only: str) -> None:
    noises = ("gaussian:25", "gamma:50")
    jobs = tiny.jobs(methods=("all", "noise2void:radius=3"), noises=noises)
    pairs = [(job.label, job.noise.name) for job in jobs]
    assert len(set(pairs)) == len(pairs)
    defined = {
        (name, model) for name in listings() for model in load_class(name).noises & {"gaussian", "gamma"}
    }
    assert set(pairs) == defined | {("noise2void:radius=3", model) for model in ("gaussian", "gamma")}
    assert (gaussian_only, "gaussian") in pairs
    assert (gaussian_only, "gamma") not in pairs


@pytest.mark.parametrize("others", [(), ("all",)])
def test_a_named_method_must_be_defined_for_every_noise(
    tiny: Tiny, gaussian_only: str, others: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match="'picky' is for gaussian noise, not for gamma"):
        tiny.jobs(methods=(gaussian_only, *others), noises=("gamma:50",))


def test_a_job_is_missing_until_it_is_scored_on_every_test_set(tiny: Tiny) -> None:
    recipe = replace(tiny.recipe, methods=("supervised", "noise2void"), noises=("gaussian:25", "gaussian:50"))
    jobs = plan(recipe, tiny.context.training_images, device=CPU, blind=True)
    done, other = jobs
    scores = pd.DataFrame(
        [
            {"key": done.key, "parameter": noise.parameter, "images": images, "image": "0.png"}
            for noise in done.tests
            for images in ("test", "more")
        ]
    )
    assert missing_from(scores, jobs, ["test", "more"]) == [other]
    assert missing_from(scores, jobs, ["test", "another"]) == jobs
    for number in scores.index:
        assert missing_from(scores.drop(number), jobs, ["test", "more"]) == jobs
    assert missing_from(pd.DataFrame(), jobs, ["test"]) == jobs


@pytest.mark.parametrize("count", [1, 2, 4, 7, 15])
def test_shards_are_disjoint_and_together_the_grid(tiny: Tiny, count: int) -> None:
    jobs = tiny.jobs(methods=RECIPES["quick"].methods, noises=RECIPES["quick"].noises)
    shards = [shard_of(jobs, f"{number}/{count}") for number in range(1, count + 1)]
    assert sorted(job.key for shard in shards for job in shard) == sorted(job.key for job in jobs)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "1/0", "-1/2", "1/2/3", "a/b", "", "1.5/2"])
def test_a_shard_must_be_one_of_n(tiny: Tiny, part: str) -> None:
    with pytest.raises(InputError, match=f"the shard '{part}' must be I/N, from 1/N to N/N"):
        shard_of(tiny.jobs(), part)


def test_an_empty_shard_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match="the shard '2/2' is empty: the grid has 1 runs"):
        shard_of(tiny.jobs(), "2/2")


def test_a_patch_larger_than_an_image_is_refused_before_training(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"65x65"):
        tiny.jobs(patch=65)


def test_a_method_with_larger_patches_needs_larger_images(tiny: Tiny) -> None:
    side = min(min(image.pixels.shape[:2]) for image in tiny.context.training_images)
    assert tiny.jobs(patch=side // 2, methods=("neighbor2neighbor",))
    assert tiny.jobs(patch=side, methods=("supervised",))
    with pytest.raises(InputError, match=f"training patch of {2 * side}x{2 * side} that neighbor2neighbor"):
        tiny.jobs(patch=side, methods=("supervised", "neighbor2neighbor"))
    of_all = {job.run.method for job in tiny.jobs(patch=side, methods=("all",))}
    assert {job.run.method for job in tiny.jobs(methods=("all",))} - of_all == {"neighbor2neighbor"}
    with pytest.raises(InputError, match=f"training patch of {side + 1}x{side + 1} that"):
        tiny.jobs(patch=side + 1, methods=("all",))


@pytest.mark.parametrize(("name", "value"), [("width", 1), ("steps", 0), ("batch", 0), ("seeds", (-1,))])
def test_numbers_out_of_range_are_named(tiny: Tiny, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{name.rstrip('s')}s? must be at least \d, but is (0|1|-1)"):
        tiny.jobs(**{name: value})


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.nan, math.inf])
def test_a_learning_rate_out_of_range_is_named(tiny: Tiny, rate: float) -> None:
    with pytest.raises(InputError, match=f"learning_rate must be finite and above 0, but is {rate}"):
        tiny.jobs(learning_rate=rate)
