"""Verdicts: which scores count as reproduced, and how runs are sampled."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from bench.analysis.scatter import MOST_ALLOWED, seed_scatter
from bench.errors import InputError
from bench.images.sources import open_set
from bench.published.rerun import SAME_WEIGHTS
from bench.published.verify import Verdict, sample_runs
from bench.runs import fit
from bench.store.reference import collect
from tests.support.results.verifying import change_record, check, repeat_with_shifts, shift_scores

if TYPE_CHECKING:
    from pathlib import Path

    from bench.store.reference import Reference
    from bench.store.store import Store
    from tests.support.runs import Tiny

pytestmark = pytest.mark.usefixtures("one_commit")


def allowed_between_seeds(scores: pd.DataFrame, numbers: int = 1) -> float:
    return min(seed_scatter(scores)["supervised"].common.retraining(numbers), MOST_ALLOWED)


def test_the_same_code_on_the_same_machine_gives_the_same_bits(
    tiny: Tiny, two_seeds: Reference, fresh: Store
) -> None:
    job = tiny.jobs(seeds=(1,))[0]
    (verdict,) = check(two_seeds, [job.key], fresh)
    scores = tiny.context.store.scores()
    mean = scores.loc[scores["seed"] == 1, "psnr"].mean()
    assert verdict == Verdict(
        key=job.key,
        method="supervised",
        noise="gaussian",
        parameter=25.0,
        images="test",
        seed=1,
        committed=mean,
        here=mean,
        difference=0.0,
        allowed=allowed_between_seeds(scores),
        how="trained",
        changed=(),
        outcome="identical",
    )
    assert verdict.ok


def test_nothing_is_trained_twice(two_seeds: Reference, fresh: Store) -> None:
    events: list[str] = []
    keys = two_seeds.keys()
    for _ in range(2):
        verdicts = check(two_seeds, keys, fresh, events=events)
        assert [(verdict.outcome, verdict.how) for verdict in verdicts] == [("identical", "trained")] * 2
    assert events == ["trained", "trained", "stored", "stored"]


@pytest.mark.parametrize(("share", "outcome"), [(0.9, "reproduced"), (-1.1, "not reproduced")])
def test_a_retrained_run_may_differ_as_repeated_runs_do(
    two_seeds: Reference, fresh: Store, share: float, outcome: str
) -> None:
    allowed = allowed_between_seeds(two_seeds.scores())
    # Shifted alike, the seeds scatter as before.
    shift_scores(two_seeds.folder, share * allowed)
    (verdict,) = check(two_seeds, two_seeds.keys()[:1], fresh)
    assert verdict.outcome == outcome
    assert verdict.ok == (outcome == "reproduced")
    assert verdict.difference == pytest.approx(-share * allowed)
    assert verdict.here == pytest.approx(verdict.committed - share * allowed)


def test_the_scatter_is_that_of_the_test_set_and_the_setup(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Store
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more").mkdir()
    Image.open("test/0.png").transpose(Image.Transpose.ROTATE_90).save("more/a.png")
    sets = (*tiny.context.test_images, open_set("more", channels=1))
    both = replace(tiny, context=replace(tiny.context, test_images=sets))
    for steps in (4, 8):
        both.launch(seeds=(0, 1), steps=steps)
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    (verdict, other) = check(reference, [tiny.jobs()[0].key], fresh)
    assert [verdict.images, other.images] == ["more", "test"]
    scores = reference.scores().query("steps == 4")
    for one in (verdict, other):
        assert one.outcome == "identical"
        assert one.allowed == allowed_between_seeds(scores[scores["images"] == one.images], 2)
    assert verdict.allowed != other.allowed


T1 = 12.7062
"""Student's quantile at 97.5 % for one degree of freedom."""


def test_the_scatter_of_the_methods_other_runs_is_allowed(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Store
) -> None:
    monkeypatch.chdir(tmp_path)
    methods = ("supervised", "noise2noise")
    tiny.launch(seeds=(0, 1), methods=methods)
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    keys = {(job.run.method, job.run.seed): job.key for job in tiny.jobs(seeds=(0, 1), methods=methods)}
    again = repeat_with_shifts(
        reference,
        {
            keys["supervised", 0]: 7.0,
            keys["supervised", 1]: 0.002,
            keys["noise2noise", 0]: 0.005,
            keys["noise2noise", 1]: 9.0,
        },
    )
    for run, moved in ((("supervised", 0), 0.002), (("noise2noise", 1), 0.005)):
        (verdict,) = check(reference, [keys[run]], fresh, retrained=[again])
        # The standard deviation is the difference over root 2, the allowance root 2 times that.
        assert verdict.allowed == pytest.approx(T1 * moved, rel=1e-5)


def test_all_retrained_runs_hold_together_and_evaluated_ones_do_not_count(
    tiny: Tiny, two_seeds: Reference, fresh: Store
) -> None:
    first, second = two_seeds.keys()
    again = repeat_with_shifts(two_seeds, {first: 0.002, second: 0.002})
    for keys, numbers in ([first], 1), ([first, second], 2):
        for verdict in check(two_seeds, keys, fresh, retrained=[again]):
            assert verdict.allowed == pytest.approx(float(stats.t.isf(0.025 / numbers, 1)) * 0.002, rel=1e-6)
    shutil.copytree(tiny.context.store.root / first, fresh.root / first, dirs_exist_ok=True)
    own, other = check(two_seeds, [first, second], fresh, retrained=[again])
    assert (own.how, own.allowed) == ("evaluated", SAME_WEIGHTS)
    assert (other.how, other.allowed) == ("trained", pytest.approx(T1 * 0.002, rel=1e-5))


@pytest.mark.parametrize(("by", "outcome"), [(0.14, "reproduced"), (-0.2, "not reproduced")])
def test_a_false_number_is_found_however_much_its_method_scatters(
    two_seeds: Reference, fresh: Store, by: float, outcome: str
) -> None:
    again = repeat_with_shifts(two_seeds, dict.fromkeys(two_seeds.keys(), 7.0))
    shift_scores(two_seeds.folder, by)
    for verdict in check(two_seeds, two_seeds.keys(), fresh, retrained=[again]):
        assert verdict.allowed == MOST_ALLOWED
        assert verdict.outcome == outcome


@pytest.mark.parametrize(("by", "outcome"), [(0.9, "reproduced"), (-1.1, "not reproduced")])
def test_the_same_weights_may_differ_by_the_order_of_sums(
    tiny: Tiny, two_seeds: Reference, by: float, outcome: str
) -> None:
    shift_scores(two_seeds.folder, by * SAME_WEIGHTS)
    (verdict,) = check(two_seeds, two_seeds.keys()[:1], tiny.context.store)
    assert verdict.outcome == outcome


@pytest.mark.parametrize("weights_at_hand", [True, False])
def test_other_test_noise_has_its_own_outcome(
    tiny: Tiny, two_seeds: Reference, fresh: Store, weights_at_hand: bool
) -> None:
    key = two_seeds.keys()[0]
    evaluation = two_seeds.record(key).to_json()["evaluation"]
    evaluation["gaussian:25"]["test"]["noisy_sha256"] = "0" * 64
    change_record(two_seeds, key, evaluation=evaluation)
    (verdict,) = check(two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
    assert verdict.outcome == "other test noise"
    assert not verdict.ok
    assert abs(verdict.difference) < 1e-5


@pytest.mark.parametrize("weights_at_hand", [True, False])
def test_changes_since_then_are_named(
    tiny: Tiny, two_seeds: Reference, fresh: Store, weights_at_hand: bool
) -> None:
    key = two_seeds.keys()[0]
    then = two_seeds.record(key).to_json()
    change_record(
        two_seeds,
        key,
        commit="1" * 40,
        hardware=then["hardware"] | {"name": "another CPU", "threads": 64},
        versions=then["versions"] | {"torch": "1.0", "python": "3.12"},
        source=then["source"] | {"sha256": "0" * 64},
    )
    (verdict,) = check(two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
    assert verdict.ok
    assert set(verdict.changed) == {"commit", "hardware", "threads", "torch", "python", "method source"}


def test_a_failed_run_does_not_stop_the_others(
    tiny: Tiny, two_seeds: Reference, fresh: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fit.seed_of

    def explode(role: str, seed: int) -> int:
        if (role, seed) == ("weights", 0):
            raise RuntimeError("it exploded")
        return real(role, seed)

    monkeypatch.setattr(fit, "seed_of", explode)
    events: list[str] = []
    jobs = tiny.jobs(seeds=(0, 1))
    failed, sound = check(two_seeds, [job.key for job in jobs], fresh, events=events)
    assert events == ["failed: it exploded", "trained"]
    assert (failed.outcome, failed.ok, failed.seed) == ("failed", False, 0)
    assert math.isnan(failed.here)
    assert math.isnan(failed.difference)
    assert math.isfinite(failed.committed)
    assert sound.outcome == "identical"


KEYS = [f"{number:02}" for number in range(30)]


SCORES_OF_KEYS = pd.DataFrame({"key": 2 * KEYS})


def test_a_sample_is_fixed_by_its_seed_and_has_no_run_twice() -> None:
    sample = sample_runs(SCORES_OF_KEYS, 5, seed=0)
    assert len(set(sample)) == 5
    assert set(sample) <= set(KEYS)
    assert sample_runs(SCORES_OF_KEYS[::-1], 5, seed=0) == sample
    assert sample_runs(SCORES_OF_KEYS, 5, seed=1) != sample
    assert sorted(sample_runs(SCORES_OF_KEYS, 30, seed=0)) == KEYS


def test_every_run_is_sampled_about_as_often() -> None:
    drawn = Counter(key for seed in range(600) for key in sample_runs(SCORES_OF_KEYS, 5, seed=seed))
    # Binomial: 100 of 600 with a standard deviation of 9; five of them.
    assert all(abs(drawn[key] - 100) < 46 for key in KEYS)


@pytest.mark.parametrize("count", [-1, 0, 31])
def test_a_sample_of_no_or_too_many_runs_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"1 to 30 of these runs, not {count}"):
        sample_runs(SCORES_OF_KEYS, count, seed=0)
