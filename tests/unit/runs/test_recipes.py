"""Recipes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.discovery import listings
from bench.errors import InputError
from bench.images.registry import REGISTRY
from bench.noise import parse_noise
from bench.runs.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_methods_noises_and_image_sets_that_exist(name: str) -> None:
    recipe = RECIPES[name]
    assert {*recipe.methods} <= {*listings()}
    assert [parse_noise(spec).spec for spec in recipe.noises] == list(recipe.noises)
    assert {recipe.train, *recipe.test} <= {*REGISTRY}


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
