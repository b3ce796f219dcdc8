"""Committed runs made anew."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.discovery import source_hash
from bench.errors import InputError, unknown
from bench.noise import NOISES
from bench.protocol import PROTOCOL_VERSION
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import plan
from bench.runs.recipes import Recipe
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.store.scores import WEIGHTS
from bench.system.devices import describe, threads
from bench.system.provenance import commit, versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import torch

    from bench.analysis.statistics import Scatter
    from bench.images.image_set import ImageSet
    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.store.reference import Reference
    from bench.store.store import Store

SAME_WEIGHTS = 1e-3
"""dB by which scores of the same weights may differ: a tenth of the last digit that tables print.

Processors, libraries and the layout of weights in memory change the order in which float32 numbers are added,
which moves a PSNR by some 1e-5 dB.
"""


@dataclass(frozen=True)
class _Case:
    """A committed run, and what it takes to make it anew.

    Args:
        facts: of the committed run.
        scores: its rows.
        job: that trains it anew.
        context: where that is done.
        weights: the folder of the committed run with its weights, where it is at hand.
        scatter: of its method's trainings, by test set; none where it is not trained.
    """

    facts: dict[str, Any]
    scores: pd.DataFrame
    job: Job
    context: RunContext
    weights: Path | None
    scatter: dict[str, Scatter]

    @property
    def numbers(self) -> list[tuple[float, str]]:
        """The parameter and the test set of each mean PSNR that is compared."""
        cells = self.scores[["parameter", "images"]].drop_duplicates()
        return list(cells.itertuples(index=False, name=None))

    def allowed(self, images: str, *, numbers: int) -> float:
        """Say how far from zero a difference may lie, dB, where ``numbers`` of other trainings must do so."""
        return SAME_WEIGHTS if self.weights else self.scatter[images].retraining(numbers)


@dataclass(frozen=True)
class _Remade:
    """A run made anew: its facts, and its rows with parameter, images, image, psnr and ssim."""

    facts: dict[str, Any]
    scores: pd.DataFrame


def _committed(key: str, reference: Reference, scores: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
    rows = scores[scores["key"] == key]
    if rows.empty:
        raise unknown(f"finished run in {str(reference.folder)!r}", key, set(scores["key"]))
    return reference.facts(key), rows


def _own_weights(store: Store, facts: dict[str, Any]) -> Path | None:
    """Find the weights that gave the committed scores, unless they are of a protocol that is gone."""
    key = facts["key"]
    # Another training of the same run has the same key, but neither the same hour nor the same seconds.
    if (
        key not in store
        or store.facts(key)["columns"] != facts["columns"]
        or facts["protocol"] != PROTOCOL_VERSION
    ):
        return None
    folder = store.root / str(key)
    if not (folder / WEIGHTS).is_file():
        raise InputError(
            f"{str(folder)!r} is the committed run {key} without its {WEIGHTS}, so that its scores would be "
            "compared with themselves; name another folder of runs"
        )
    return folder


def _image_sets(
    facts: dict[str, Any], rows: pd.DataFrame, opened: Callable[..., ImageSet]
) -> tuple[ImageSet, tuple[ImageSet, ...]]:
    """Open the training set and the test sets of a run, and see that they are the same as then."""
    run = facts["run"]
    train = opened(run["training_images"], channels=run["channels"])
    _require_same(train, {run["fingerprint"]}, facts["key"])
    tests = []
    for name, lines in rows.groupby("images", sort=False):
        images = opened(name, channels=run["channels"])
        then = {sets[name]["fingerprint"] for sets in facts["evaluation"].values() if name in sets}
        _require_same(images, then, facts["key"])
        if other := {picture.name for picture in images} ^ set(lines["image"]):
            raise InputError(
                f"the images of {name!r} are not named as when run {facts['key']} was scored: "
                f"{', '.join(sorted(other)[:3])}"
            )
        tests.append(images)
    return train, tuple(tests)


def _require_same(images: ImageSet, fingerprints: set[str], key: str) -> None:
    if fingerprints != {images.fingerprint}:
        then = " and ".join(sorted(fingerprint[:12] for fingerprint in fingerprints))
        raise InputError(
            f"image set {images.name!r} has the fingerprint {images.fingerprint[:12]}, but run {key} was "
            f"made with {then}; only the same pixels can verify it"
        )


def _rebuild(
    facts: dict[str, Any], rows: pd.DataFrame, training_images: ImageSet, *, device: torch.device
) -> Job:
    """Plan a committed run anew."""
    run = facts["run"]
    # All hyper-parameters by name: a default may have changed since.
    chosen = [f"{name}={value}" for name, value in run["hyper_parameters"].items() if value is not None]
    model = NOISES[run["noise"]]
    recipe = Recipe(
        purpose="A committed run anew.",
        train=run["training_images"],
        test=tuple(rows["images"].unique()),
        channels=run["channels"],
        width=run["width"],
        steps=run["steps"],
        batch=run["batch"],
        patch=run["patch"],
        learning_rate=run["learning_rate"],
        methods=(f"{run['method']}:{','.join(chosen)}",),
        noises=tuple(model(parameter).spec for parameter in rows["parameter"].unique()),
        seeds=(run["seed"],),
        lpips=False,
    )
    (job,) = plan(
        recipe,
        training_images,
        device=device,
        precision=run["precision"],
        training_noise=run["training_noise"],
        blind=isinstance(run["parameter"], list),
    )
    return job


def _threads_as_then(case: _Case) -> AbstractContextManager[None]:
    """Compute by as many threads as then: how many there are decides in which order a processor adds."""
    if case.facts["run"]["device"] == case.job.run.device == "cpu":
        return threads(case.facts["hardware"]["threads"])
    return nullcontext()


def _remake(case: _Case, watcher: Watcher) -> _Remade | None:
    """Make a run anew; None where that fails, of which the watcher is told."""
    if case.weights is None:
        if launch([case.job], case.context, watcher):
            return None
        store = case.context.store
        return _Remade(store.facts(case.job.key), store.scores([case.job.key]))
    watcher.started(case.job)
    try:
        remade = _evaluate(case, case.weights)
    except Exception as error:  # noqa: BLE001 - whatever one run raises, the others are still of use
        watcher.ended(case.job, f"failed: {error}")
        return None
    watcher.ended(case.job, "scored")
    return remade


def _evaluate(case: _Case, weights: Path) -> _Remade:
    """Score the committed weights anew, whatever scores lie beside them."""
    device = case.context.device
    denoiser = load_run(weights, device=device)
    rows = []
    evaluation: dict[str, dict[str, Any]] = {}
    for noise in case.job.tests:
        for images in case.context.test_images:
            noisy = corrupt(images, noise, seed=case.job.run.seed)
            shared = {"parameter": noise.parameter, "images": images.name}
            rows += [shared | row for row in evaluate(denoiser, noisy)]
            evaluation.setdefault(noise.spec, {})[images.name] = {"noisy_sha256": noisy.sha256}
    here = {
        "source": {"sha256": source_hash(type(case.job.method))},
        "commit": commit(),
        "versions": versions(*case.job.method.packages),
        "hardware": describe(device),
        "evaluation": evaluation,
    }
    return _Remade(case.facts | here, pd.DataFrame(rows))
