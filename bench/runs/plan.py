"""Turn a recipe into a list of jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

from bench.discovery import EVERY, listings, parse_method, source_hash
from bench.errors import InputError
from bench.images.image_set import require_patch
from bench.method import Untrained
from bench.noise import Noise, parse_noise
from bench.noise.blind import UnknownNoise
from bench.store.run import Run
from bench.training.precision import rejection_note, resolve_precision

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import torch

    from bench.images.image_set import ImageSet
    from bench.method import Method
    from bench.runs.recipes import Recipe
    from bench.settings import Precision, TrainingNoise

Wanted = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Job:
    """A run, with everything needed to execute it.

    Args:
        run: all settings that determine its weights.
        method: the method, with its hyper-parameters.
        noise: noise of the training images; if its parameter is unknown, one training run serves all tests.
        tests: noises under which it is scored.
        key: key of the result.
        notes: what to know about its settings.
    """

    run: Run
    method: Method
    noise: Noise | UnknownNoise
    tests: tuple[Noise, ...]
    key: str
    notes: tuple[str, ...] = ()

    @property
    def blind(self) -> bool:
        """Whether the noise's parameter is withheld."""
        return isinstance(self.noise, UnknownNoise)

    @property
    def label(self) -> str:
        """The method's name, its non-default hyper-parameters, and whether it is blind."""
        name = ":".join(filter(None, [self.run.method, self.method.settings]))
        return f"{name} (blind)" if self.blind else name

    @property
    def title(self) -> str:
        """A one-line description of the job."""
        return f"{self.label}, {self.noise.spec}, seed {self.run.seed}"


def plan(
    recipe: Recipe,
    training_images: ImageSet,
    *,
    device: torch.device,
    precision: Wanted = "auto",
    training_noise: TrainingNoise = "frozen",
    blind: bool = False,
) -> list[Job]:
    """List the jobs of a recipe: by seed, then noise, then method.

    Args:
        recipe: recipe with the methods, noises and test sets.
        training_images: the opened training set.
        device: device on which the jobs will be executed.
        precision: precision of training.
        training_noise: frozen or resampled.
        blind: whether the noise's parameter is withheld; each method then has one run per noise model.

    Raises:
        InputError: a method or noise is unknown, a named method is not defined for a noise, a training image
            is smaller than a patch, or a noise is outside the range of blind training.
    """
    methods = [
        (name, method, named)
        for name, method, named in _methods(recipe.methods)
        if _fits(training_images, recipe.patch, name, method, named=named)
    ]
    noises = [parse_noise(spec) for spec in recipe.noises]
    pairs: Sequence[tuple[Noise | UnknownNoise, tuple[Noise, ...]]]
    pairs = _withheld(noises) if blind else [(noise, (noise,)) for noise in noises]
    shared = recipe.training_settings() | {"training_noise": training_noise, "device": device.type}
    shared |= {"training_images": training_images.name, "fingerprint": training_images.fingerprint}
    jobs = []
    for seed, (noise, tests), (name, method, named) in product(recipe.seeds, pairs, methods):
        if not _is_defined(name, method, noise, named=named):
            continue
        run = Run(
            method=name,
            hyper_parameters=method.hyper_parameters,
            noise=noise.name,
            parameter=noise.parameters if isinstance(noise, UnknownNoise) else noise.parameter,
            seed=seed,
            precision=_precision(method, precision, device),
            **shared,
        )
        key = run.key(source_hash(type(method)))
        jobs.append(Job(run, method, noise, tests, key, _notes(method, precision, device)))
    return jobs


def missing_from(scores: pd.DataFrame, jobs: Sequence[Job], images: Sequence[str]) -> list[Job]:
    """Select the jobs that lack scores for some noise or test set.

    Args:
        scores: one line per run and test image, as in reference results.
        jobs: the jobs of a grid.
        images: names of its test sets.
    """
    there = set(scores.reindex(columns=["key", "parameter", "images"]).itertuples(index=False, name=None))
    return [
        job
        for job in jobs
        if not all((job.key, noise.parameter, name) in there for noise in job.tests for name in images)
    ]


def shard_of(jobs: Sequence[Job], part: str) -> list[Job]:
    """Select one of N disjoint parts of a grid.

    Args:
        jobs: of the grid, in the order of ``plan``.
        part: ``I/N``, I from 1 to N.

    Raises:
        InputError: the part is malformed, or has no job.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", part)
    number, count = map(int, match.groups()) if match else (0, 0)
    if not 1 <= number <= count:
        raise InputError(f"the shard {part!r} must be I/N, from 1/N to N/N, as 2/5")
    # Every N-th job, not a block, so that all parts have similar methods to train.
    chosen = list(jobs[number - 1 :: count])
    if not chosen:
        raise InputError(
            f"the shard {part!r} is empty: the grid has {len(jobs)} runs, and every part needs one"
        )
    return chosen


def _methods(specs: Sequence[str]) -> list[tuple[str, Method, bool]]:
    """Parse methods, each with whether it was named; ``all`` adds every other existing method."""
    named = dict.fromkeys(spec for spec in specs if spec != EVERY)
    others = [name for name in listings() if name not in named] if EVERY in specs else []
    return [(*parse_method(spec), spec in named) for spec in (*named, *others)]


def _fits(images: ImageSet, patch: int, name: str, method: Method, *, named: bool) -> bool:
    """Check whether a method's patches fit into every training image.

    Raises:
        InputError: they do not, but the method was named explicitly, or its patches are the usual ones.
    """
    try:
        if not isinstance(method, Untrained):
            require_patch(images, patch * method.patch_scale, method=name)
    except InputError:
        if named or method.patch_scale == 1:
            raise
        return False
    return True


def _is_defined(name: str, method: Method, noise: Noise | UnknownNoise, *, named: bool) -> bool:
    """Check whether a method is defined for a noise.

    Raises:
        InputError: it is not, but was named explicitly.
    """
    if noise.name not in method.noises and named:
        allowed = ", ".join(sorted(method.noises))
        raise InputError(f"the method {name!r} is for {allowed} noise, not for {noise.name}")
    return noise.name in method.noises


def _precision(method: Method, wanted: Wanted, device: torch.device) -> Precision:
    """Choose the precision of training; an untrained method has its own."""
    if isinstance(method, Untrained):
        return method.precision
    return resolve_precision(wanted, lowest=method.precision, device=device)


def _notes(method: Method, wanted: Wanted, device: torch.device) -> tuple[str, ...]:
    if isinstance(method, Untrained):
        return ()
    note = rejection_note(wanted, lowest=method.precision, device=device)
    return (note,) if note else ()


def _withheld(noises: list[Noise]) -> list[tuple[UnknownNoise, tuple[Noise, ...]]]:
    """Group noises by noise model, in the order of first appearance."""
    by_model: dict[str, dict[Noise, None]] = {}
    for noise in noises:
        by_model.setdefault(noise.name, {})[noise] = None
    return [(UnknownNoise.covering(tests), tests) for tests in map(tuple, by_model.values())]
