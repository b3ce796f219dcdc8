"""The options of ``noisebench run``: how they change a recipe."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import tyro

from bench.cli.options.run import ClusterOptions, RecipeChanges, RunOptions
from bench.errors import InputError
from bench.runs.recipes import RECIPES, Recipe


def parse(text: str) -> RunOptions:
    return tyro.cli(RunOptions, args=text.split())


def test_every_setting_of_a_recipe_has_an_option() -> None:
    settings = {field.name for field in fields(Recipe)} - {"purpose"}
    assert {field.name for field in fields(RecipeChanges)} == settings


def test_without_options_the_recipe_stays_as_it_is() -> None:
    assert parse("").changed_recipe() == RECIPES["quick"]
    assert parse("grey").changed_recipe() == RECIPES["grey"]


def test_given_options_replace_settings_of_the_recipe() -> None:
    changes = "--methods sure all --noises gamma:20 --width 8 --learning-rate 1e-4 --seeds 1 2 --lpips False"
    assert parse(f"grey {changes}").changed_recipe() == replace(
        RECIPES["grey"],
        methods=("sure", "all"),
        noises=("gamma:20",),
        width=8,
        learning_rate=1e-4,
        seeds=(1, 2),
        lpips=False,
    )


def test_an_option_without_values_is_not_one_that_is_left_out() -> None:
    with pytest.raises(InputError, match="at least one of its methods"):
        parse("--methods").changed_recipe()


def test_the_former_name_of_evaluations_is_still_understood() -> None:
    assert parse("--looks 3") == parse("--evaluations 3")
    assert parse("--looks 3").changed_recipe().evaluations == 3


def test_cluster_options_are_parsed_without_a_prefix() -> None:
    assert parse("").cluster == ClusterOptions(None, None, None)
    assert parse("--ray auto --gpus-per-run 0.5").cluster == ClusterOptions("auto", 0.5, None)
