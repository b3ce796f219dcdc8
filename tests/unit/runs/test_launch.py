"""Launching runs: paired, withheld, stored once, scored again where asked, failed apart."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import methods
from bench.analysis.tabulate import tabulate
from bench.discovery import listings, load_class
from bench.errors import InputError
from bench.images.sources import open_set
from bench.protocol import PROTOCOL_VERSION
from bench.runs import fit
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import missing_from, plan, shard_of
from bench.runs.recipes import RECIPES
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.training.patches import Patches
from tests.support.records import amend
from tests.support.runs import CPU, Silent, Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLOCKS = ["finished", "seconds", "training_seconds", "patches_per_second"]
EVERY_NEED = frozenset({"noisy", "noisy2", "clean", "noise"})


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def channels(request: pytest.FixtureRequest) -> int:
    return request.param


def test_a_run_holds_one_row_per_image_and_every_fact(tiny: Tiny) -> None:
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


def test_kept_pictures_hold_the_output_at_16_bits(tiny: Tiny) -> None:
    tiny.launch()
    (job,) = tiny.jobs()
    folder = tiny.context.store.root / job.key
    noisy = corrupt(tiny.context.test_images[0], job.noise, seed=0).images[1]
    expected = load_run(folder)(noisy.noisy).clamp(0, 1)[0, 0].numpy()
    kept = np.asarray(Image.open(folder / "pictures" / "gaussian-25" / "test" / "1.png"))
    assert np.abs(kept / 65535 - expected).max() <= 0.51 / 65535  # half a step, and float32


@pytest.fixture
def looked_at(photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> Callable[[int], Tiny]:
    """Give a function of the number of looks that launches a run of 8 steps with two test sets."""
    train, test = photo_folders(1)
    (tmp_path / "more").mkdir()
    Image.open(test / "0.png").transpose(Image.Transpose.ROTATE_90).save(tmp_path / "more" / "a.png")

    def launched(looks: int) -> Tiny:
        tiny = make_tiny((train, test), tmp_path / f"looks-{looks}", channels=1)
        sets = (*tiny.context.test_images, open_set(str(tmp_path / "more"), channels=1))
        tiny = replace(tiny, context=replace(tiny.context, test_images=sets, evaluations=looks))
        assert tiny.launch(steps=8) == ["trained"]
        return tiny

    return launched


def test_a_curve_holds_halved_steps_of_the_first_test_set(looked_at: Callable[[int], Tiny]) -> None:
    store = looked_at(3).context.store
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


def test_looking_changes_nothing_but_the_curve(looked_at: Callable[[int], Tiny]) -> None:
    stores = [looked_at(looks).context.store for looks in (3, 0)]
    assert [store.curves().empty for store in stores] == [False, True]
    (key,) = {key for store in stores for key in store.keys()}  # noqa: SIM118 - a method, not a dictionary's
    weights = [load_file(store.root / key / "weights.safetensors") for store in stores]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
    pd.testing.assert_frame_equal(
        *(store.scores().drop(columns=CLOCKS) for store in stores), check_exact=True
    )


def test_a_run_of_another_protocol_is_refused(tiny: Tiny) -> None:
    tiny.launch()
    folder = tiny.context.store.root / tiny.jobs()[0].key
    load_run(folder)
    amend(folder, protocol=PROTOCOL_VERSION - 1)
    with pytest.raises(
        InputError, match=f"under protocol {PROTOCOL_VERSION - 1}, .* protocol {PROTOCOL_VERSION},"
    ):
        load_run(folder)


def test_a_stored_run_is_not_trained_again(tiny: Tiny) -> None:
    tiny.launch()
    files = sorted(path.stat().st_mtime_ns for path in tiny.context.store.root.rglob("*"))
    assert tiny.launch() == ["stored"]
    assert sorted(path.stat().st_mtime_ns for path in tiny.context.store.root.rglob("*")) == files


@pytest.mark.parametrize(
    "change",
    [
        {"width": 6},
        {"steps": 5},
        {"batch": 3},
        {"patch": 40},
        {"learning_rate": 1e-3},
        {"seeds": (1,)},
        {"noises": ("gaussian:25.5",)},
        {"noises": ("gamma:25",)},
        {"methods": ("noise2noise",)},
    ],
)
def test_whatever_decides_the_weights_changes_the_key(tiny: Tiny, change: dict[str, Any]) -> None:
    assert tiny.jobs()[0].key != tiny.jobs(**change)[0].key


def test_the_source_of_a_method_and_the_protocol_enter_the_key(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tiny.jobs()[0].run
    key = run.key("a" * 64)
    assert key != run.key("b" * 64)
    monkeypatch.setattr("bench.store.run.PROTOCOL_VERSION", -1)
    assert key != run.key("a" * 64)


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


def test_loaded_weights_reproduce_the_stored_scores(
    photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path, channels: int
) -> None:
    tiny = make_tiny(photo_folders(channels), tmp_path / "runs", channels=channels)
    recipe = {"methods": RECIPES["quick"].methods, "noises": RECIPES["quick"].noises}
    tiny.launch(**recipe)
    for job in tiny.jobs(**recipe):
        noisy = corrupt(tiny.context.test_images[0], job.noise, seed=0)
        again = evaluate(load_run(tiny.context.store.root / job.key), noisy)
        stored = tiny.context.store.scores([job.key])
        assert [row["psnr"] for row in again] == pytest.approx(list(stored["psnr"]), abs=1e-5)
        assert [row["ssim"] for row in again] == pytest.approx(list(stored["ssim"]), abs=1e-6)


def test_every_method_meets_the_same_noisy_test_images(tiny: Tiny) -> None:
    methods = RECIPES["quick"].methods
    tiny.launch(methods=methods)
    hashes = [
        tiny.context.store.record(job.key).evaluation["gaussian:25"]["test"].noisy_sha256
        for job in tiny.jobs(methods=methods)
    ]
    assert len(hashes) == len(methods)
    assert len(set(hashes)) == 1


@pytest.mark.parametrize("noise", RECIPES["quick"].noises)
def test_replacing_what_is_withheld_by_nan_changes_no_result(
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
def test_a_method_that_reaches_for_what_it_did_not_declare_fails(
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


def test_a_failed_run_is_kept_apart_and_the_others_go_on(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fit.train

    def explode(net: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        if type(method).__name__ == "Sure":
            raise RuntimeError("it exploded")
        return real(net, method, *args, **kwargs)

    monkeypatch.setattr(fit, "train", explode)
    outcomes = tiny.launch(methods=("supervised", "sure", "noise2noise"))
    assert outcomes == ["trained", "failed: it exploded", "trained"]
    store = tiny.context.store
    failed = tiny.jobs(methods=("sure",))[0]
    assert failed.key not in store
    assert set(store.scores()["method"]) == {"supervised", "noise2noise"}
    (row,) = store.failures().to_dict("records")
    assert (row["method"], row["images"], row["error"]) == ("sure", "test", "RuntimeError: it exploded")
    monkeypatch.undo()
    assert tiny.launch(methods=("sure",)) == ["trained"]
    assert store.failures().empty


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


# References that are not trained


@pytest.fixture
def untrainable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it an error to draw a patch or to take a step."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("something was to be trained")

    monkeypatch.setattr(fit, "Patches", refuse)
    monkeypatch.setattr(fit, "train", refuse)


@pytest.mark.usefixtures("untrainable")
def test_what_learns_nothing_is_scored_and_never_trained(tiny: Tiny) -> None:
    tiny = replace(tiny, context=replace(tiny.context, evaluations=3))
    assert tiny.launch(methods=("wavelet",)) == ["scored"]
    assert tiny.launch(methods=("wavelet",)) == ["stored"]
    (job,) = tiny.jobs(methods=("wavelet",))
    store = tiny.context.store
    scores = store.scores()
    assert (scores[["training_seconds", "training_flops", "patches_per_second", "passes"]] == 0).all(
        axis=None
    )
    assert (scores["psnr"] > scores["noisy_psnr"] + 5).all()
    assert set(scores["sees"]) == {"noisy + noise, untrained"}
    assert store.curves().empty
    assert not (store.root / job.key / "log.jsonl").exists()
    assert store.record(job.key).versions["pywavelets"] == metadata.version("pywavelets")
    again = evaluate(load_run(store.root / job.key), corrupt(tiny.context.test_images[0], job.noise, seed=0))
    assert [row["psnr"] for row in again] == list(scores["psnr"])


@pytest.mark.usefixtures("untrainable")
def test_what_learns_nothing_is_told_an_estimate_of_unknown_noise(tiny: Tiny) -> None:
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
    assert set(scores["sees"]) == {"noisy + law, untrained"}


def test_what_learns_nothing_has_no_precision_to_choose(tiny: Tiny) -> None:
    recipe = replace(tiny.recipe, methods=("supervised", "wavelet"), noises=("gaussian:25",))
    jobs = plan(recipe, tiny.context.training_images, device=CPU, precision="bfloat16")
    assert {job.label: job.run.precision for job in jobs} == {"supervised": "bfloat16", "wavelet": "float32"}
    assert jobs[-1].key == plan(recipe, tiny.context.training_images, device=CPU)[-1].key


def test_a_missing_package_fails_its_cells_alone(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm3d", None)
    failed, trained = tiny.launch(methods=("bm3d", "supervised"))
    assert failed.startswith("failed: bm3d needs the authors' package")
    assert trained == "trained"
    (table,) = tabulate(tiny.context.store.scores(), tiny.context.store.failures())
    (row,) = table.rows
    assert [(cell.method, cell.status) for cell in row.cells] == [("bm3d", "failed"), ("supervised", "done")]
    assert "pip install bm3d" in row.cells[0].error


# Every method that is found


@pytest.fixture
def gaussian_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Add a method that is defined for Gaussian noise alone, and give its name."""
    (tmp_path / "entries").mkdir()
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "entries")])
    monkeypatch.delitem(sys.modules, "methods.picky", raising=False)
    (tmp_path / "entries" / "picky.py").write_text(
        "from dataclasses import dataclass\nfrom methods.supervised import Supervised\n"
        "@dataclass(frozen=True)\nclass Picky(Supervised):\n    noises = frozenset({'gaussian'})\n"
    )
    return "picky"


def test_all_is_every_method_wherever_it_is_defined(tiny: Tiny, gaussian_only: str) -> None:
    noises = ("gaussian:25", "gamma:50")
    jobs = tiny.jobs(methods=("all", "noise2void:radius=3"), noises=noises)
    pairs = [(job.label, job.noise.name) for job in jobs]
    assert len(set(pairs)) == len(pairs)
    defined = {(name, law) for name in listings() for law in load_class(name).noises & {"gaussian", "gamma"}}
    assert set(pairs) == defined | {("noise2void:radius=3", law) for law in ("gaussian", "gamma")}
    assert (gaussian_only, "gaussian") in pairs
    assert (gaussian_only, "gamma") not in pairs


@pytest.mark.parametrize("others", [(), ("all",)])
def test_what_is_named_must_be_defined(tiny: Tiny, gaussian_only: str, others: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="'picky' is for gaussian noise, not for gamma"):
        tiny.jobs(methods=(gaussian_only, *others), noises=("gamma:50",))


def test_the_table_says_where_a_method_is_not_defined(tiny: Tiny, gaussian_only: str) -> None:
    for noise, chosen in (("gaussian:25", (gaussian_only,)), ("gamma:50", ("supervised",))):
        assert tiny.launch(methods=chosen, noises=(noise,)) == ["trained"]
    (table,) = tabulate(tiny.context.store.scores(), tiny.context.store.failures())
    told = {(row.noise, cell.method): cell.error for row in table.rows for cell in row.cells}
    assert told["gamma", gaussian_only] == "not defined for gamma noise"
    assert told["gaussian", "supervised"] == ""


def test_a_run_is_missing_until_every_test_of_it_is_scored(tiny: Tiny) -> None:
    recipe = replace(tiny.recipe, methods=("supervised", "noise2void"), noises=("gaussian:25", "gaussian:50"))
    jobs = plan(recipe, tiny.context.training_images, device=CPU, blind=True)
    done, other = jobs
    scores = pd.DataFrame(
        [
            {"key": done.key, "parameter": noise.parameter, "images": images, "image": "0.png"}
            for noise in done.tests
            for images in ("test", "more")
        ]
    )
    assert missing_from(scores, jobs, ["test", "more"]) == [other]
    assert missing_from(scores, jobs, ["test", "another"]) == jobs
    for number in scores.index:
        assert missing_from(scores.drop(number), jobs, ["test", "more"]) == jobs
    assert missing_from(pd.DataFrame(), jobs, ["test"]) == jobs


@pytest.mark.parametrize("count", [1, 2, 4, 7, 15])
def test_shards_are_the_grid_and_share_nothing(tiny: Tiny, count: int) -> None:
    jobs = tiny.jobs(methods=RECIPES["quick"].methods, noises=RECIPES["quick"].noises)
    shards = [shard_of(jobs, f"{number}/{count}") for number in range(1, count + 1)]
    assert sorted(job.key for shard in shards for job in shard) == sorted(job.key for job in jobs)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "1/0", "-1/2", "1/2/3", "a/b", "", "1.5/2"])
def test_a_shard_is_one_of_n(tiny: Tiny, part: str) -> None:
    with pytest.raises(InputError, match=f"the shard '{part}' must be I/N, from 1/N to N/N"):
        shard_of(tiny.jobs(), part)


def test_an_empty_shard_is_refused(tiny: Tiny) -> None:
    with pytest.raises(InputError, match="the shard '2/2' is empty: the grid has 1 runs"):
        shard_of(tiny.jobs(), "2/2")


def test_training_images_among_the_test_images_are_refused(tiny: Tiny) -> None:
    leaking = replace(tiny, context=replace(tiny.context, test_images=(tiny.context.training_images,)))
    with pytest.raises(InputError, match=r"0\.png"):
        leaking.launch()


def test_two_test_sets_of_one_name_are_refused(tiny: Tiny) -> None:
    twice = replace(tiny, context=replace(tiny.context, test_images=2 * tiny.context.test_images))
    with pytest.raises(InputError, match=r"2 test sets are called 'test'"):
        twice.launch()


def test_a_training_set_goes_by_a_name_of_its_own(tiny: Tiny) -> None:
    tiny.launch()
    images = tiny.context.training_images
    for changes, said in (
        ({"images": images.images[:2]}, r"trained on other images that are called 'train' too"),
        ({"name": "bsd400"}, r"have the name of the registered set 'bsd400', but are others"),
    ):
        other = replace(tiny, context=replace(tiny.context, training_images=replace(images, **changes)))
        with pytest.raises(InputError, match=said):
            other.launch()
    assert tiny.launch() == ["stored"]


@pytest.mark.parametrize(
    ("noisy", "given"),
    [(np.ones((1, 1, 32, 32), np.float32), "ndarray"), (torch.ones(1, 1, 32, 32).byte(), "uint8")],
)
def test_a_denoiser_takes_tensors_of_floats_alone(tiny: Tiny, noisy: Any, given: str) -> None:
    tiny.launch()
    (job,) = tiny.jobs()
    with pytest.raises(InputError, match=f"a tensor of floats, white being 1, but was given .*{given}"):
        load_run(tiny.context.store.root / job.key)(noisy)


def test_a_patch_larger_than_an_image_is_refused_before_training(tiny: Tiny) -> None:
    with pytest.raises(InputError, match=r"64"):
        tiny.jobs(patch=64)


@pytest.mark.parametrize(("name", "value"), [("width", 1), ("steps", 0), ("batch", 0), ("seeds", (-1,))])
def test_numbers_out_of_range_are_named(tiny: Tiny, name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{name.rstrip('s')}s? must be at least \d, but is (0|1|-1)"):
        tiny.jobs(**{name: value})


@pytest.mark.parametrize("rate", [0.0, -1e-3, math.nan, math.inf])
def test_a_learning_rate_out_of_range_is_named(tiny: Tiny, rate: float) -> None:
    with pytest.raises(InputError, match=f"learning_rate must be finite and above 0, but is {rate}"):
        tiny.jobs(learning_rate=rate)
