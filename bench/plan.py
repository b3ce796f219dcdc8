"""Planning: a recipe becomes runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.devices import resolve_precision
from bench.discovery import parse_method, source_hash
from bench.errors import InputError
from bench.images import require_patch
from bench.noise import Noise, parse_noise
from bench.runs import Run

if TYPE_CHECKING:
    import torch

    from bench.images import ImageSet
    from bench.method import Method
    from bench.patches import TrainingNoise
    from bench.recipes import Recipe


@dataclass(frozen=True)
class Job:
    """A run with what it takes to do it.

    Args:
        run: what decides its weights.
        method: the method, with its hyper-parameters.
        noise: the noise law.
        key: names the result.
    """

    run: Run
    method: Method
    noise: Noise
    key: str

    @property
    def label(self) -> str:
        """The method's name, with the hyper-parameters that differ from their defaults."""
        return ":".join(filter(None, [self.run.method, self.method.settings]))

    @property
    def title(self) -> str:
        """One line for a person."""
        return f"{self.label}, {self.noise.spec}, seed {self.run.seed}"


def plan(
    recipe: Recipe,
    training_images: ImageSet,
    *,
    device: torch.device,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    training_noise: TrainingNoise = "frozen",
) -> list[Job]:
    """Spell out the runs of a recipe: by seed, then noise, then method.

    Raises:
        InputError: a method or noise is unknown, or a method is not defined for a noise.
    """
    methods = [parse_method(spec) for spec in recipe.methods]
    noises = [parse_noise(spec) for spec in recipe.noises]
    jobs = []
    for seed in recipe.seeds:
        for noise in noises:
            for name, method in methods:
                if noise.name not in method.noises:
                    allowed = ", ".join(sorted(method.noises))
                    raise InputError(f"the method {name!r} is for {allowed} noise, not for {noise.name}")
                run = Run(
                    method=name,
                    hyper_parameters=method.hyper_parameters,
                    noise=noise.name,
                    parameter=noise.parameter,
                    training_images=training_images.name,
                    fingerprint=training_images.fingerprint,
                    channels=recipe.channels,
                    width=recipe.width,
                    steps=recipe.steps,
                    batch=recipe.batch,
                    patch=recipe.patch,
                    seed=seed,
                    training_noise=training_noise,
                    precision=resolve_precision(precision, borne=method.precision, device=device),
                    device=device.type,
                )
                jobs.append(Job(run, method, noise, run.key(source_hash(type(method)))))
    require_patch(training_images, recipe.patch)
    return jobs
