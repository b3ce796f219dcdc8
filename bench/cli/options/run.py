"""The options of ``noisebench run``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from bench.cli.options.shared import (
    DEFAULT_STORE,
    Data,
    Device,
    Engine,
    Precision,
    Runs,
    optional,
    require_known,
)
from bench.discovery import EVERY, listings
from bench.errors import unknown
from bench.protocol import LEARNING_RATES, NOISE_FORMULAS, OptimiserName
from bench.runs.recipes import RECIPES, Recipe
from bench.settings import CHECKPOINT_EVERY

OF_RECIPE = "as in the recipe"
OF_OPTIMISER = "that of the optimiser"
IF_HERE = "if the weights are on this machine"
Names = Annotated[tuple[str, ...] | None, optional("NAME ...", default=OF_RECIPE)]
Integer = Annotated[int | None, optional("INT", default=OF_RECIPE)]


@dataclass(frozen=True)
class RecipeChanges:
    """Settings that replace those of the same name in the recipe; None keeps the recipe's.

    Args:
        methods: names, with hyper-parameters that differ from the defaults: NAME:KEY=VALUE,KEY=VALUE; all
            selects every method, each under the noise models for which it is defined
        noises: noise models with their parameter: gaussian:SIGMA (0 to 255 scale), poisson:ZETA, gamma:K
        train: training set: a name from `noisebench list`, a folder, or hub:OWNER/NAME
        test: test sets, named in the same way
        channels: 1 for grey images, 3 for colour
        width: channels of the U-Net's encoder; full width is 48
        steps: optimiser steps
        batch: patches per batch
        patch: side of a training patch, in pixels
        optimiser: muon, or adam, the optimiser of earlier protocols
        learning_rate: peak learning rate of the optimiser's schedule
        clip_ratio: clip a gradient to this multiple of the running mean of its norm
        seeds: seeds of the initial weights, patches and noise; each seed is a separate run
        evaluations: number of evaluations during each training run, for `noisebench curve`;
            the former name --looks works for one more release
        lpips: whether to compute LPIPS, which needs AlexNet's weights: DIR/lpips/alexnet-features.safetensors
            in the folder of the image sets, or torchvision's file in its cache, which True downloads once
            (233 MB)
    """

    methods: Names = None
    noises: Names = None
    train: Annotated[str | None, optional("SET", default=OF_RECIPE)] = None
    test: Annotated[tuple[str, ...] | None, optional("SET ...", default=OF_RECIPE)] = None
    channels: Annotated[Literal[1, 3] | None, optional("1|3", default=OF_RECIPE)] = None
    width: Integer = None
    steps: Integer = None
    batch: Integer = None
    patch: Integer = None
    optimiser: Annotated[OptimiserName | None, optional("muon|adam", default=OF_RECIPE)] = None
    learning_rate: Annotated[float | None, optional("FLOAT", default=OF_OPTIMISER)] = None
    clip_ratio: Annotated[float | None, optional("FLOAT", default=OF_RECIPE)] = None
    seeds: Annotated[tuple[int, ...] | None, optional("INT ...", default=OF_RECIPE)] = None
    evaluations: Annotated[Integer, tyro.conf.arg(aliases=["--looks"])] = None
    lpips: Annotated[bool | None, optional("True|False", default=IF_HERE)] = None

    def apply(self, recipe: Recipe) -> Recipe:
        """Return the recipe with the settings that are given."""
        settings = {field.name: getattr(self, field.name) for field in fields(self)}
        changed = {name: value for name, value in settings.items() if value is not None}
        if self.optimiser:
            changed = {"learning_rate": LEARNING_RATES[self.optimiser]} | changed
        return replace(recipe, **changed)


@dataclass(frozen=True)
class ClusterOptions:
    """The Ray cluster to train on, and the resources of each run.

    Args:
        ray: train on the Ray cluster at HOST:PORT; auto uses the one that is running, or starts one on this
            machine
        gpus_per_run: GPUs per run; below 1, such as 0.25, several runs share one
        cpus_per_run: CPU cores per run, and its number of threads, on which float32 rounding depends
    """

    ray: Annotated[str | None, optional("auto|ADDRESS", default="train on this machine, without Ray")] = None
    gpus_per_run: Annotated[float | None, optional("FLOAT", default="1 on cuda, 0 on cpu")] = None
    cpus_per_run: Annotated[int | None, optional("INT", default="1")] = None


@dataclass(frozen=True)
class RunOptions:
    """Train and score a grid of methods and noise models, then print the table.

    Stored runs are not trained again, and an interrupted run resumes from its last checkpoint. Several
    processes may fill one folder of runs; each run is trained by one of them. Examples:
    `noisebench run grey --methods supervised --noises gaussian:25 --width 32`,
    `noisebench run --train my/photos --test my/other/photos --noises gamma:20`.

    Args:
        name: quick, grey-cpu, grey, colour or tuning; `noisebench list recipes` describes them and their cost
        recipe: replace settings of the recipe
        cluster: train on a Ray cluster
        training_noise: frozen keeps one noisy copy of each image; resampled draws new noise for every patch
        blind: withhold the noise parameter, which then differs from one training image to the next
        precision: auto takes bfloat16 if the method is stable in it and the device supports it, computes it
            correctly and is not slower in it
        engine: launch each step kernel by kernel (eager), as a CUDA graph, or compiled; auto takes graph on
            CUDA
        device: device to train on
        missing_from: train only the runs that are missing from this folder of reference results, such as one
            that was collected on another machine
        shard: train the I-th of N parts of the grid, 1/N to N/N, as one job of an array
        checkpoint_every: seconds between two checkpoints of a training run
        data: folder of the image sets, with files such as DIR/set12/01.png
        runs: folder for the runs
    """

    name: Annotated[Positional[str], tyro.conf.arg(metavar="RECIPE")] = "quick"
    recipe: tyro.conf.OmitArgPrefixes[RecipeChanges] = RecipeChanges()
    cluster: tyro.conf.OmitArgPrefixes[ClusterOptions] = ClusterOptions()
    training_noise: Literal["frozen", "resampled"] = "frozen"
    blind: bool = False
    precision: Precision = "auto"
    engine: Engine = "auto"
    device: Device = "auto"
    missing_from: Annotated[Path | None, optional("REFERENCE", default="train every run of the grid")] = None
    shard: Annotated[str | None, optional("I/N", default="the whole grid")] = None
    checkpoint_every: float = CHECKPOINT_EVERY
    data: Data = None
    runs: Runs = DEFAULT_STORE

    def changed_recipe(self) -> Recipe:
        """Return the named recipe with its settings replaced.

        Raises:
            InputError: there is no such recipe, or the new settings are invalid.
        """
        if self.name not in RECIPES:
            raise unknown("recipe", self.name, RECIPES)
        return self.recipe.apply(RECIPES[self.name])

    def check(self) -> None:
        """Check all names that are known without torch, which takes seconds to import.

        Raises:
            InputError: there is no such recipe, method or noise model, or the new settings are invalid.
        """
        recipe = self.changed_recipe()
        require_known("method", recipe.methods, {EVERY, *listings()})
        require_known("noise", recipe.noises, NOISE_FORMULAS)
