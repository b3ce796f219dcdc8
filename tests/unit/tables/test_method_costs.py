"""What the methods of a table cost, and what is said of numbers that were not recorded."""

from __future__ import annotations

import math

import pytest

from bench.analysis.tabulate import tabulate
from bench.tables.method_costs import cost_notes, method_costs
from tests.support.results.scores import NO_FAILURES, failed, failure, made_up, only

TWO = {"noise2void": "noisy", "supervised": "noisy + clean"}
NOISES = [("gaussian", 25.0), ("gaussian", 50.0), ("poisson", 0.05)]


def costs_of(scores, failures=NO_FAILURES):
    return method_costs(only(tabulate(scores, failures)))


def note_of(scores) -> str:
    table = only(tabulate(scores, NO_FAILURES))
    (note,) = cost_notes(table, method_costs(table))
    return note


def test_training_seconds_are_a_median_that_one_slow_noise_does_not_move():
    scores = made_up(TWO, noises=NOISES)
    scores["training_seconds"] = scores["parameter"].map({25.0: 10.0, 50.0: 30.0, 0.05: 10_000.0})
    assert costs_of(scores)["training s", ""] == ["30.0", "30.0"]


def test_operations_are_the_mean_over_the_noises():
    scores = made_up(TWO, noises=NOISES)
    scores["training_flops"] = scores["parameter"].map({25.0: 1e12, 50.0: 2e12, 0.05: 6e12})
    assert costs_of(scores)["training TFLOP", ""] == ["3.0", "3.0"]


def test_denoising_seconds_are_those_of_one_image_of_each_test_set():
    scores = made_up(TWO)
    scores["seconds"] = scores["images"].map({"set12": 0.5, "bsd68": 0.002})
    scores.loc[scores["method"] == "supervised", "seconds"] *= 4
    costs = costs_of(scores)
    assert costs["s/image", "set12"] == ["0.500", "2.00"]
    assert costs["s/image", "bsd68"] == ["0.00200", "0.00800"]


def test_passes_of_a_step_are_forward_and_backward():
    scores = made_up(TWO).assign(forward_passes=1.5, backward_passes=0.25)
    scores.loc[scores["method"] == "supervised", ["forward_passes", "backward_passes"]] = [1.0, 1.0]
    assert costs_of(scores)["passes/step", ""] == ["1.5 / 0.25", "1 / 1"]


def test_what_no_run_recorded_is_left_out_and_what_some_did_not_is_a_dash():
    scores = made_up(TWO)
    assert {name for name, _ in costs_of(scores)} == {"training TFLOP", "training s", "s/image"}
    assert "not recorded." not in note_of(scores)
    some = scores.assign(passes=scores["method"].map({"supervised": 2.0}))
    assert costs_of(some)["passes/image", ""] == ["–", "2"]
    assert note_of(some).endswith("–: not recorded.")


def test_failures_alone_cost_nothing_that_is_known():
    table = only(tabulate(NO_FAILURES, failed(failure())))
    assert method_costs(table) == {}
    assert cost_notes(table, {}) == []


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.95, 0.97), ""),
        ((0.97, 0.52), "cores were shared with other work (a training thread had 52% of one)"),
        ((0.97, math.nan), "whether cores were shared with other work was not recorded"),
    ],
)
def test_shared_cores_are_said(shares, said):
    scores = made_up(TWO, device="cpu")
    scores["core_share"] = scores["method"].map(dict(zip(TWO, shares, strict=True)))
    assert ("shared" in note_of(scores)) == bool(said)
    assert said in note_of(scores)
    assert "shared" not in note_of(scores.assign(device="cuda"))
