"""The throughput suite: how long each part of training takes on this machine, and what the machine can do.

`noisebench profile` runs it and draws its figures. Seconds are not asserted: they are the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.discovery import parse_method
from bench.method import NEEDS
from bench.profile.workloads import COPIED, COPIES, BareStep, TrainingStep, copy, inference, patches, product
from tests.support.methods.trained import TRAINED

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.profile.workloads import Setting
    from tests.throughput.timer import Timer

BATCHES, PATCHES = (8, 16, 32, 64), (32, 64, 128)
SIDE = 256
TWO_PASSES = "noise2score:antithetic=True"
STEPS = TRAINED | {TWO_PASSES: parse_method(TWO_PASSES)[1]}


def test_copy(timed: Timer, setting_of: Callable[..., Setting]) -> None:
    timed(copy(setting_of()), setting_of(), of="copy", images=0, bytes=COPIES * 2 * 4 * COPIED)


@pytest.mark.parametrize("side", [512, 1024, 2048])
def test_matrix_product(timed: Timer, setting_of: Callable[..., Setting], side: int) -> None:
    """The best of a few sizes is the arithmetic rate."""
    scale = 1 if setting_of().device.type == "cpu" else 4
    timed(product(setting_of(), side=scale * side), setting_of(), of="matrix product", images=0)


def test_bare_step(timed: Timer, setting_of: Callable[..., Setting]) -> None:
    setting = setting_of()
    bare = BareStep(setting)
    timed(bare, setting, of="bare step", images=setting.batch, counted=bare.counted)


@pytest.mark.parametrize("part", ["data", "forward", "backward", "optimiser"])
def test_part(timed: Timer, setting_of: Callable[..., Setting], part: str) -> None:
    setting = setting_of()
    bare, cut = BareStep(setting), patches(setting, needs=frozenset(NEEDS) - {"noisy2"})
    bare()
    work = {
        "data": lambda: cut(1),
        "forward": bare.forward,
        "backward": bare.backward,
        "optimiser": bare.update,
    }
    prepare = bare.forward_again if part == "backward" else None
    timed(work[part], setting, of="part", images=setting.batch, prepare=prepare, part=part)


@pytest.mark.parametrize("spec", STEPS)
def test_training_step(timed: Timer, setting_of: Callable[..., Setting], spec: str) -> None:
    setting = setting_of(STEPS[spec].precision)
    step = TrainingStep(STEPS[spec], setting)
    timed(step, setting, of="training step", images=setting.batch, counted=step.counted, method=spec)


@pytest.mark.parametrize("spec", TRAINED)
def test_inference(timed: Timer, setting_of: Callable[..., Setting], spec: str) -> None:
    timed(
        inference(TRAINED[spec], setting_of(), side=SIDE),
        setting_of(),
        of="inference",
        images=1,
        method=spec,
        side=SIDE,
    )


@pytest.mark.parametrize("batch", BATCHES)
def test_batch(timed: Timer, setting_of: Callable[..., Setting], batch: int) -> None:
    setting = setting_of(batch=batch)
    timed(BareStep(setting), setting, of="batch", images=batch)


@pytest.mark.parametrize("patch", PATCHES)
def test_patch(timed: Timer, setting_of: Callable[..., Setting], patch: int) -> None:
    setting = setting_of(patch=patch)
    timed(BareStep(setting), setting, of="patch", images=setting.batch)
