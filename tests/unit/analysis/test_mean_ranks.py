"""Ranks of methods on each image, averaged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.mean_ranks import mean_ranks
from tests.support.results.score_lines import normal, ranked_lines, shuffled


def test_ranks_by_hand():
    found = mean_ranks(
        ranked_lines(b=[[29], [33], [33], [30]], a=[[28], [32], [34], [30]], c=[[31], [31], [35], [30]])
    )
    assert found["method"].tolist() == ["c", "b", "a"]
    assert found["rank"].tolist() == [(1 + 3 + 1 + 2) / 4, (2 + 1 + 3 + 2) / 4, (3 + 2 + 2 + 2) / 4]
    assert found["images"].tolist() == [4, 4, 4]
    assert found.columns.tolist() == ["method", "rank", "low", "high", "images"]


def test_ranks_are_of_means_over_seeds():
    found = mean_ranks(ranked_lines(a=[[30, 30], [30, 30]], b=[[40, 19], [21, 38]]))
    assert dict(zip(found["method"], found["rank"], strict=True)) == {"a": 1, "b": 2}
    assert found[["low", "high"]].to_numpy().tolist() == [[1, 1], [2, 2]]


def test_scores_that_differ_by_rounding_alone_share_a_rank():
    found = mean_ranks(ranked_lines(a=[[0.1 + 0.2], [0.3]], b=[[0.3], [0.1 + 0.2]], c=[[0.5], [0.3]]))
    assert dict(zip(found["method"], found["rank"], strict=True)) == {"c": 1.5, "a": 2.25, "b": 2.25}
    assert found["method"].tolist() == ["c", "a", "b"]


def test_ranks_have_a_fixed_sum_and_ignore_the_order_of_lines():
    scores = ranked_lines(**{f"m{number}": normal(15, 2, rng=number) for number in range(5)})
    found = mean_ranks(scores)
    assert found["rank"].sum() == pytest.approx(5 * 6 / 2)
    assert found["rank"].is_monotonic_increasing
    assert ((found["low"] <= found["rank"]) & (found["rank"] <= found["high"])).all()
    pd.testing.assert_frame_equal(mean_ranks(shuffled(scores)), found)


def test_ranks_of_one_seed_ignore_the_scale_of_scores():
    scores = ranked_lines(**{f"m{number}": normal(15, rng=number) for number in range(5)})
    stretched = scores.assign(psnr=np.exp(scores["psnr"] / 10))
    pd.testing.assert_frame_equal(mean_ranks(stretched), mean_ranks(scores))


def test_interval_of_two_methods_ranks_is_the_binomials():
    """The first wins on 30 of 50 images: the share of wins in a resample is binomial."""
    wins = np.arange(50)[:, None] < 30
    first, second = mean_ranks(ranked_lines(a=30 + wins, b=31 - wins)).to_dict("records")
    low, high = stats.binom(50, 0.4).ppf([0.025, 0.975]) / 50
    assert (first["method"], first["rank"]) == ("a", pytest.approx(1.4))
    assert (first["low"], first["high"]) == (
        pytest.approx(1 + low, abs=0.021),
        pytest.approx(1 + high, abs=0.021),
    )
    assert (second["low"], second["high"]) == pytest.approx((3 - first["high"], 3 - first["low"]))


def test_ranks_of_one_image_have_no_interval():
    found = mean_ranks(ranked_lines(a=[[30]], b=[[31]]))
    assert found["method"].tolist() == ["b", "a"]
    assert found[["low", "high"]].isna().all(axis=None)
