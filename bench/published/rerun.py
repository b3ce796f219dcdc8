"""Repeat committed runs: train them again, or evaluate their own weights."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from bench.analysis.grouping import by_setup
from bench.analysis.scatter import MOST_ALLOWED
from bench.errors import InputError, unknown
from bench.noise import NOISES
from bench.protocol import PROTOCOL_VERSION
from bench.published.retraining import ScoredSet
from bench.runs.launch import launch
from bench.runs.load import load_run
from bench.runs.plan import plan
from bench.runs.recipes import Recipe
from bench.runs.recording import evaluation_of, origin_of, source_of
from bench.scoring.evaluate import evaluate
from bench.scoring.noisy_sets import corrupt
from bench.store.layout import WEIGHTS
from bench.system.devices import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    import torch

    from bench.analysis.columns import Setup
    from bench.analysis.scatter import Scatter
    from bench.images.image_set import ImageSet
    from bench.published.retraining import TrainingRuns
    from bench.runs.context import RunContext, Watcher
    from bench.runs.plan import Job
    from bench.store.record import Evaluation, RunRecord
    from bench.store.reference import Reference
    from bench.store.store import Store

SAME_WEIGHTS = 1e-3
"""Allowed difference between scores of the same weights, dB: a tenth of the last digit that tables print.

CPUs, libraries and the layout of weights in memory change the order in which float32 numbers are added, which
changes a PSNR by about 1e-5 dB.
"""
FORMER_VALUES = {"told": "given"}
"""Values of hyper-parameters that have been renamed since protocol 4."""

FORMER_FORMS = {"sure": {"risk": "first_order"}}
"""Hyper-parameters added since protocol 4, by method, with the value for what the method did then."""


@dataclass(frozen=True)
class CommittedRun:
    """A committed run, and what is needed to repeat it.

    Args:
        record: record of the committed run.
        scores: rows of the committed run.
        job: job that trains it again.
        context: context of the job.
        weights: the folder of the committed run with its weights, if the store has it.
        scatter: scatter of repeated training runs of its method; empty if it is not trained again.
    """

    record: RunRecord
    scores: pd.DataFrame
    job: Job
    context: RunContext
    weights: Path | None
    scatter: dict[ScoredSet, Scatter]

    @property
    def cells(self) -> list[ScoredSet]:
        """The noise parameter and test set of each mean PSNR to compare."""
        cells = self.scores[["parameter", "images"]].drop_duplicates()
        return [ScoredSet(*cell) for cell in cells.itertuples(index=False)]

    def allowed(self, cell: ScoredSet, *, numbers: int) -> float:
        """Compute the largest difference in mean PSNR, in magnitude, that counts as reproduced, dB.

        A retrained run may differ as repeated training runs do: by Student's interval of the difference of
        two, with the standard deviation of the method on the test set under the same setup. That is pooled
        over the method's other runs that were trained more than once; without any, over committed seeds,
        which also change all noise. In 95 % of cases *all* numbers of sound runs are within their intervals
        (Bonferroni). No run may differ by more than ``MOST_ALLOWED``, however its method scatters.

        Args:
            cell: the noise's parameter and the test set.
            numbers: how many numbers of retrained runs must be within their intervals jointly.
        """
        return SAME_WEIGHTS if self.weights else min(self.scatter[cell].retraining(numbers), MOST_ALLOWED)


@dataclass(frozen=True)
class Rerun:
    """A repeated run: its record, and its rows with parameter, images, image, psnr and ssim."""

    record: RunRecord
    scores: pd.DataFrame


def open_committed(
    key: str,
    reference: Reference,
    scores: pd.DataFrame,
    repeated: Mapping[Setup, TrainingRuns],
    open_images: Callable[..., ImageSet],
    make_context: Callable[[ImageSet, tuple[ImageSet, ...]], RunContext],
) -> CommittedRun:
    """Prepare to repeat a committed run.

    Args:
        key: key of the run.
        reference: the reference that contains it.
        scores: scores of the reference.
        repeated: its training runs, by setup.
        open_images: opens an image set by its name and ``channels``.
        make_context: makes the context of training set and test sets.

    Raises:
        InputError: the key is unknown, an image set is not the committed run's, the store holds the run
            without its weights, or the scatter of its method is not known.
    """
    rows = scores[scores["key"] == key]
    if rows.empty:
        raise unknown(f"finished run in {str(reference.folder)!r}", key, set(scores["key"]))
    record = reference.record(key)
    train, tests = _open_image_sets(record, rows, open_images)
    context = make_context(train, tests)
    weights = _find_weights(context.store, record)
    (setup,) = by_setup(rows)
    scatter = {} if weights else repeated[setup].expected(key)
    job = _plan_again(record, rows, train, device=context.device)
    return CommittedRun(record, rows, job, context, weights, scatter)


def _find_weights(store: Store, record: RunRecord) -> Path | None:
    """Find the weights that gave the committed scores; None if the store has none of the current protocol."""
    key = record.key
    # Another training run with the same key has other times.
    if key not in store or store.record(key).columns != record.columns or record.protocol != PROTOCOL_VERSION:
        return None
    folder = store.root / key
    if not (folder / WEIGHTS).is_file():
        raise InputError(
            f"{str(folder)!r} is the committed run {key} without its {WEIGHTS}, so that its scores would be "
            "compared with themselves; name another folder of runs"
        )
    return folder


def _open_image_sets(
    record: RunRecord, rows: pd.DataFrame, open_images: Callable[..., ImageSet]
) -> tuple[ImageSet, tuple[ImageSet, ...]]:
    """Open the training set and the test sets of a run, and check that they are unchanged."""
    run = record.run
    train = open_images(run.training_images, channels=run.channels)
    _require_same_pixels(train, {run.fingerprint}, record.key)
    tests = []
    for name, lines in rows.groupby("images", sort=False):
        images = open_images(name, channels=run.channels)
        then = {evaluation.fingerprint for evaluation in record.evaluations(str(name))}
        _require_same_pixels(images, then, record.key)
        if other := {image.name for image in images} ^ set(lines["image"]):
            raise InputError(
                f"the images of {name!r} are not named as when run {record.key} was scored: "
                f"{', '.join(sorted(other)[:3])}"
            )
        tests.append(images)
    return train, tuple(tests)


def _require_same_pixels(images: ImageSet, fingerprints: set[str], key: str) -> None:
    if fingerprints != {images.fingerprint}:
        then = " and ".join(sorted(fingerprint[:12] for fingerprint in fingerprints))
        raise InputError(
            f"image set {images.name!r} has the fingerprint {images.fingerprint[:12]}, but run {key} was "
            f"made with {then}; only the same pixels can verify it"
        )


def _plan_again(
    record: RunRecord, rows: pd.DataFrame, training_images: ImageSet, *, device: torch.device
) -> Job:
    run = record.run
    # All hyper-parameters by name, since a default may have changed.
    stored = {name: FORMER_VALUES.get(value, value) for name, value in run.hyper_parameters.items()}
    values = FORMER_FORMS.get(run.method, {}) | stored
    chosen = [f"{name}={value}" for name, value in values.items() if value is not None]
    model = NOISES[run.noise]
    recipe = Recipe(
        purpose="A committed run, run again.",
        train=run.training_images,
        test=tuple(rows["images"].unique()),
        **run.training_settings(),
        methods=(f"{run.method}:{','.join(chosen)}",),
        noises=tuple(model(parameter).spec for parameter in rows["parameter"].unique()),
        seeds=(run.seed,),
        lpips=False,
    )
    (job,) = plan(
        recipe,
        training_images,
        device=device,
        precision=run.precision,
        training_noise=run.training_noise,
        blind=isinstance(run.parameter, tuple),
    )
    return job


def same_threads(run: CommittedRun) -> AbstractContextManager[None]:
    """Use as many threads as the committed run: the order of sums on a CPU depends on their number."""
    if run.record.run.device == run.job.run.device == "cpu":
        return threads(run.record.hardware.threads)
    return nullcontext()


def rerun(run: CommittedRun, watcher: Watcher) -> Rerun | None:
    """Train or evaluate a run again; return None if it fails, and give the reason to the watcher."""
    if run.weights is None:
        if launch([run.job], run.context, watcher):
            return None
        store = run.context.store
        return Rerun(store.record(run.job.key), store.scores([run.job.key]))
    watcher.started(run.job)
    try:
        evaluated = _evaluate(run, run.weights)
    except Exception as error:  # noqa: BLE001 - the other runs are useful even if one fails
        watcher.ended(run.job, f"failed: {error}")
        return None
    watcher.ended(run.job, "scored")
    return evaluated


def _evaluate(run: CommittedRun, weights: Path) -> Rerun:
    """Score the committed weights again, without reading their stored scores."""
    device = run.context.device
    denoiser = load_run(weights, device=device)
    rows = []
    evaluation: dict[str, dict[str, Evaluation]] = {}
    for noise in run.job.tests:
        for images in run.context.test_images:
            noisy = corrupt(images, noise, seed=run.job.run.seed)
            shared = {"parameter": noise.parameter, "images": images.name}
            rows += [shared | row for row in evaluate(denoiser, noisy)]
            evaluation.setdefault(noise.spec, {})[images.name] = evaluation_of(noisy, lpips="not computed")
    here = origin_of(run.job, device) | {"source": source_of(run.job), "evaluation": evaluation}
    return Rerun(run.record.model_copy(update=here), pd.DataFrame(rows))
