"""Committed runs, run again: with the same settings, images, threads and weights, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from PIL import Image

from bench.errors import InputError
from bench.protocol import PROTOCOL_VERSION
from bench.published.rerun import SAME_WEIGHTS
from bench.runs.launch import launch
from bench.runs.plan import plan
from bench.store.reference import collect
from bench.system.devices import describe
from tests.support.results.verifying import change_record, check, repeat_with_shifts, shift_scores
from tests.support.runs import CPU, Silent

if TYPE_CHECKING:
    from bench.store.reference import Reference
    from bench.store.store import Store
    from tests.support.runs import Tiny

PROTOCOL_MODULES = ("bench.store.run", "bench.runs.recording")

pytestmark = pytest.mark.usefixtures("one_commit")


@pytest.mark.parametrize("weights_at_hand", [True, False])
@pytest.mark.parametrize(("device", "cores", "taken"), [("cpu", 3, 3), ("cpu", 2, 1), ("cuda", 3, 1)])
def test_a_run_is_repeated_with_as_many_threads_as_then(
    tiny: Tiny,
    two_seeds: Reference,
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
    key = two_seeds.keys()[0]
    then = two_seeds.record(key).to_json()
    change_record(
        two_seeds, key, hardware=then["hardware"] | {"threads": 3}, run=then["run"] | {"device": device}
    )
    seen = []
    monkeypatch.setattr(
        "bench.runs.recording.describe",
        lambda device: seen.append(torch.get_num_threads()) or describe(device),
    )
    try:
        (verdict,) = check(two_seeds, [key], tiny.context.store if weights_at_hand else fresh)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert verdict.ok
    assert set(seen) == {taken}
    assert ("threads" in verdict.changed) == (taken != 3)


def test_a_run_without_known_scatter_is_refused(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Store
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch()
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    for retrained in ([], [repeat_with_shifts(reference, dict.fromkeys(reference.keys(), 1.0))]):
        with pytest.raises(InputError, match="none of the method's other runs was trained again"):
            check(reference, reference.keys(), fresh, retrained=retrained)
    assert fresh.keys() == []


def test_own_weights_are_evaluated_without_reading_their_scores(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch()
    store = tiny.context.store
    reference = collect([store.root], tmp_path / "reports")
    (key,) = reference.keys()
    shift_scores(store.root / key, 1.0)
    events: list[str] = []
    (verdict,) = check(reference, [key], store, events=events)
    assert verdict.ok
    assert (verdict.how, verdict.changed, verdict.allowed) == ("evaluated", (), SAME_WEIGHTS)
    assert abs(verdict.difference) < 1e-5
    assert events == ["scored"]
    # Shifted like the scores beside the weights, which would agree with them.
    shift_scores(reference.folder, 1.0)
    (verdict,) = check(reference, [key], store)
    assert (verdict.outcome, verdict.how) == ("not reproduced", "evaluated")
    assert verdict.difference == pytest.approx(-1, abs=1e-5)


def test_own_scores_without_weights_are_refused(tiny: Tiny, two_seeds: Reference) -> None:
    key = two_seeds.keys()[0]
    (tiny.context.store.root / key / "weights.safetensors").unlink()
    with pytest.raises(InputError, match=f"run {key} without its weights"):
        check(two_seeds, [key], tiny.context.store)


def test_weights_that_cannot_be_evaluated_fail_alone(tiny: Tiny, two_seeds: Reference) -> None:
    broken, sound = two_seeds.keys()
    (tiny.context.store.root / broken / "weights.safetensors").write_bytes(b"")
    events: list[str] = []
    failed, other = check(two_seeds, [broken, sound], tiny.context.store, events=events)
    assert (failed.key, failed.outcome, failed.how) == (broken, "failed", "evaluated")
    assert (other.key, other.ok) == (sound, True)
    assert events[0].startswith("failed: ")
    assert events[1] == "scored"


def test_a_run_of_another_protocol_is_trained_under_the_current_one(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for module in PROTOCOL_MODULES:
        monkeypatch.setattr(f"{module}.PROTOCOL_VERSION", PROTOCOL_VERSION - 1)
    tiny.launch(seeds=(0, 1))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    store = tiny.context.store
    reference = collect([store.root], tmp_path / "reports")
    (key, _) = reference.keys()
    assert reference.record(key).protocol == PROTOCOL_VERSION - 1
    (verdict,) = check(reference, [key], store)
    assert (verdict.outcome, verdict.how) == ("identical", "trained")
    assert "protocol" in verdict.changed
    assert len(store.keys()) == 3


def test_former_values_of_hyper_parameters_are_renamed(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch(methods=("noise2score",))
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    (key,) = reference.keys()
    run = reference.record(key).to_json()["run"]
    change_record(reference, key, run=run | {"hyper_parameters": run["hyper_parameters"] | {"level": "told"}})
    (verdict,) = check(reference, [key], tiny.context.store)
    assert verdict.ok


def test_a_run_from_before_a_hyper_parameter_existed_is_repeated_in_its_form(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny.launch(methods=("sure:risk=first_order",))
    reference = collect([tiny.context.store.root], tmp_path / "reports")
    (key,) = reference.keys()
    run = reference.record(key).to_json()["run"]
    change_record(reference, key, run=run | {"hyper_parameters": {"eps": 0.01}})
    seen = []
    monkeypatch.setattr("bench.published.rerun.plan", lambda recipe, *_, **__: seen.append(recipe.methods))
    with pytest.raises(TypeError):
        check(reference, [key], tiny.context.store)
    assert seen == [("sure:risk=first_order,eps=0.01",)]


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ({"methods": ("noise2void:fraction=0.05,radius=3",), "learning_rate": 1e-3}, {}),
        ({"noises": ("poisson:0.05", "poisson:0.01"), "methods": ("noise2score",)}, {"blind": True}),
        ({"noises": ("gamma:50.5",), "batch": 3, "patch": 24}, {"training_noise": "resampled"}),
        ({"noises": ("gaussian:25", "gaussian:50"), "width": 6}, {"precision": "bfloat16"}),
    ],
)
def test_every_setting_of_a_run_is_reconstructed(
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


def test_another_image_with_the_same_name_is_refused(two_seeds: Reference, fresh: Store) -> None:
    for folder in ("test", "train"):
        path = Path(folder, "0.png")
        before = path.read_bytes()
        Image.open(path).transpose(Image.Transpose.ROTATE_180).save(path)
        with pytest.raises(InputError, match=f"image set '{folder}' has the fingerprint .* only the same"):
            check(two_seeds, two_seeds.keys(), fresh)
        path.write_bytes(before)
    Path("test", "0.png").rename(Path("test", "00.png"))
    with pytest.raises(InputError, match=r"images of 'test' are not named as when run .*: 0\.png, 00\.png"):
        check(two_seeds, two_seeds.keys(), fresh)
    assert fresh.keys() == []


def test_an_unknown_key_is_refused_by_name(two_seeds: Reference, fresh: Store) -> None:
    with pytest.raises(InputError, match=r"unknown finished run in .*reports' 'nothing'"):
        check(two_seeds, ["nothing"], fresh)
