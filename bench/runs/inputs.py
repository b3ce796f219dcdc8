"""The noisy test sets of a grid of runs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.images.image_set import require_disjoint
from bench.images.sources import require_own_name
from bench.scoring.noisy_sets import corrupt

if TYPE_CHECKING:
    from bench.noise import Noise
    from bench.runs.context import RunContext
    from bench.runs.plan import Job
    from bench.scoring.noisy_sets import NoisySet


class NoisyTestSets:
    """The noisy test sets of a grid; each is drawn once.

    Raises:
        InputError: a training image is among the test images, or two different sets have one name.
    """

    def __init__(self, context: RunContext) -> None:
        self.sets = context.test_images
        for images in (context.training_images, *self.sets):
            require_own_name(images)
        _require_same_training_images(context)
        for name, count in Counter(images.name for images in self.sets).items():
            if count > 1:
                raise InputError(
                    f"{count} test sets are called {name!r}; rename a folder: names identify scores"
                )
        self.drawn: dict[tuple[Noise, int], list[NoisySet]] = {}
        for images in self.sets:
            require_disjoint(context.training_images, images)

    def of(self, job: Job) -> list[NoisySet]:
        """Return the test sets of a job, noise by noise."""
        draws = [(noise, job.run.seed) for noise in job.tests]
        for noise, seed in draws:
            if (noise, seed) not in self.drawn:
                self.drawn[noise, seed] = [corrupt(images, noise, seed=seed) for images in self.sets]
        return [test for draw in draws for test in self.drawn[draw]]


def _require_same_training_images(context: RunContext) -> None:
    """Refuse a training set if stored runs were trained on other images under the same name."""
    ours, store = context.training_images, context.store
    runs = {key: store.record(key).run for key in store.keys()}  # noqa: SIM118 - not a dictionary
    for key, run in runs.items():
        same_name = (run.training_images, run.channels) == (ours.name, ours.channels)
        if same_name and run.fingerprint != ours.fingerprint:
            raise InputError(
                f"run {key} in {str(store.root)!r} was trained on other images that are also called "
                f"{ours.name!r}; rename the image folder, or choose another folder of runs"
            )
