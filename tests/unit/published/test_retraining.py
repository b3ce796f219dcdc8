"""Repeated training runs: their scatter, what does not count, and whether the interval holds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from bench.analysis.scatter import Scatter, seed_scatter
from bench.errors import InputError
from bench.published.retraining import ScoredSet, training_runs
from tests.support.results.retraining import SETS, SURE, VOID, Means, moved, repeat_training, scored


def near(sd: float, degrees: int) -> Scatter:
    return Scatter(pytest.approx(sd, rel=1e-6), degrees)


def test_scatter_is_pooled_over_the_runs_of_a_method_about_their_means() -> None:
    found = repeat_training(moved(SURE, [0.1, -0.2, 0.3]) | moved(VOID, [1, 2]))
    # Of two, the squares about their mean add up to half the square of their difference.
    assert found.scatter("sure", "bsd68").common == near(math.sqrt((0.1**2 + 0.2**2 + 0.3**2) / 2 / 3), 3)
    assert found.scatter("sure", "set12").common == near(2 * math.sqrt((0.1**2 + 0.2**2 + 0.3**2) / 2 / 3), 3)
    assert found.scatter("noise2void", "bsd68").common == near(math.sqrt((1 + 4) / 2 / 2), 2)
    assert found.scatter("supervised", "bsd68") is None


def test_every_repeated_run_counts_and_runs_without_repetition_do_not() -> None:
    once = moved({run: SURE[run] for run in [("sure", 50.0, 0)]}, [0.3])
    assert repeat_training(once).scatter("sure", "bsd68").common == near(0.3 / math.sqrt(2), 1)
    assert repeat_training(once).scatter("noise2void", "bsd68") is None
    twice = repeat_training(once, moved(SURE, [0.2, 0.2, -0.3]))
    squares = [0.2**2 / 2, 0.2**2 / 2, np.var([0, 0.3, -0.3]) * 3]
    assert twice.scatter("sure", "bsd68").common == near(math.sqrt(sum(squares) / 4), 4)


def test_runs_with_the_same_bits_count_once() -> None:
    assert repeat_training(SURE).scatter("sure", "bsd68") is None
    further = moved(SURE, [0.1, -0.2, 0])
    expected = near(math.sqrt((0.1**2 + 0.2**2) / 2 / 2), 2)
    assert repeat_training(further).scatter("sure", "bsd68").common == expected
    assert repeat_training(further, further, SURE).scatter("sure", "bsd68").common == expected


def test_differences_are_to_the_committed_run() -> None:
    found = repeat_training(moved(SURE, [0.1, -0.2, 0.3]), moved(VOID, [1, 2])).differences
    assert list(found.columns) == ["again-0", "again-1"]
    of_sure = found.xs(("sure", "bsd68"), level=("method", "images"))
    assert list(of_sure["again-0"]) == pytest.approx([0.1, -0.2, 0.3])
    assert of_sure["again-1"].isna().all()
    assert list(found.xs(("noise2void", "set12"), level=("method", "images"))["again-1"]) == pytest.approx(
        [2, 4]
    )


def test_the_order_of_scores_changes_nothing() -> None:
    scores, again = scored(SURE), scored(moved(SURE, [0.1, -0.2, 0.3]))
    first = training_runs(scores, {"again": again})
    for seed in range(3):
        mixed = [lines.sample(frac=1, random_state=seed) for lines in (scores, again)]
        pd.testing.assert_frame_equal(training_runs(mixed[0], {"again": mixed[1]}).means, first.means)


def test_other_runs_and_other_test_sets_are_left_out() -> None:
    nothing = {"other runs": scored({("sure", 10.0, 0): 30.0}), "failures": pd.DataFrame(columns=["key"])}
    pd.testing.assert_frame_equal(
        training_runs(scored(SURE), nothing).means, training_runs(scored(SURE), {}).means
    )
    further = moved(SURE, [0.1, -0.2, 0.3])
    elsewhere = scored(further).query("images == 'set12'").assign(images="kodak24")
    again = pd.concat([scored(further | {("sure", 10.0, 0): 30.0}), elsewhere])
    found = training_runs(scored(SURE), {"again": again}).means
    pd.testing.assert_frame_equal(found, training_runs(scored(SURE), {"again": scored(further)}).means)


def test_scores_of_other_images_or_other_noise_are_refused() -> None:
    good = scored(SURE)
    for bad in (good.iloc[1:], good.assign(image=good["image"].replace("b.png", "d.png"))):
        with pytest.raises(InputError, match=r"training runs of sure-.* on different images of 'bsd68'"):
            training_runs(good, {"again": bad})
    with pytest.raises(InputError, match="different noisy copies"):
        training_runs(good, {"again": good.assign(noisy_psnr=20.5)})


# What is expected when a run is trained again


def test_a_run_is_not_judged_by_its_own_repetitions() -> None:
    for own in (0.0, 5.0):
        found = repeat_training(moved(SURE, [own, -0.2, 0.3])).expected("sure-25-0")
        assert found == {
            ScoredSet(25.0, images): near(times * math.sqrt((0.2**2 + 0.3**2) / 2 / 2), 2)
            for images, times in (("bsd68", 1), ("set12", 2))
        }


@pytest.mark.parametrize("again", [[], [{("sure", 50.0, 0): 29.0}], [moved(VOID, [1, 2])]])
def test_seeds_decide_if_no_other_run_of_the_method_was_trained_again(again: list[Means]) -> None:
    found = repeat_training(*again).expected("sure-50-0")
    committed = scored(SURE)
    for images in SETS:
        expected = seed_scatter(committed[committed["images"] == images].assign(sees="noisy"))
        assert found[ScoredSet(50.0, images)] == expected["sure"].common
    assert found[ScoredSet(50.0, "bsd68")] == near(0.4 / math.sqrt(2), 1)


def test_a_method_without_known_scatter_is_refused_by_name() -> None:
    said = r"run of noise2void may differ from run noise2void-50-0 on bsd68 .* no cell has two seeds"
    for again in (SURE, {("noise2void", 50.0, 0): 24.5}):
        with pytest.raises(InputError, match=said):
            repeat_training(again).expected("noise2void-50-0")


def test_hyper_parameters_make_a_method_of_its_own() -> None:
    variant: Means = {("sure:eps=0.01", sigma, 0): 28.0 for sigma in (25.0, 50.0)}
    scores, again = scored(SURE | variant), scored(moved(SURE | variant, [0.1, 0.1, 0.1, 3, 5]))
    found = training_runs(scores, {"again": again})
    assert found.scatter("sure", "bsd68").common == near(0.1 / math.sqrt(2), 3)
    assert found.expected("sure:eps=0.01-25-0")[ScoredSet(25.0, "bsd68")] == near(5 / math.sqrt(2), 1)


def test_the_interval_covers_95_percent_of_sound_retraining_of_every_method() -> None:
    """Other methods, whose scatter differs, and seeds, which change the noise, do not enter."""
    rng = np.random.default_rng(0)
    sds = {f"method-{number}": sd for number, sd in enumerate(np.geomspace(0.002, 0.05, 600))}
    where = [(25.0, 0), (25.0, 1), (50.0, 0), (15.0, 0), (35.0, 0), (75.0, 0), (60.0, 0)]
    levels = {(method, *place): 28 + 0.2 * rng.normal() for method in sds for place in where}
    draws = [{run: mean + sds[run[0]] * rng.normal() for run, mean in levels.items()} for _ in range(2)]
    found = training_runs(scored(draws[0]), {"again": scored(draws[1])})
    differences = found.differences["again"].droplevel(["noise", "parameter", "method", "seed"])
    held, degrees = {}, []
    for method, sd in sds.items():
        key = f"{method}-25-0"
        scatter = found.expected(key)[ScoredSet(25.0, "bsd68")]
        degrees.append(scatter.degrees)
        held[sd] = abs(differences["bsd68", key]) <= scatter.retraining()
    # Fewer where a noise seems to scatter more, by chance.
    assert max(degrees) == 6
    assert np.mean(np.equal(degrees, 6)) > 0.95
    narrow, wide = np.split(np.array([held[sd] for sd in sorted(held)]), 2)
    # Of 300 the standard error is 1.3 %.
    assert narrow.mean() == pytest.approx(0.95, abs=0.03)
    assert wide.mean() == pytest.approx(0.95, abs=0.03)
