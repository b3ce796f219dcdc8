"""Scores that cannot be compared are refused."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.analysis.tabulate import tabulate
from bench.errors import InputError
from bench.tables.caption import footer
from bench.tables.score_table import markdown
from tests.support.results.scores import (
    NO_FAILURES,
    made_up,
)


def test_precision_may_differ_by_method_but_not_within_a_cell():
    scores = made_up()
    scores.loc[(scores["method"] == "sure") & (scores["seed"] == 1), "precision"] = "bfloat16"
    with pytest.raises(
        InputError, match=r"sure on .* mixes runs of different precision: bfloat16 and float32"
    ):
        tabulate(scores, NO_FAILURES)
    scores.loc[scores["method"] == "sure", "precision"] = "float32"
    scores.loc[(scores["method"] == "sure") & (scores["noise"] == "gamma"), "precision"] = "bfloat16"
    assert "| bfloat16, float32 |" in markdown(tabulate(scores, NO_FAILURES))


def test_a_method_cannot_change_what_it_sees():
    scores = made_up()
    scores.loc[(scores["method"] == "sure") & (scores["noise"] == "gamma"), "sees"] = "noisy"
    with pytest.raises(
        InputError, match=r"sure on .* mixes runs of different sees: noisy and noisy \+ noise"
    ):
        tabulate(scores, NO_FAILURES)


def test_incomplete_image_sets_are_refused():
    scores = made_up()
    lost = (scores["method"] == "sure") & (scores["image"] == "b.png") & (scores["seed"] == 1)
    lost &= (scores["noise"] == "gamma") & (scores["parameter"] == 50)
    assert lost.sum() == 1
    with pytest.raises(
        InputError,
        match=r"sure on gamma k=50, bsd68, seed 1 is incomplete: run sure-gamma-50-1 has 2 of 3 images, "
        r"without b\.png",
    ):
        tabulate(scores[~lost], NO_FAILURES)


def test_images_that_a_noise_leaves_unchanged_may_be_absent_for_all_methods():
    scores = made_up()
    absent = (scores["image"] == "b.png") & (scores["noise"] == "gamma")
    (table,) = tabulate(scores[~absent], NO_FAILURES)
    counts = {row.noise: row.n_images for row in table.rows if row.images == "bsd68"}
    assert counts == {"gaussian": 3, "gamma": 2}
    assert "2 to 3 of bsd68" in " ".join(footer(table))


def test_two_runs_of_one_cell_and_seed_are_refused():
    again = made_up({"sure": "noisy + noise"}, seeds=[1], key="newer")
    with pytest.raises(InputError, match=r"sure on .*, seed 1 has more than one score.*newer and sure-"):
        tabulate(pd.concat([made_up(), again]), NO_FAILURES)


def test_different_noisy_images_are_refused():
    scores = made_up()
    line = scores.index[(scores["method"] == "sure") & (scores["image"] == "b.png")][0]
    scores.loc[line, "noisy_psnr"] += 0.001
    with pytest.raises(
        InputError, match=r"noise2void and sure were given different noisy copies of image 'b\.png'"
    ):
        tabulate(scores[scores["method"].isin(["sure", "noise2void"])], NO_FAILURES)
