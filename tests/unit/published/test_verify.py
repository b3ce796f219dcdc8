"""Verifying: what counts as the same score, what does not, and what is never trusted."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import stats

from bench.analysis.statistics import seed_scatter
from bench.errors import InputError
from bench.images.sources import open_set
from bench.protocol import PROTOCOL_VERSION
from bench.published.rerun import SAME_WEIGHTS
from bench.published.verify import Verdict, draw_lot, verify
from bench.runs import execute as running
from bench.runs.launch import launch
from bench.runs.plan import plan
from bench.store.integrity import write_json
from bench.store.reference import Reference, collect, open_reference
from bench.store.scores import SCORES, write_scores
from bench.store.store import Store
from bench.system.devices import describe
from tests.support.runs import CPU, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.runs import Tiny


def check(
    reference: Reference,
    keys: Sequence[str],
    store: Store,
    *,
    retrained: Sequence[Reference] = (),
    said: list[str] | None = None,
) -> list[Verdict]:
    """Verify on the CPU; what the watcher is told is added to ``said``."""
    watcher = Silent() if said is None else Silent(said)
    return verify(
        reference,
        keys,
        retrained=retrained,
        store=store,
        device=CPU,
        watch=lambda jobs: nullcontext(watcher),
    )


def shift_scores(folder: Path, by: float) -> None:
    """Change every PSNR of a run's folder or a reference by some dB."""
    rows = pd.read_parquet(folder / SCORES)
    write_scores(rows.assign(psnr=rows["psnr"] + by), folder)


def change_facts(reference: Reference, key: str, **changes: Any) -> None:
    write_json(reference.facts(key) | changes, reference.folder / "runs" / f"{key}.json")


@pytest.fixture(autouse=True)
def one_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the commit still, since somebody may be editing this checkout."""
    for module in ("running", "verify"):
        monkeypatch.setattr(f"bench.{module}.commit", lambda: "0" * 40)


@pytest.fixture
def of_two_seeds(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reference:
    """Train with two seeds, collect, and go where the image sets are found by their names."""
    monkeypatch.chdir(tmp_path)
    assert tiny.launch(seeds=(0, 1)) == ["trained", "trained"]
    return collect([tiny.context.store.root], tmp_path / "reports")


@pytest.fixture
def fresh(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "fresh")


def test_the_same_code_on_the_same_machine_gives_the_same_bits(
    tiny: Tiny, of_two_seeds: Reference, fresh: Store
) -> None:
    job = tiny.jobs(seeds=(1,))[0]
    (verdict,) = check(of_two_seeds, [job.key], fresh)
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
        allowed=seed_scatter(scores).retraining(),
        how="trained",
        changed=(),
        outcome="identical",
    )
    assert verdict.ok


def test_nothing_is_trained_twice(of_two_seeds: Reference, fresh: Store) -> None:
    said: list[str] = []
    keys = of_two_seeds.keys()
    for _ in range(2):
        verdicts = check(of_two_seeds, keys, fresh, said=said)
        assert [(verdict.outcome, verdict.how) for verdict in verdicts] == [("identical", "trained")] * 2
    assert said == ["trained", "trained", "stored", "stored"]


@pytest.mark.parametrize(("share", "outcome"), [(0.9, "reproduced"), (-1.1, "not reproduced")])
def test_another_training_may_differ_as_trainings_do(
    of_two_seeds: Reference, fresh: Store, share: float, outcome: str
) -> None:
    allowed = seed_scatter(of_two_seeds.scores()).retraining()
    # Moved alike, the seeds scatter as before.
    shift_scores(of_two_seeds.folder, share * allowed)
    (verdict,) = check(of_two_seeds, of_two_seeds.keys()[:1], fresh)
    assert verdict.outcome == outcome
    assert verdict.ok == (outcome == "reproduced")
    assert verdict.difference == pytest.approx(-share * allowed)
    assert verdict.here == pytest.approx(verdict.committed - share * allowed)


def test_the_scatter_is_that_of_the_test_set_and_the_protocol(
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
        assert one.allowed == seed_scatter(scores[scores["images"] == one.images]).retraining(2)
    assert verdict.allowed != other.allowed


def trained_again(reference: Reference, by: dict[str, float]) -> Reference:
    """Copy a reference as if some of its runs had been trained again, and had ended some dB elsewhere."""
    folder = reference.folder.with_name("again")
    shutil.copytree(reference.folder, folder)
    rows = reference.scores().query("key in @by")
    write_scores(rows.assign(psnr=rows["psnr"] + rows["key"].map(by)), folder)
    for key in {*reference.keys()} - {*by}:
        (folder / "runs" / f"{key}.json").unlink()
    return open_reference(folder)


T1 = 12.7062
"""Student's quantile at 97.5 % for one degree of freedom."""


def test_what_is_allowed_is_the_scatter_of_the_methods_other_runs(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Store
) -> None:
    monkeypatch.chdir(tmp_path)
    methods = ("supervised", "noise2noise")
    tiny.launch(seeds=(0, 1), methods=methods)
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    keys = {(job.run.method, job.run.seed): job.key for job in tiny.jobs(seeds=(0, 1), methods=methods)}
    again = trained_again(
        reference,
        {
            keys["supervised", 0]: 7.0,
            keys["supervised", 1]: 0.2,
            keys["noise2noise", 0]: 0.5,
            keys["noise2noise", 1]: 9.0,
        },
    )
    for run, moved in ((("supervised", 0), 0.2), (("noise2noise", 1), 0.5)):
        (verdict,) = check(reference, [keys[run]], fresh, retrained=[again])
        # The standard deviation is the difference over root 2, the allowance root 2 times that.
        assert verdict.allowed == pytest.approx(T1 * moved, rel=1e-5)


def test_all_trainings_of_a_call_hold_together_and_weights_at_hand_do_not_count(
    tiny: Tiny, of_two_seeds: Reference, fresh: Store
) -> None:
    first, second = of_two_seeds.keys()
    again = trained_again(of_two_seeds, {first: 0.2, second: 0.2})
    for keys, numbers in ([first], 1), ([first, second], 2):
        for verdict in check(of_two_seeds, keys, fresh, retrained=[again]):
            assert verdict.allowed == pytest.approx(float(stats.t.isf(0.025 / numbers, 1)) * 0.2, rel=1e-6)
    shutil.copytree(tiny.context.store.root / first, fresh.root / first, dirs_exist_ok=True)
    own, other = check(of_two_seeds, [first, second], fresh, retrained=[again])
    assert (own.how, own.allowed) == ("evaluated", SAME_WEIGHTS)
    assert (other.how, other.allowed) == ("trained", pytest.approx(T1 * 0.2, rel=1e-5))


@pytest.mark.parametrize("weights_at_hand", [True, False])
@pytest.mark.parametrize(("device", "cores", "taken"), [("cpu", 3, 3), ("cpu", 2, 1), ("cuda", 3, 1)])
def test_a_run_is_made_anew_by_as_many_threads_as_then(
    tiny: Tiny,
    of_two_seeds: Reference,
    fresh: Store,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    cores: int,
    taken: int,
    weights_at_hand: bool,
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr("joblib.cpu_count", lambda: cores)
    key = of_two_seeds.keys()[0]
    facts = of_two_seeds.facts(key)
    change_facts(
        of_two_seeds, key, hardware=facts["hardware"] | {"threads": 3}, run=facts["run"] | {"device": device}
    )
    seen = []
    for module in ("running", "verify"):
        monkeypatch.setattr(
            f"bench.{module}.describe",
            lambda device: seen.append(torch.get_num_threads()) or describe(device),
        )
    try:
        (verdict,) = check(of_two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert verdict.ok
    assert set(seen) == {taken}
    assert ("threads" in verdict.changed) == (taken != 3)


def test_without_trainings_to_judge_by_nothing_says_what_is_allowed(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Store
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch()
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    for retrained in ([], [trained_again(reference, dict.fromkeys(reference.keys(), 1.0))]):
        with pytest.raises(InputError, match="none of the method's other runs was trained again"):
            check(reference, reference.keys(), fresh, retrained=retrained)
    assert fresh.keys() == []


def test_own_weights_are_evaluated_and_the_scores_beside_them_not_read(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch()
    store = tiny.context.store
    reference = collect([store.root], tmp_path / "reports")
    (key,) = reference.keys()
    shift_scores(store.root / key, 1.0)
    said: list[str] = []
    (verdict,) = check(reference, [key], store, said=said)
    assert verdict.ok
    assert (verdict.how, verdict.changed, verdict.allowed) == ("evaluated", (), SAME_WEIGHTS)
    assert abs(verdict.difference) < 1e-5
    assert said == ["scored"]
    # Shifted like the scores beside the weights, which would agree with them.
    shift_scores(reference.folder, 1.0)
    (verdict,) = check(reference, [key], store)
    assert (verdict.outcome, verdict.how) == ("not reproduced", "evaluated")
    assert verdict.difference == pytest.approx(-1, abs=1e-5)


@pytest.mark.parametrize(("by", "outcome"), [(0.9, "reproduced"), (-1.1, "not reproduced")])
def test_the_same_weights_may_differ_by_the_order_of_sums(
    tiny: Tiny, of_two_seeds: Reference, by: float, outcome: str
) -> None:
    shift_scores(of_two_seeds.folder, by * SAME_WEIGHTS)
    (verdict,) = check(of_two_seeds, of_two_seeds.keys()[:1], tiny.context.store)
    assert verdict.outcome == outcome


def test_own_scores_without_weights_are_refused(tiny: Tiny, of_two_seeds: Reference) -> None:
    key = of_two_seeds.keys()[0]
    (tiny.context.store.root / key / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=f"run {key} without its weights"):
        check(of_two_seeds, [key], tiny.context.store)


def test_weights_that_cannot_be_evaluated_fail_by_themselves(tiny: Tiny, of_two_seeds: Reference) -> None:
    broken, sound = of_two_seeds.keys()
    (tiny.context.store.root / broken / "weights.safetensors").write_bytes(b"")
    said: list[str] = []
    failed, other = check(of_two_seeds, [broken, sound], tiny.context.store, said=said)
    assert (failed.key, failed.outcome, failed.how) == (broken, "failed", "evaluated")
    assert (other.key, other.ok) == (sound, True)
    assert said[0].startswith("failed: ")
    assert said[1] == "scored"


@pytest.mark.parametrize("weights_at_hand", [True, False])
def test_other_test_noise_is_told_apart(
    tiny: Tiny, of_two_seeds: Reference, fresh: Store, weights_at_hand: bool
) -> None:
    key = of_two_seeds.keys()[0]
    evaluation = of_two_seeds.facts(key)["evaluation"]
    evaluation["gaussian:25"]["test"]["noisy_sha256"] = "0" * 64
    change_facts(of_two_seeds, key, evaluation=evaluation)
    (verdict,) = check(of_two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
    assert verdict.outcome == "other test noise"
    assert not verdict.ok
    assert abs(verdict.difference) < 1e-5


@pytest.mark.parametrize("weights_at_hand", [True, False])
def test_what_changed_since_is_named(
    tiny: Tiny, of_two_seeds: Reference, fresh: Store, weights_at_hand: bool
) -> None:
    key = of_two_seeds.keys()[0]
    facts = of_two_seeds.facts(key)
    change_facts(
        of_two_seeds,
        key,
        commit="1" * 40,
        hardware=facts["hardware"] | {"name": "another processor", "threads": 64},
        versions=facts["versions"] | {"torch": "1.0", "python": "3.12"},
        source=facts["source"] | {"sha256": "0" * 64},
    )
    (verdict,) = check(of_two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
    assert verdict.ok
    assert set(verdict.changed) == {"commit", "device", "threads", "torch", "python", "method source"}


def test_a_run_of_another_protocol_is_trained_under_the_present_one(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in ("runs", "running"):
        monkeypatch.setattr(f"bench.{module}.PROTOCOL_VERSION", PROTOCOL_VERSION - 1)
    tiny.launch(seeds=(0, 1))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    store = tiny.context.store
    reference = collect([store.root], tmp_path / "reports")
    (key, _) = reference.keys()
    assert reference.facts(key)["protocol"] == PROTOCOL_VERSION - 1
    (verdict,) = check(reference, [key], store)
    assert (verdict.outcome, verdict.how) == ("identical", "trained")
    assert "protocol" in verdict.changed
    assert len(store.keys()) == 3


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ({"methods": ("noise2void:fraction=0.05,radius=3",), "learning_rate": 1e-3}, {}),
        ({"noises": ("poisson:0.05", "poisson:0.01"), "methods": ("noise2score",)}, {"blind": True}),
        ({"noises": ("gamma:50.5",), "batch": 3, "patch": 24}, {"training_noise": "resampled"}),
        ({"noises": ("gaussian:25", "gaussian:50"), "width": 6}, {"precision": "bfloat16"}),
    ],
)
def test_every_setting_of_a_run_is_found_again(
    tiny: Tiny,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fresh: Store,
    recipe: dict[str, Any],
    options: dict[str, Any],
) -> None:
    monkeypatch.chdir(tmp_path)
    context = tiny.context
    grid = replace(tiny.recipe, seeds=(0, 1), **recipe)
    jobs = plan(grid, context.training_images, device=CPU, **options)
    launch(jobs, context, Silent())
    reference = collect([context.store.root], tmp_path / "reports")
    verdicts = check(reference, reference.keys(), fresh)
    assert fresh.keys() == sorted(job.key for job in jobs)
    assert len(verdicts) == 2 * len(grid.noises)
    assert {(verdict.outcome, verdict.changed) for verdict in verdicts} == {("identical", ())}


def test_a_training_that_fails_leaves_the_others(
    tiny: Tiny, of_two_seeds: Reference, fresh: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = running.seed_of

    def explode(role: str, seed: int) -> int:
        if (role, seed) == ("weights", 0):
            raise RuntimeError("it exploded")
        return real(role, seed)

    monkeypatch.setattr(running, "seed_of", explode)
    said: list[str] = []
    jobs = tiny.jobs(seeds=(0, 1))
    failed, sound = check(of_two_seeds, [job.key for job in jobs], fresh, said=said)
    assert said == ["failed: it exploded", "trained"]
    assert (failed.outcome, failed.ok, failed.seed) == ("failed", False, 0)
    assert math.isnan(failed.here)
    assert math.isnan(failed.difference)
    assert math.isfinite(failed.committed)
    assert sound.outcome == "identical"


def test_another_picture_under_the_same_name_is_refused(of_two_seeds: Reference, fresh: Store) -> None:
    for folder in ("test", "train"):
        path = Path(folder, "0.png")
        before = path.read_bytes()
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(path)
        with pytest.raises(InputError, match=f"image set '{folder}' has the fingerprint .* only the same"):
            check(of_two_seeds, of_two_seeds.keys(), fresh)
        path.write_bytes(before)
    Path("test", "0.png").rename(Path("test", "00.png"))
    with pytest.raises(InputError, match=r"images of 'test' are not named as when run .*: 0\.png, 00\.png"):
        check(of_two_seeds, of_two_seeds.keys(), fresh)
    assert fresh.keys() == []


def test_a_run_that_was_not_committed_is_named(of_two_seeds: Reference, fresh: Store) -> None:
    with pytest.raises(InputError, match=r"unknown finished run in .*reports' 'nothing'"):
        check(of_two_seeds, ["nothing"], fresh)


KEYS = [f"{number:02}" for number in range(30)]
SCORES_OF_KEYS = pd.DataFrame({"key": 2 * KEYS})


def test_a_lot_is_the_same_for_the_same_seed_and_names_no_run_twice() -> None:
    lot = draw_lot(SCORES_OF_KEYS, 5, seed=0)
    assert len(set(lot)) == 5
    assert set(lot) <= set(KEYS)
    assert draw_lot(SCORES_OF_KEYS[::-1], 5, seed=0) == lot
    assert draw_lot(SCORES_OF_KEYS, 5, seed=1) != lot
    assert sorted(draw_lot(SCORES_OF_KEYS, 30, seed=0)) == KEYS


def test_every_run_is_drawn_about_as_often() -> None:
    drawn = Counter(key for seed in range(600) for key in draw_lot(SCORES_OF_KEYS, 5, seed=seed))
    # Binomial: 100 of 600 with a standard deviation of 9; five of them.
    assert all(abs(drawn[key] - 100) < 46 for key in KEYS)


@pytest.mark.parametrize("count", [-1, 0, 31])
def test_a_lot_of_no_or_too_many_runs_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"1 to 30 of these runs, not {count}"):
        draw_lot(SCORES_OF_KEYS, count, seed=0)
