"""Executing jobs: trained once, stored, scored again on further test sets; untrained methods never train."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import torch
from PIL import Image

from bench.analysis.tabulate import tabulate
from bench.images.sources import open_set
from bench.runs import fit
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import plan
from bench.runs.recipes import RECIPES
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from tests.support.runs import CPU, Silent, Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLOCKS = ["finished", "seconds", "training_seconds", "patches_per_second", "core_share"]


@pytest.fixture
def untrainable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it an error to draw a patch or to train."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("an untrained method was trained")

    monkeypatch.setattr(fit, "Patches", refuse)
    monkeypatch.setattr(fit, "train", refuse)


def test_a_run_stores_one_row_per_image_and_its_record(tiny: Tiny) -> None:
    assert tiny.launch() == ["trained"]
    (job,) = tiny.jobs()
    scores = tiny.context.store.scores()
    assert list(scores["image"]) == ["0.png", "1.png"]
    assert set(scores["sees"]) == {"noisy + clean"}
    assert scores["lpips"].isna().all()
    record = tiny.context.store.record(job.key)
    assert record.versions["torch"] == metadata.version("torch")
    assert record.hardware.threads == torch.get_num_threads()
    evaluation = record.evaluation["gaussian:25"]["test"]
    assert evaluation.noisy_sha256 == corrupt(tiny.context.test_images[0], job.noise, seed=0).sha256
    assert evaluation.lpips == "not asked for"
    folder = tiny.context.store.root / job.key
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert steps == [4]


def test_a_stored_run_is_not_trained_again(tiny: Tiny) -> None:
    tiny.launch()
    files = sorted(path.stat().st_mtime_ns for path in tiny.context.store.root.rglob("*"))
    assert tiny.launch() == ["stored"]
    assert sorted(path.stat().st_mtime_ns for path in tiny.context.store.root.rglob("*")) == files


def test_the_same_seed_twice_scores_the_same_to_the_last_bit(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path
) -> None:
    folders = photo_folders(1)
    recipe = {"methods": RECIPES["quick"].methods, "noises": RECIPES["quick"].noises}
    scores = []
    for attempt in ("first", "second"):
        tiny = make_tiny(folders, tmp_path / attempt, channels=1)
        assert set(tiny.launch(**recipe)) == {"trained"}
        stored = tiny.context.store.scores().drop(columns=CLOCKS)
        scores.append(stored.sort_values(["key", "image"], ignore_index=True))
        assert (stored["training_flops"] > 0).all()
    pd.testing.assert_frame_equal(*scores, check_exact=True)


def test_every_method_is_scored_on_the_same_noisy_images(tiny: Tiny) -> None:
    methods = RECIPES["quick"].methods
    tiny.launch(methods=methods)
    hashes = [
        tiny.context.store.record(job.key).evaluation["gaussian:25"]["test"].noisy_sha256
        for job in tiny.jobs(methods=methods)
    ]
    assert len(hashes) == len(methods)
    assert len(set(hashes)) == 1


def test_a_further_test_set_is_scored_without_training(tiny: Tiny, tmp_path: Path) -> None:
    tiny.launch()
    (tmp_path / "more").mkdir()
    Image.open(tmp_path / "test" / "0.png").transpose(Image.Transpose.ROTATE_90).save(
        tmp_path / "more" / "a.png"
    )
    more = open_set(str(tmp_path / "more"), channels=1)
    both = replace(tiny, context=replace(tiny.context, test_images=(*tiny.context.test_images, more)))
    assert both.launch() == ["scored"]
    assert both.launch() == ["stored"]
    scores = tiny.context.store.scores()
    assert list(zip(scores["images"], scores["image"], strict=True)) == [
        ("test", "0.png"),
        ("test", "1.png"),
        ("more", "a.png"),
    ]
    assert scores.drop(columns=["lpips", "estimate"]).notna().all(axis=None)


@pytest.mark.usefixtures("untrainable")
def test_an_untrained_method_is_scored_and_never_trained(tiny: Tiny) -> None:
    tiny = replace(tiny, context=replace(tiny.context, evaluations=3))
    assert tiny.launch(methods=("wavelet",)) == ["scored"]
    assert tiny.launch(methods=("wavelet",)) == ["stored"]
    (job,) = tiny.jobs(methods=("wavelet",))
    store = tiny.context.store
    scores = store.scores()
    costs = ["training_seconds", "training_flops", "patches_per_second", "passes"]
    assert (scores[[*costs, "forward_passes", "backward_passes"]] == 0).all(axis=None)
    assert (scores["psnr"] > scores["noisy_psnr"] + 5).all()
    assert set(scores["sees"]) == {"noisy + noise, untrained"}
    assert store.curves().empty
    assert not (store.root / job.key / "log.jsonl").exists()
    assert store.record(job.key).versions["pywavelets"] == metadata.version("pywavelets")
    again = evaluate(load_run(store.root / job.key), corrupt(tiny.context.test_images[0], job.noise, seed=0))
    assert [row["psnr"] for row in again] == list(scores["psnr"])


@pytest.mark.usefixtures("untrainable")
def test_an_untrained_method_is_given_an_estimate_of_unknown_noise(tiny: Tiny) -> None:
    jobs = plan(
        replace(tiny.recipe, methods=("wavelet",), noises=("gaussian:25", "gaussian:50")),
        tiny.context.training_images,
        device=CPU,
        blind=True,
    )
    watcher = Silent()
    launch(jobs, tiny.context, watcher)
    assert watcher.outcomes == ["scored"]
    scores = tiny.context.store.scores()
    assert list(scores["parameter"]) == [25, 25, 50, 50]
    assert (scores["estimate"] / scores["parameter"]).between(0.7, 1.4).all()
    assert set(scores["sees"]) == {"noisy + noise model, untrained"}


def test_a_missing_package_fails_only_its_own_jobs(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm3d", None)
    failed, trained = tiny.launch(methods=("bm3d", "supervised"))
    assert failed.startswith("failed: bm3d needs the authors' package")
    assert trained == "trained"
    (table,) = tabulate(tiny.context.store.scores(), tiny.context.store.failures())
    (row,) = table.rows
    assert [(cell.method, cell.status) for cell in row.cells] == [("bm3d", "failed"), ("supervised", "done")]
    assert "pip install bm3d" in row.cells[0].error
