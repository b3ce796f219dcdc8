"""Made-up weights of AlexNet's convolutions, in a file as LPIPS looks for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from bench.scoring.alexnet import FILE, SHAPES

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def made_up_weights(value: float) -> dict[str, torch.Tensor]:
    """Make weights that are all equal."""
    return {name: torch.full(shape, value) for name, shape in SHAPES.items()}


def write_weights(folder: Path, value: float, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write such weights into a data folder, make their file the one that is expected, and return it."""
    file = folder / FILE
    file.parent.mkdir(parents=True)
    save_file(made_up_weights(value), file)
    monkeypatch.setattr("bench.scoring.alexnet.SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file
