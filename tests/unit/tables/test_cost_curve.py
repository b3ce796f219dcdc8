"""Curves averaged over seeds, and what a PSNR costs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.errors import InputError
from bench.tables.cost_curve import average, cost_to_reach, summary
from tests.support.results.curves import (
    CURVE_SETUP,
    SECONDS_A_STEP,
    STEPS,
    made_up_curve,
    psnr_at,
    together,
)


def only(lines):
    (line,) = lines.to_dict("records")
    return line


@pytest.mark.parametrize("seconds", [32.5, 64, 100.0, 511.9, 512])
def test_cost_is_exact_where_psnr_is_linear_in_its_logarithm(seconds):
    cost = [step * SECONDS_A_STEP for step in STEPS]
    level = psnr_at(seconds)
    assert cost_to_reach(level, [psnr_at(one) for one in cost], cost) == pytest.approx(seconds, rel=1e-12)


def test_cost_is_where_the_level_is_first_reached():
    assert cost_to_reach(2.0, [1.0, 3.0, 0.0, 4.0], [1.0, 4.0, 5.0, 6.0]) == pytest.approx(2.0)


def test_the_first_evaluation_bounds_the_cost_from_above():
    assert cost_to_reach(0.5, [1.0, 3.0], [7.0, 14.0]) == 7.0


def test_summary_of_a_closed_form():
    line = only(summary(made_up_curve()))
    final = psnr_at(512)
    assert line["psnr"] == pytest.approx(final)
    assert (line["seconds"], line["tflop"], line["seeds"]) == (512, 3072, 1)
    for distance in (0.5, 0.1):
        assert line[f"level_within_{distance}"] == pytest.approx(final - distance)
        assert line[f"seconds_within_{distance}"] == pytest.approx(512 * 2**-distance)
        assert line[f"tflop_within_{distance}"] == pytest.approx(3072 * 2**-distance)
        assert not line[f"at_first_within_{distance}"]
    assert {name: line[name] for name in CURVE_SETUP} == CURVE_SETUP


def test_all_reach_the_lowest_final_psnr_of_their_noise():
    slow, fast = made_up_curve("slow", slope=1.0), made_up_curve("fast", slope=1.5)
    elsewhere = made_up_curve("slow", noise="poisson", parameter=0.01, slope=0.5)
    lines = summary(together(slow, fast, elsewhere)).set_index(["noise", "method"])
    lowest = psnr_at(512)
    assert lines.loc["gaussian", "level_all_reach"].tolist() == pytest.approx([lowest] * 2)
    assert lines.loc[("gaussian", "slow"), "seconds_all_reach"] == pytest.approx(512)
    assert lines.loc[("gaussian", "fast"), "seconds_all_reach"] == pytest.approx(2 ** (9 / 1.5))
    assert lines.loc[("poisson", "slow"), "level_all_reach"] == pytest.approx(psnr_at(512, slope=0.5))


def test_curves_are_means_over_seeds():
    runs = [made_up_curve(seed=seed, slope=slope) for seed, slope in ((0, 1.0), (3, 1.2))]
    runs[1]["seconds"] *= 3
    (means,) = average(together(*runs)).values()
    assert means["step"].tolist() == list(STEPS)
    assert set(means["seeds"]) == {2}
    for name in ("seconds", "psnr"):
        expected = (runs[0][name].to_numpy() + runs[1][name].to_numpy()) / 2
        np.testing.assert_allclose(means[name], expected, rtol=1e-12)


def test_only_steps_at_which_every_seed_was_scored_are_averaged():
    (means,) = average(together(made_up_curve(), made_up_curve(seed=1, scored=STEPS[2:], slope=2))).values()
    assert means["step"].tolist() == list(STEPS[2:])
    assert set(means["seeds"]) == {2}


def test_order_is_that_of_the_tables():
    runs = [
        made_up_curve(method, noise=noise, parameter=parameter, sees=sees)
        for method, sees in (("a", "noisy + clean"), ("b", "noisy"))
        for noise, parameter in (("gamma", 50.0), ("gamma", 100.0), ("gaussian", 50.0), ("gaussian", 25.0))
    ]
    lines = summary(together(*runs))[["noise", "parameter", "method"]]
    noises = [("gaussian", 25), ("gaussian", 50), ("gamma", 100), ("gamma", 50)]
    expected = [(*noise, method) for noise in noises for method in ("b", "a")]
    assert list(lines.itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"key": "other"}, "different key: other and plain-gaussian-0"),
        ({"seed": 1, "precision": "bfloat16"}, "different precision: bfloat16 and float32"),
        ({"seed": 1, "sees": "noisy + clean"}, "different sees: noisy and noisy"),
    ],
)
def test_runs_that_differ_are_not_averaged(changes, names):
    with pytest.raises(InputError, match=names):
        average(together(made_up_curve(), made_up_curve().assign(**changes)))


def test_an_undefined_psnr_is_refused():
    with pytest.raises(InputError, match="undefined psnr"):
        average(made_up_curve(psnr=math.nan))
