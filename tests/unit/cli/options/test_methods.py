"""The options of the commands on methods."""

from __future__ import annotations

import pytest
import tyro

from bench.cli.options.methods import ListOptions, ProfileOptions
from bench.runs.recipes import RECIPES


def test_the_default_sizes_of_a_profile_are_those_of_the_recipe_quick() -> None:
    quick, default = RECIPES["quick"], ProfileOptions()
    assert (default.width, default.batch, default.patch) == (quick.width, quick.batch, quick.patch)


def test_list_refuses_a_section_that_it_does_not_have() -> None:
    assert tyro.cli(ListOptions, args=["sets"]).what == "sets"
    with pytest.raises(SystemExit) as leaving:
        tyro.cli(ListOptions, args=["images"])
    assert leaving.value.code == 2
