"""Recipes: predefined grids of runs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from bench.errors import InputError
from bench.protocol import CLIP_RATIO, LEARNING_RATES, OPTIMISER, OptimiserName
from bench.settings import TrainingSettings, require_at_least

PUBLISHED = ("noise2void", "sure", "noise2score", "noise2noise", "supervised")
"""The methods of Noise2Score's Table 2 that noisebench has; recipes compare these by default."""

PUBLISHED_NOISES = ("gaussian:25", "gaussian:50", "poisson:0.01", "poisson:0.05", "gamma:100", "gamma:50")


@dataclass(frozen=True, kw_only=True)
class Recipe(TrainingSettings):
    """A grid of runs: every method under every noise, with every seed.

    Args:
        purpose: what it shows, what it costs, what it achieves.
        train: the training set.
        test: the test sets.
        optimiser: optimiser of the U-Net.
        learning_rate: peak learning rate of the optimiser's schedule.
        clip_ratio: a gradient is clipped to this multiple of the running mean of its norm.
        methods: names, with non-default hyper-parameters.
        noises: names with parameters.
        seeds: seeds of weights, patches and noise.
        evaluations: number of evaluations during each run on the first test set, outside its training time.
        lpips: whether LPIPS is computed: None where AlexNet's weights are on this machine, True after
            downloading them (233 MB, once) if they are not.

    Raises:
        InputError: a number is too small, or methods, noises, test sets or seeds are empty.
    """

    purpose: str
    train: str
    test: tuple[str, ...]
    optimiser: OptimiserName = OPTIMISER
    learning_rate: float = LEARNING_RATES[OPTIMISER]
    clip_ratio: float = CLIP_RATIO
    methods: tuple[str, ...] = PUBLISHED
    noises: tuple[str, ...] = PUBLISHED_NOISES
    seeds: tuple[int, ...] = (0,)
    evaluations: int = 0
    lpips: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not math.isfinite(self.clip_ratio):
            raise InputError(f"clip_ratio must be finite, but is {self.clip_ratio}; a large one never clips")
        for name in ("methods", "noises", "test", "seeds"):
            if not getattr(self, name):
                raise InputError(f"a grid needs at least one of its {name}, but none is given")
        require_at_least(0, "evaluations", self.evaluations)

    def summary(self) -> str:
        """Describe the recipe in a few sentences."""
        return (
            f"{self.purpose} {self.train} to {', '.join(self.test)}; width {self.width}, "
            f"{self.steps} steps of {self.batch} patches of {self.patch}x{self.patch}; "
            f"{', '.join(self.noises)}."
        )


GREY = Recipe(
    purpose=(
        "The grey half of Noise2Score's Table 2: bsd400 to set12 and bsd68 at full width, 30 training "
        "runs. Meant for a GPU."
    ),
    train="bsd400",
    test=("set12", "bsd68"),
    channels=1,
    width=48,
    steps=10_000,
    batch=256,
    patch=64,
)
GREY_CPU = replace(
    GREY,
    purpose=(
        "The grey half of Noise2Score's Table 2 for a CPU: width 32, a small budget, 30 training runs of 10 "
        "to 20 minutes, about 4 hours on 2 CPU cores with bfloat16."
    ),
    width=32,
    steps=8000,
    batch=8,
)

RECIPES = {
    "quick": Recipe(
        purpose=(
            "Five methods under three noises on photographs that ship inside scikit-image: no GPU, no "
            "download. 15 short training runs, about 4 minutes on 2 CPU cores. Shows the order of the "
            "methods, not their best."
        ),
        train="embedded-train",
        test=("embedded-test",),
        channels=1,
        width=16,
        steps=250,
        batch=8,
        patch=64,
        noises=("gaussian:25", "poisson:0.05", "gamma:50"),
        evaluations=5,
    ),
    "grey": GREY,
    "grey-cpu": GREY_CPU,
    "tuning": replace(
        GREY_CPU,
        purpose=(
            "For choosing settings, away from every test set: nine tenths of bsd400 to the last tenth, with "
            "short training runs."
        ),
        train="bsd400-tune",
        test=("bsd400-held",),
        steps=600,
        noises=("gaussian:25", "poisson:0.05", "gamma:50"),
    ),
    "colour": replace(
        GREY,
        purpose=(
            "The colour half of Noise2Score's Table 2: cbsd432 to cbsd68 and kodak24 at full width, "
            "30 training runs. Meant for a GPU."
        ),
        train="cbsd432",
        test=("cbsd68", "kodak24"),
        channels=3,
    ),
}
