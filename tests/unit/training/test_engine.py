"""Engines: which one a device has, and what a compiled step learns."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import torch

from bench.errors import InputError
from bench.training.engine import resolve_engine
from tests.support.stepping import CPU, CUDA, METHODS, patches_of, share_of_the_way, stepped

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.images.image_set import ImageSet


COMPILERS = ("cc", "gcc", "clang")


def test_engines_other_than_eager_need_cuda() -> None:
    assert resolve_engine("auto", CPU) == resolve_engine("eager", CPU) == "eager"
    assert resolve_engine("auto", CUDA) == "graph"
    for engine in ("eager", "graph", "compile"):
        assert resolve_engine(engine, CUDA) == engine
    for engine in ("graph", "compile"):
        for device in (CPU, torch.device("mps")):
            with pytest.raises(InputError, match=f"'{engine}' needs a CUDA device, not '{device.type}'"):
                resolve_engine(engine, device)


@pytest.mark.gpu
@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason=f"none of {COMPILERS} is there")
@pytest.mark.filterwarnings("default")  # what the compiler warns of is its own affair
def test_a_compiled_step_learns_as_the_eager_one(tiny_set: Callable[[int], ImageSet]) -> None:
    method = METHODS["supervised"]
    patches = patches_of(tiny_set(1), method, steps=40, device=CUDA)
    compiled, eager = (
        stepped(method, patches, device=CUDA, engine=engine) for engine in ("compile", "eager")
    )
    # Fused kernels round otherwise, and Adam's first steps follow the mere sign of a gradient.
    assert share_of_the_way(compiled, eager) < 0.1
