"""Fitting: evaluations midway, and what is withheld from methods."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import methods
from bench.images.sources import open_set
from bench.runs import fit
from bench.runs.launch import launch
from bench.runs.plan import plan
from bench.runs.recipes import RECIPES
from bench.training import precision
from bench.training.bfloat16 import Bfloat16Faults
from bench.training.patches import Patches
from tests.support.runs import Silent, Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLOCKS = ["finished", "seconds", "training_seconds", "patches_per_second", "core_share"]
EVERY_NEED = frozenset({"noisy", "noisy2", "clean", "noise"})


@pytest.fixture
def evaluated_midway(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path
) -> Callable[[int], Tiny]:
    """Return a function that launches a run of 8 steps with two test sets, evaluated so often midway."""
    train, test = photo_folders(1)
    (tmp_path / "more").mkdir()
    Image.open(test / "0.png").transpose(Image.Transpose.ROTATE_90).save(tmp_path / "more" / "a.png")

    def launched(evaluations: int) -> Tiny:
        tiny = make_tiny((train, test), tmp_path / f"evaluations-{evaluations}", channels=1)
        sets = (*tiny.context.test_images, open_set(str(tmp_path / "more"), channels=1))
        tiny = replace(tiny, context=replace(tiny.context, test_images=sets, evaluations=evaluations))
        assert tiny.launch(steps=8) == ["trained"]
        return tiny

    return launched


def test_patches_are_scaled_as_the_method_declares(tiny: Tiny) -> None:
    """The positions are seeded without the method: by the training set, the seed and the sampling alone."""
    jobs = tiny.jobs(methods=("neighbor2neighbor", "supervised"), patch=16, batch=6)
    found = [fit._patches(job, tiny.context) for job in jobs]
    assert [patches(0).noisy.shape[0] for patches in found] == [3, 6]
    assert [patches(0).noisy.shape[2] for patches in found] == [32, 16]
    (same,) = tiny.jobs(methods=("noise2void",), patch=32, batch=3)
    assert torch.equal(found[0].places, fit._patches(same, tiny.context).places)
    assert torch.equal(found[0](1).noisy, fit._patches(same, tiny.context)(1).noisy)


def test_a_step_of_neighbor2neighbor_costs_as_much_as_a_supervised_one(tiny: Tiny) -> None:
    assert tiny.launch(methods=("neighbor2neighbor", "supervised"), patch=32, batch=4) == ["trained"] * 2
    scores = tiny.context.store.scores().groupby("method")
    flops, scale = scores["training_flops"].first(), scores["patch_scale"].first()
    # One pass without gradient over four times the pixels and one with gradient, of half as many patches.
    assert flops["neighbor2neighbor"] / flops["supervised"] == pytest.approx(7 / 6, rel=0.02)
    assert dict(scale) == {"neighbor2neighbor": 2, "supervised": 1}


def test_a_run_fails_where_its_precision_is_computed_wrongly(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a node of a cluster, which is not the machine that planned the run."""
    (job,) = plan(tiny.recipe, tiny.context.training_images, device=tiny.context.device, precision="bfloat16")
    monkeypatch.setattr(precision, "bfloat16_faults", lambda device: Bfloat16Faults("differ", ""))
    watcher = Silent()
    launch([job], tiny.context, watcher)
    (outcome,) = watcher.outcomes
    assert outcome.startswith("failed: precision 'bfloat16' does not work here: its convolutions differ")


def test_a_curve_holds_halved_steps_of_the_first_test_set(evaluated_midway: Callable[[int], Tiny]) -> None:
    store = evaluated_midway(3).context.store
    curves, scores = store.curves(), store.scores()
    assert list(curves["step"]) == [2, 4, 8]
    assert set(curves["images"]) == {"test"}
    assert set(scores["images"]) == {"test", "more"}
    last = curves.iloc[-1]
    assert last["psnr"] == pytest.approx(scores[scores["images"] == "test"]["psnr"].mean(), abs=1e-4)
    assert (curves["flops"] * 8 == curves["step"] * last["flops"]).all()
    assert last["flops"] == scores["training_flops"][0] > 0
    assert (curves["seconds"].diff()[1:] > 0).all()
    assert last["seconds"] <= scores["training_seconds"][0]
    assert set(curves["key"]) == set(store.keys())


def test_evaluating_midway_changes_only_the_curve(evaluated_midway: Callable[[int], Tiny]) -> None:
    stores = [evaluated_midway(evaluations).context.store for evaluations in (3, 0)]
    assert [store.curves().empty for store in stores] == [False, True]
    (key,) = {key for store in stores for key in store.keys()}  # noqa: SIM118 - a method, not a dictionary's
    weights = [load_file(store.root / key / "weights.safetensors") for store in stores]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    pd.testing.assert_frame_equal(
        *(store.scores().drop(columns=CLOCKS) for store in stores), check_exact=True
    )


@pytest.mark.parametrize("noise", RECIPES["quick"].noises)
def test_replacing_withheld_data_by_nan_changes_no_result(
    photo_folders: Callable[[int], tuple[Path, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    noise: str,
) -> None:
    """With all four needs in memory, and the undeclared ones poisoned, every score stays the same."""
    folders = photo_folders(1)
    recipe = {"methods": RECIPES["quick"].methods, "noises": (noise,)}
    honest = make_tiny(folders, tmp_path / "honest", channels=1)
    honest.launch(**recipe)

    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"the noise was withheld, but its {name} was read")

    class Poisoned(Patches):
        def __init__(self, *args: Any, needs: frozenset[str], **kwargs: Any) -> None:
            super().__init__(*args, needs=EVERY_NEED, **kwargs)
            self.needs = needs
            for source in EVERY_NEED - needs - {"noise"}:
                # Clean pixels are bytes, which hold no NaN.
                self.sources[source] = torch.full(self.sources[source].shape, torch.nan)

        def __call__(self, step: int) -> Any:
            batch = super().__call__(step)
            return batch if "noise" in self.needs else replace(batch, model=Untouchable())

    monkeypatch.setattr(fit, "Patches", Poisoned)
    poisoned = make_tiny(folders, tmp_path / "poisoned", channels=1)
    assert set(poisoned.launch(**recipe)) == {"trained"}
    for job in honest.jobs(**recipe):
        first, second = (tiny.context.store.scores([job.key])["psnr"] for tiny in (honest, poisoned))
        assert list(first) == list(second), job.title


@pytest.mark.parametrize(
    ("loss", "denoise", "said"),
    [
        ("batch.clean", "noisy", "the batch holds no 'clean'"),
        ("batch.noisy2", "noisy", "the batch holds no 'noisy2'"),
        ("batch.noise.stabilise(batch.noisy)", "noisy", "the batch holds no 'noise'"),
        ("batch.noisy", "noise.stabilise(noisy)", "'NoneType' object has no attribute 'stabilise'"),
    ],
)
def test_a_method_that_uses_what_it_did_not_declare_fails(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: str, denoise: str, said: str
) -> None:
    (tmp_path / "entries").mkdir()
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "entries")])
    monkeypatch.delitem(sys.modules, "methods.greedy", raising=False)
    (tmp_path / "entries" / "greedy.py").write_text(
        "from dataclasses import dataclass\nfrom bench.method import Method, squared_error\n"
        "@dataclass(frozen=True)\nclass Greedy(Method):\n    needs = frozenset({'noisy'})\n"
        "    def loss(self, net, batch, rng, progress):\n"
        f"        return squared_error(net(batch.noisy), {loss})\n"
        f"    def denoise(self, net, noisy, noise):\n        return net({denoise})\n"
    )
    (outcome,) = tiny.launch(methods=("greedy",))
    assert outcome.startswith(f"failed: {said}")
    assert tiny.context.store.scores().empty
