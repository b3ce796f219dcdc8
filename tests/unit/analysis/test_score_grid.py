"""Scores as a grid of images and seeds, without gaps or doubles."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from bench.analysis.mean_ranks import mean_ranks
from bench.analysis.means import mean_of
from bench.analysis.paired import difference_of
from bench.analysis.scatter import seed_scatter
from bench.errors import InputError
from tests.support.results.score_lines import cell_lines, lines, normal, ranked_lines

BAD = {
    "no scores": (lambda scores: scores.iloc[:0], "there are none"),
    "lacking": (lambda scores: scores.iloc[1:], r"no finite psnr of image '00\.png' for seed 0"),
    "infinite": (
        lambda scores: scores.assign(psnr=[*scores["psnr"][:-1], math.inf]),
        r"no finite psnr of image '02\.png' for seed 1",
    ),
    "a seed of NaN": (
        lambda scores: scores.assign(psnr=scores["psnr"].where(scores["seed"] == 0)),
        r"no finite psnr of image '00\.png' for seed 1",
    ),
    "doubled": (
        lambda scores: pd.concat([scores, scores.iloc[[2]]]),
        r"more than one psnr of image '01\.png' for seed 0",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_missing_or_repeated_scores_are_refused(spoil, message):
    good = lines(normal(3, 2))
    bad = spoil(good)
    with pytest.raises(InputError, match=f"^scores: {message}"):
        mean_of(bad)
    with pytest.raises(InputError, match=f"^scores: {message}"):
        difference_of(bad, good)
    with pytest.raises(InputError, match=f"^other scores: {message}"):
        difference_of(good, bad)


def test_methods_and_cells_with_missing_or_repeated_scores_are_named():
    good = normal(3, 2)
    twice = cell_lines(good, noise="gamma", parameter=50.0, images="bsd68")
    with pytest.raises(InputError, match=r"^sure: no finite psnr of image '00\.png' for seed 0"):
        mean_ranks(pd.concat([ranked_lines(dncnn=good), ranked_lines(sure=good).iloc[1:]]))
    with pytest.raises(InputError, match=r"^sure: no scores of image '02\.png', which another method has"):
        mean_ranks(ranked_lines(dncnn=good, sure=good[:2]))
    with pytest.raises(InputError, match="no scores to rank"):
        mean_ranks(ranked_lines(sure=good).iloc[:0])
    with pytest.raises(
        InputError, match=r"^sure on gamma k=50, bsd68: more than one psnr of image '00\.png'"
    ):
        seed_scatter(pd.concat([cell_lines(good), twice, twice]).assign(sees="noisy"))
