"""The methods that are not worse than the best of their row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.analysis.best import rivalry
from bench.analysis.columns import CellKey
from bench.analysis.paired import difference_of
from tests.support.results.score_lines import cell_lines, normal

SEES = {"a": "noisy", "b": "noisy + noise", "c": "noisy", "clean": "noisy + clean", "pair": "noisy + noisy2"}
SEES["plain"] = "noisy + noise, untrained"


def row(offsets: dict[str, Any], *, images: int = 12, **columns: Any) -> pd.DataFrame:
    """Write scores of methods that differ by offsets from the same hard and easy images."""
    shared = normal(images, 1)
    parts = [
        cell_lines(shared + np.reshape(offset, (-1, 1)), method=method, sees=SEES[method], **columns)
        for method, offset in offsets.items()
    ]
    return pd.concat(parts).assign(ssim=lambda lines: lines["psnr"] / 100, lpips=lambda lines: -lines["psnr"])


def found(scores: pd.DataFrame, metric: str = "psnr") -> list[str]:
    return sorted(cell.method for cell in rivalry(scores, metric).not_worse)


@pytest.mark.parametrize("metric", ["psnr", "ssim", "lpips"])
def test_only_trained_self_supervised_methods_compete_for_best(metric: str) -> None:
    offsets = {"a": 0.0, "b": -1.0, "clean": 2.0, "pair": 1.0, "plain": 3.0}
    assert found(row(offsets), metric) == ["a"]


def test_several_are_best_where_the_images_do_not_decide() -> None:
    wobble = np.resize([0.5, -0.6], 12)
    assert found(row({"a": 0.0, "b": wobble, "c": -0.2})) == ["a", "b"]


def test_a_constant_difference_decides_however_small_it_is() -> None:
    assert found(row({"a": 0.0, "b": -0.001})) == ["a"]


def test_p_is_that_of_the_difference_to_the_best_times_all_rivals_of_the_set() -> None:
    rng = np.random.default_rng(0)
    offsets = {"a": 0.0, "b": rng.normal(-0.2, 0.3, 12), "c": rng.normal(-0.2, 0.3, 12)}
    scores = pd.concat([row(offsets), row({"a": 0.0, "b": -1.0}, parameter=50.0)])
    p = rivalry(scores).p
    parts = dict(iter(scores[scores["parameter"] == 25.0].groupby("method")))
    assert len(p) == 3
    for method in ("b", "c"):
        raw = difference_of(parts["a"], parts[method]).p
        assert p[CellKey("gaussian", 25.0, "set12", method)] == pytest.approx(min(1, 3 * raw))
        assert 0.001 < raw < 0.9


def test_one_image_or_no_common_seed_shows_nothing() -> None:
    assert found(row({"a": 0.0, "b": -1.0}, images=1)) == ["a", "b"]
    apart = pd.concat([row({"a": 0.0}), row({"b": -1.0}).assign(seed=1)])
    assert found(apart) == ["a", "b"]
    assert all(map(math.isnan, rivalry(apart).p.values()))


def test_a_metric_that_is_unknown_on_an_image_does_not_compete() -> None:
    scores = row({"a": 0.0, "b": -1.0})
    scores.loc[(scores["method"] == "a") & (scores["image"] == "03.png"), "lpips"] = None
    assert found(scores, "lpips") == ["b"]
    assert found(scores) == ["a"]


def test_the_truly_best_method_is_found_in_every_row_in_95_percent_of_cases() -> None:
    """Four methods that are equally good, under three noises; 400 draws have a standard error of 1.1 %."""
    rng = np.random.default_rng(0)
    lost = 0
    for _ in range(400):
        rows = [
            pd.concat(
                [
                    cell_lines(rng.normal(size=(10, 1)), method=name, sees="noisy", parameter=noise)
                    for name in "abcd"
                ]
            )
            for noise in (15.0, 25.0, 50.0)
        ]
        # Any of the four may be called the best; here it is "a".
        not_worse = rivalry(pd.concat(rows)).not_worse
        lost += sum(cell.method == "a" for cell in not_worse) < 3
    assert lost / 400 <= 0.05 + 0.033
