"""What the tests of the report share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.output import figures
from bench.report.denoised_images import Denoised, ShownImage
from bench.scoring.noisy_sets import corrupt

if TYPE_CHECKING:
    from tests.support.runs import Tiny


@pytest.fixture
def make_image(tiny: Tiny):
    """Return a function of a noise and of how a method denoises the test image."""

    def make(noise, denoise) -> ShownImage:
        images = tiny.context.test_images[0].images[:1]
        image = corrupt(replace(tiny.context.test_images[0], images=images), noise, seed=0).images[0]
        bare = ShownImage(noise, "test", image, {})
        return replace(bare, denoised={"one": Denoised(denoise(bare), 30.0, 0.9)})

    return make


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Draw figures of few pixels, which takes less time."""
    monkeypatch.setattr(figures, "DOTS_PER_INCH", 20)


@pytest.fixture
def trained(tiny: Tiny) -> Tiny:
    assert tiny.launch(methods=("noise2void", "supervised")) == ["trained"] * 2
    return tiny
