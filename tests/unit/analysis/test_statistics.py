from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.statistics import (
    LEVEL,
    Scatter,
    _half_width,
    difference_of,
    holm,
    mean_of,
    mean_ranks,
    pooled,
    seed_scatter,
)
from bench.errors import InputError


def lines(psnr, *, seeds=None, **columns) -> pd.DataFrame:
    """Lines of scores from (images, seeds)."""
    psnr = np.asarray(psnr, dtype=float)
    image, seed = np.indices(psnr.shape).reshape(2, -1)
    seed = seed if seeds is None else np.asarray(seeds)[seed]
    names = [f"{number:02}.png" for number in image]
    return pd.DataFrame({"image": names, "seed": seed, "psnr": psnr.ravel()} | columns)


def normal(images, seeds=1, *, of_image=2.0, of_seed=0.05, rest=0.05, rng=0) -> np.ndarray:
    rng = np.random.default_rng(rng)
    a, b = of_image * rng.normal(size=(images, 1)), of_seed * rng.normal(size=(1, seeds))
    return 30 + a + b + rest * rng.normal(size=(images, seeds))


def shuffled(scores):
    return scores.sample(frac=1, random_state=1)


def compared(psnr, other, **kwargs):
    return difference_of(lines(psnr, **kwargs), lines(other, **kwargs))


def student(values):
    return stats.ttest_1samp(values, 0).confidence_interval(LEVEL)


@pytest.mark.parametrize("shape", [(12, 1), (1, 4), (2, 1)])
def test_interval_of_one_seed_or_one_image_is_students(shape):
    psnr = normal(*shape)
    found, expected = mean_of(lines(psnr)), student(psnr.ravel())
    assert (found.images, found.seeds) == shape
    assert found.value == pytest.approx(psnr.mean(), abs=1e-12)
    assert found.value - found.half_width == pytest.approx(expected.low, abs=1e-10)
    assert found.value + found.half_width == pytest.approx(expected.high, abs=1e-10)


def test_one_score_has_no_interval():
    found = mean_of(lines([[31.5]]))
    assert (found.value, found.images, found.seeds) == (31.5, 1, 1)
    assert math.isnan(found.half_width)


def test_interval_of_equal_scores_has_no_width():
    assert mean_of(lines(np.full((4, 3), 31.5))).half_width == 0


def mean_squares(psnr):
    """By the residuals of least squares, one factor left out at a time."""
    images, seeds = psnr.shape
    image, seed = np.indices(psnr.shape).reshape(2, -1)
    of_image, of_seed = np.eye(images)[image], np.eye(seeds)[seed]

    def residual(*factors):
        design = np.hstack(factors)
        fit = design @ np.linalg.lstsq(design, psnr.ravel(), rcond=None)[0]
        return ((psnr.ravel() - fit) ** 2).sum()

    rest = residual(of_image, of_seed)
    return (
        (residual(of_seed) - rest) / (images - 1),
        (residual(of_image) - rest) / (seeds - 1),
        rest / ((images - 1) * (seeds - 1)),
    )


def test_interval_of_crossed_images_and_seeds_is_satterthwaites():
    psnr = normal(7, 4, of_image=1, of_seed=0.8, rest=0.3)
    images, seeds, rest = mean_squares(psnr)
    assert min(images, seeds) > rest
    total = images + seeds - rest
    degrees = total**2 / (images**2 / 6 + seeds**2 / 3 + rest**2 / 18)
    expected = stats.t.ppf(0.975, degrees) * math.sqrt(total / 28)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("image", "seed", "rest", "largest"), [(1, 0, 0.5, 0), (0, 1, 0.5, 1), (0, 0, 1, 2)])
def test_variances_below_zero_are_left_out(image, seed, rest, largest):
    # Contrasts orthogonal to one another, so that each mean square comes from one term alone.
    a, b = np.array([[-1.0], [0.0], [1.0]]), np.array([[-1.0, 1.0]])
    psnr = 30 + image * a + seed * b + rest * (1 - 1.5 * a**2) * b
    squares, degrees = mean_squares(psnr), [2, 1, 2]
    assert int(np.argmax(squares)) == largest
    expected = stats.t.ppf(0.975, degrees[largest]) * math.sqrt(max(squares) / 6)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


def test_degrees_are_never_fewer_than_those_of_images_or_seeds():
    # All three mean squares nearly 4 * 1: Satterthwaite alone would give a third of a degree.
    a, b = np.array([[-1.0], [1.0]]), np.array([[-1.0, 1.0]])
    psnr = 30 + 1.001 * a + 1.001 * b + a * b
    total = sum(mean_squares(psnr)) - 2 * mean_squares(psnr)[2]
    expected = stats.t.ppf(0.975, 1) * math.sqrt(total / 4)
    assert mean_of(lines(psnr)).half_width == pytest.approx(expected, rel=1e-9)


def coverage(images, seeds, *, draws=1000, **scatters):
    rng = np.random.default_rng(0)
    drawn = (normal(images, seeds, rng=rng, **scatters) for _ in range(draws))
    return np.mean([abs(psnr.mean() - 30) <= _half_width(psnr) for psnr in drawn])


@pytest.mark.parametrize("seeds", [2, 3])
@pytest.mark.parametrize(
    ("scatters", "least", "most"),
    [
        ({"of_image": 2, "of_seed": 0, "rest": 0.05}, 0.93, 0.97),
        ({"of_image": 2, "of_seed": 0.5, "rest": 0.1}, 0.93, 0.97),
        ({"of_image": 0, "of_seed": 0, "rest": 1}, 0.96, 1),
        ({"of_image": 1, "of_seed": 1.5, "rest": 0.1}, 0.85, 0.95),
    ],
    ids=["images", "images-and-seeds", "neither", "seeds"],
)
def test_interval_holds_the_truth(seeds, scatters, least, most):
    """Standard errors of 1000 draws are about .007; where seeds scatter most, two of them are too few."""
    assert least <= coverage(12, seeds, **scatters) <= most


def test_wider_than_if_seeds_were_more_images():
    psnr = normal(12, 3)
    naive = student(psnr.ravel())
    assert mean_of(lines(psnr)).half_width > 1.5 * (naive.high - naive.low) / 2


def test_mean_of_shifted_and_shuffled_scores():
    psnr = normal(9, 3)
    found, moved = mean_of(lines(psnr)), mean_of(lines(psnr + 5))
    assert mean_of(shuffled(lines(psnr))) == found
    assert moved.value == pytest.approx(found.value + 5, abs=1e-12)
    assert moved.half_width == pytest.approx(found.half_width, rel=1e-9)


def test_test_of_a_difference_is_wilcoxons():
    psnr, other = normal(12, 2, rng=0), normal(12, 2, rng=0) - normal(12, 2, of_image=0.1, rng=2) + 30.1
    found, apart = compared(psnr, other), (psnr - other).mean(axis=1)
    assert found.mean == pytest.approx(apart.mean(), abs=1e-8)
    assert found.p == pytest.approx(stats.wilcoxon(apart).pvalue, rel=1e-12)
    assert 0.001 < found.p < 0.999
    assert (found.images, found.seeds) == (12, 2)


def test_interval_of_a_difference_is_near_students_for_normal_differences():
    apart = 0.2 + 0.3 * np.random.default_rng(3).normal(size=(200, 1))
    psnr = normal(200)
    found, expected = compared(psnr + apart, psnr), student(apart.ravel())
    width = expected.high - expected.low
    assert found.low == pytest.approx(expected.low, abs=0.05 * width)
    assert found.high == pytest.approx(expected.high, abs=0.05 * width)


def test_interval_of_skewed_differences_is_corrected_for_the_skew():
    psnr, apart = normal(40), np.random.default_rng(0).exponential(size=(40, 1))
    found = compared(psnr + apart, psnr)
    ends = {
        method: stats.bootstrap(
            (apart.ravel(),), np.mean, method=method, random_state=np.random.default_rng(7)
        ).confidence_interval
        for method in ("BCa", "percentile")
    }
    assert (found.low, found.high) == pytest.approx(tuple(ends["BCa"]), abs=0.03)
    assert min(np.subtract(ends["BCa"], ends["percentile"])) > 0.04


def test_interval_of_a_difference_holds_the_truth():
    """In .93 of cases for 24 normal differences; 120 draws have a standard error of .023."""
    rng = np.random.default_rng(0)
    zero = lines(np.zeros((24, 1)))
    found = [difference_of(zero.assign(psnr=rng.normal(size=24)), zero) for _ in range(120)]
    assert 0.87 <= np.mean([one.low <= 0 <= one.high for one in found]) <= 0.99


def test_a_difference_is_antisymmetric_and_of_no_order():
    psnr, other = lines(normal(12, 2, rng=0)), lines(normal(12, 2, rng=1))
    found, turned = difference_of(psnr, other), difference_of(other, psnr)
    assert turned.mean == -found.mean
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1e-9)
    assert turned.p == found.p
    assert difference_of(shuffled(psnr), shuffled(shuffled(other))) == found


def test_a_difference_counts_shared_seeds_alone():
    psnr, other = normal(6, 3, rng=0), normal(6, 3, rng=1)
    found = difference_of(lines(psnr, seeds=[0, 1, 2]), lines(other, seeds=[2, 5, 0]))
    assert found == compared(psnr[:, [0, 2]], other[:, [2, 0]])
    assert found.seeds == 2


def test_what_images_share_does_not_widen_a_difference():
    psnr, apart = normal(12), normal(12, of_image=0.01, rng=1) - 30
    found = compared(psnr + apart, psnr)
    assert found.high - found.low < 0.1
    assert mean_of(lines(psnr)).half_width > 0.5


@pytest.mark.parametrize(("shift", "p"), [(0.0, 1.0), (0.1, stats.wilcoxon([1] * 8).pvalue)])
def test_equal_differences_have_an_interval_without_width(shift, p):
    psnr = np.linspace(10, 40, 24).reshape(8, 3)  # so far apart that their sums round differently
    found = compared(psnr + shift, psnr)
    assert found.mean == pytest.approx(shift, abs=1e-12)
    assert (found.low, found.high) == (found.mean, found.mean)
    assert found.p == pytest.approx(p, rel=1e-12)


def test_one_image_shows_a_difference_but_bears_nothing_out():
    found = compared([[30.0, 31.0]], [[29.0, 29.0]])
    assert (found.mean, found.images, found.seeds) == (1.5, 1, 2)
    assert np.isnan([found.low, found.high, found.p]).all()


@pytest.mark.parametrize("apart", [[0, 1], [0, 0, 1], [0, 0, 0, 0, -1, 1], [1, 1, 1, -2]])
def test_few_ties_or_zeros_make_no_trouble(apart):
    found = compared(30 + np.array(apart, ndmin=2).T, np.full((len(apart), 1), 30))
    assert found.low <= found.mean <= found.high
    assert found.p == pytest.approx(stats.wilcoxon(apart).pvalue, rel=1e-12)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([3 * 0.01, 2 * 0.03, 2 * 0.03, 4 * 0.005])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_does_not_count_what_was_not_tested():
    found = holm([0.03, math.nan, 0.01, math.nan])
    assert np.isnan(found).tolist() == [False, True, False, True]
    assert [found[0], found[2]] == holm([0.03, 0.01])


def test_holm_rejects_what_the_steps_of_the_procedure_reject():
    p = np.random.default_rng(0).beta(0.3, 2, size=30)
    found = np.array(holm(p))
    for level in (0.01, 0.05, 0.2):
        rejected = set()
        for step, place in enumerate(np.argsort(p)):
            if p[place] > level / (len(p) - step):
                break
            rejected.add(place)
        assert set(np.flatnonzero(found <= level)) == rejected


def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni():
    p = np.random.default_rng(1).uniform(size=20) ** 3
    found = np.array(holm(p))
    assert all(a <= b for a, b in pairwise(found[np.argsort(p)]))
    assert (found >= p).all()
    assert (found <= np.minimum(20 * p, 1)).all()
    assert found.min() == pytest.approx(20 * p.min())


def ranked(**methods):
    return pd.concat([lines(psnr, method=method) for method, psnr in methods.items()])


def test_ranks_by_hand():
    found = mean_ranks(
        ranked(b=[[29], [33], [33], [30]], a=[[28], [32], [34], [30]], c=[[31], [31], [35], [30]])
    )
    assert found["method"].tolist() == ["c", "b", "a"]
    assert found["rank"].tolist() == [(1 + 3 + 1 + 2) / 4, (2 + 1 + 3 + 2) / 4, (3 + 2 + 2 + 2) / 4]
    assert found["images"].tolist() == [4, 4, 4]
    assert found.columns.tolist() == ["method", "rank", "low", "high", "images"]


def test_ranks_are_of_means_over_seeds():
    found = mean_ranks(ranked(a=[[30, 30], [30, 30]], b=[[40, 19], [21, 38]]))
    assert dict(zip(found["method"], found["rank"], strict=True)) == {"a": 1, "b": 2}
    assert found[["low", "high"]].to_numpy().tolist() == [[1, 1], [2, 2]]


def test_ranks_are_shared_by_scores_that_rounding_alone_parts():
    found = mean_ranks(ranked(a=[[0.1 + 0.2], [0.3]], b=[[0.3], [0.1 + 0.2]], c=[[0.5], [0.3]]))
    assert dict(zip(found["method"], found["rank"], strict=True)) == {"c": 1.5, "a": 2.25, "b": 2.25}
    assert found["method"].tolist() == ["c", "a", "b"]


def test_ranks_share_their_sum_and_know_no_order():
    scores = ranked(**{f"m{number}": normal(15, 2, rng=number) for number in range(5)})
    found = mean_ranks(scores)
    assert found["rank"].sum() == pytest.approx(5 * 6 / 2)
    assert found["rank"].is_monotonic_increasing
    assert ((found["low"] <= found["rank"]) & (found["rank"] <= found["high"])).all()
    pd.testing.assert_frame_equal(mean_ranks(shuffled(scores)), found)


def test_ranks_of_one_seed_know_no_scale():
    scores = ranked(**{f"m{number}": normal(15, rng=number) for number in range(5)})
    stretched = scores.assign(psnr=np.exp(scores["psnr"] / 10))
    pd.testing.assert_frame_equal(mean_ranks(stretched), mean_ranks(scores))


def test_interval_of_two_methods_ranks_is_the_binomials():
    """The first wins on 30 of 50 images: the share of wins in a resample is binomial."""
    wins = np.arange(50)[:, None] < 30
    first, second = mean_ranks(ranked(a=30 + wins, b=31 - wins)).to_dict("records")
    low, high = stats.binom(50, 0.4).ppf([0.025, 0.975]) / 50
    assert (first["method"], first["rank"]) == ("a", pytest.approx(1.4))
    assert (first["low"], first["high"]) == (
        pytest.approx(1 + low, abs=0.021),
        pytest.approx(1 + high, abs=0.021),
    )
    assert (second["low"], second["high"]) == pytest.approx((3 - first["high"], 3 - first["low"]))


def test_ranks_of_one_image_have_no_interval():
    found = mean_ranks(ranked(a=[[30]], b=[[31]]))
    assert found["method"].tolist() == ["b", "a"]
    assert found[["low", "high"]].isna().all(axis=None)


def cell(psnr, *, noise="gaussian", parameter=25.0, images="set12", method="sure", **kwargs):
    return lines(psnr, noise=noise, parameter=parameter, images=images, method=method, **kwargs)


def test_scatter_of_two_seeds_by_hand():
    found = seed_scatter(cell([[30.0, 30.3], [28.0, 27.9]]))
    assert found.sd == pytest.approx(abs(29.0 - 29.1) / math.sqrt(2))
    assert found.degrees == 1
    assert found.retraining() == pytest.approx(12.7062 * 0.1, rel=1e-5)


def test_scatter_is_pooled_over_the_cells_of_several_seeds():
    cells = [normal(4, 3, rng=0), normal(4, 2, rng=1) + 3, normal(6, 5, rng=2) - 3, normal(4, 1, rng=3)]
    where = [{}, {"parameter": 50.0}, {"images": "bsd68"}, {"method": "supervised"}]
    scores = pd.concat([cell(psnr, **place) for psnr, place in zip(cells, where, strict=True)])
    found = seed_scatter(scores)
    parts = [psnr.mean(axis=0).var(ddof=1) for psnr in cells[:3]]
    assert found.degrees == 2 + 1 + 4
    assert found.sd == pytest.approx(math.sqrt(np.dot([2, 1, 4], parts) / 7), rel=1e-9)
    assert seed_scatter(shuffled(scores)) == found


def test_scatter_recovers_what_it_was_drawn_with():
    """400 degrees of freedom: a standard error of 3.5 %."""
    rng = np.random.default_rng(0)
    cells = [normal(5, 5, of_seed=0.1, rest=0.1, rng=rng) for _ in range(100)]
    found = seed_scatter(pd.concat(cell(psnr, parameter=float(number)) for number, psnr in enumerate(cells)))
    assert found.degrees == 400
    assert found.sd == pytest.approx(math.sqrt(0.1**2 + 0.1**2 / 5), rel=0.1)
    assert found.retraining() == pytest.approx(1.96 * math.sqrt(2) * found.sd, rel=0.01)


def test_pooled_by_hand():
    assert pooled([np.array([30.0, 30.2]), np.array([25.0]), np.array([20.0, 20.3, 20.6])]) == Scatter(
        pytest.approx(math.sqrt((0.02 + 0.18) / 3)), 3
    )
    assert pooled([np.array([30.0]), np.array([25.0])]) is None
    assert pooled([]) is None


def test_two_trainings_lie_apart_as_student_says_and_farther_where_several_numbers_must_hold():
    scatter = Scatter(sd=0.01, degrees=6)
    assert scatter.retraining() == pytest.approx(2.446912 * 0.01 * math.sqrt(2), rel=1e-6)
    # .05 over 6 numbers, half of it at either side.
    assert scatter.retraining(6) == pytest.approx(float(stats.t.isf(0.05 / 12, 6)) * 0.01 * math.sqrt(2))


@pytest.mark.parametrize("numbers", [1, 6])
def test_all_numbers_hold_together_in_95_percent_of_cases(numbers: int):
    """Each number has a scatter of its own, so that little more than Bonferroni's bound is met."""
    rng = np.random.default_rng(numbers)
    held = []
    for _ in range(3000):
        sds = 0.01 * (1 + np.arange(numbers))
        scatters = [pooled([*rng.normal(scale=sd, size=(6, 2))]) for sd in sds]
        apart = rng.normal(scale=math.sqrt(2) * sds)
        held.append(all(abs(apart) <= [scatter.retraining(numbers) for scatter in scatters]))
    # Six independent ones in 95.1 %; the standard error is .4 %.
    assert np.mean(held) == pytest.approx((1 - 0.05 / numbers) ** numbers, abs=0.015)


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
def test_scores_lacking_or_doubled_are_refused(spoil, message):
    good = lines(normal(3, 2))
    bad = spoil(good)
    with pytest.raises(InputError, match=f"^scores: {message}"):
        mean_of(bad)
    with pytest.raises(InputError, match=f"^scores: {message}"):
        difference_of(bad, good)
    with pytest.raises(InputError, match=f"^other scores: {message}"):
        difference_of(good, bad)


def test_methods_and_cells_lacking_or_doubled_are_named():
    good = normal(3, 2)
    with pytest.raises(InputError, match=r"^sure: no finite psnr of image '00\.png' for seed 0"):
        mean_ranks(pd.concat([ranked(dncnn=good), ranked(sure=good).iloc[1:]]))
    with pytest.raises(InputError, match=r"^sure: no scores of image '02\.png', which another method has"):
        mean_ranks(ranked(dncnn=good, sure=good[:2]))
    with pytest.raises(InputError, match="no scores to rank"):
        mean_ranks(ranked(sure=good).iloc[:0])
    with pytest.raises(
        InputError, match=r"^sure on gamma k=50, bsd68: more than one psnr of image '00\.png'"
    ):
        seed_scatter(
            pd.concat([cell(good), *[cell(good, noise="gamma", parameter=50.0, images="bsd68")] * 2])
        )


def test_differences_of_other_images_or_seeds_are_refused():
    psnr = normal(3, 2)
    for ours, theirs in ((psnr, psnr[:2]), (psnr[:2], psnr)):
        with pytest.raises(InputError, match=r"only one of the two methods has scores of image '02\.png'"):
            compared(ours, theirs)
    with pytest.raises(InputError, match="no seed in common: 0, 1 and 2, 3"):
        difference_of(lines(psnr), lines(psnr, seeds=[2, 3]))


def test_scatter_of_single_trainings_is_refused():
    with pytest.raises(InputError, match="none of 2 cells has two seeds"):
        seed_scatter(pd.concat([cell(normal(3)), cell(normal(3), parameter=50.0)]))
    with pytest.raises(InputError, match="none of 0 cells has two seeds"):
        seed_scatter(cell(normal(3)).iloc[:0])
