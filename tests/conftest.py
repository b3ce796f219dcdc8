"""Small images for the tests, generated and keyed, so that every run of the tests sees the same."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Processes that test side by side share the cores, as those that they start do; said before torch is loaded.
if processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // int(processes)))

import pytest
import torch
from PIL import Image

from bench.images.sources import open_set
from tests.support.images import photograph
from tests.support.runs import Tiny, make_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.images.image_set import ImageSet


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture
def photo_folders(tmp_path: Path) -> Callable[[int], tuple[Path, Path]]:
    """Return a function that writes PNG files of so many channels into a folder train and a folder test."""

    def write(channels: int) -> tuple[Path, Path]:
        shapes = {"train": [(72, 64), (70, 80), (64, 64)], "test": [(45, 52), (33, 64)]}
        for number, (name, sizes) in enumerate(shapes.items()):
            (tmp_path / name).mkdir()
            for index, (height, width) in enumerate(sizes):
                pixels = photograph(height, width, channels, seed=10 * number + index)
                Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")
        return tmp_path / "train", tmp_path / "test"

    return write


@pytest.fixture
def tiny_set(photo_folders: Callable[[int], tuple[Path, Path]]) -> Callable[[int], ImageSet]:
    """Return a function that makes a set of three small images of different sizes, with so many channels."""
    return lambda channels: open_set(str(photo_folders(channels)[0]), channels=channels)


@pytest.fixture
def tiny(photo_folders: Callable[[int], tuple[Path, Path]], tmp_path: Path) -> Tiny:
    """Make a grid of one short training run on small grey images."""
    return make_tiny(photo_folders(1), tmp_path / "runs", channels=1)
