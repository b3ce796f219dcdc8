"""Recipes."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.discovery import listings, parse_method
from bench.errors import InputError
from bench.images.image_set import require_patch
from bench.images.registry import REGISTRY
from bench.images.sources import open_set
from bench.noise import parse_noise
from bench.runs.recipes import RECIPES

DATA = Path(os.environ.get("NOISEBENCH_DATA", "nowhere"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_methods_noises_and_image_sets_that_exist(name: str) -> None:
    recipe = RECIPES[name]
    assert {*recipe.methods} <= {*listings()}
    assert [parse_noise(spec).spec for spec in recipe.noises] == list(recipe.noises)
    assert {recipe.train, *recipe.test} <= {*REGISTRY}


@pytest.mark.parametrize("name", RECIPES)
def test_every_method_finds_its_patches_in_the_training_images(name: str) -> None:
    recipe = RECIPES[name]
    try:
        images = open_set(recipe.train, channels=recipe.channels, data=DATA)
    except InputError as error:
        pytest.skip(str(error))
    for label, method in map(parse_method, listings()):
        require_patch(images, recipe.patch * method.patch_scale, method=label)


def test_the_summary_names_the_settings() -> None:
    summary = RECIPES["quick"].summary()
    assert (
        "embedded-train to embedded-test; width 16, 250 steps of 8 patches of 64x64; gaussian:25" in summary
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"methods": ()}, "at least one of its methods"),
        ({"noises": ()}, "at least one of its noises"),
        ({"test": ()}, "at least one of its test"),
        ({"seeds": ()}, "at least one of its seeds"),
        ({"evaluations": -1}, "evaluations must be at least 0, but is -1"),
        ({"steps": 0}, "steps must be at least 1, but is 0"),
    ],
)
def test_an_invalid_recipe_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(RECIPES["quick"], **changes)
