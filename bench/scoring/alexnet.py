"""The weights of AlexNet's convolutions, on which LPIPS is built: found, checked or downloaded."""

from __future__ import annotations

import hashlib
import io
import socket
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load
from torchvision.models import AlexNet_Weights  # type: ignore[import-untyped]

from bench.errors import InputError
from bench.images.sources import named_data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

FILE = Path("lpips", "alexnet-features.safetensors")
"""In the folder of the image sets; it holds the ten tensors of ``SHAPES``, float32, and nothing else."""

SHA256 = "9f97fd313f4da83dbe6bbfbe6effca1241de9edfcd7c53386261ed9697286dd9"
"""Of that file, as ``safetensors.torch.save_file`` writes it."""

KERNELS: dict[int, tuple[int, ...]] = {
    0: (64, 3, 11, 11),
    3: (192, 64, 5, 5),
    6: (384, 192, 3, 3),
    8: (256, 384, 3, 3),
    10: (256, 256, 3, 3),
}
SHAPES = {f"features.{layer}.weight": kernel for layer, kernel in KERNELS.items()}
SHAPES |= {f"features.{layer}.bias": kernel[:1] for layer, kernel in KERNELS.items()}
"""Of the weights and biases, by their names in torchvision."""

WEIGHTS = AlexNet_Weights.IMAGENET1K_V1
DOWNLOAD_TIMEOUT_S = 5.0


class LpipsUnavailable(RuntimeError):  # noqa: N818 - a state of the machine rather than an error
    """LPIPS cannot be computed on this machine; the message gives the reason."""


def load_convolutions(data: Path | None = None, *, download: bool) -> dict[str, Tensor]:
    """Load the ImageNet weights of AlexNet's convolutions.

    They are looked for in the data folder, then where torchvision keeps its download, then downloaded.

    Args:
        data: folder of the image sets; without it, the one that NOISEBENCH_DATA names.
        download: whether to download them (233 MB) where they are not on this machine.

    Returns:
        The tensors of ``SHAPES``, float32.

    Raises:
        InputError: the file in the data folder is not the one expected, or cannot be read.
        LpipsUnavailable: the weights are not on this machine, and may not or cannot be downloaded.
    """
    folder = named_data_folder(data)
    if folder is not None and (folder / FILE).is_file():
        return _read(folder / FILE)
    if not download and not _torchvision_file().is_file():
        raise LpipsUnavailable(
            f"the weights of AlexNet are neither in the data folder ({FILE.as_posix()}) nor in torchvision's "
            "cache; --lpips True downloads them"
        )
    return _load_from_torchvision()


def _read(file: Path) -> dict[str, Tensor]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"AlexNet's weights {file} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise InputError(
            f"{file} does not hold the weights of AlexNet's convolutions: its sha256 is {found[:12]}, "
            f"expected {SHA256[:12]}. Another file or a damaged copy; replace it, remove it, or say "
            "--lpips False."
        )
    return load(content)


def _torchvision_file() -> Path:
    return Path(torch.hub.get_dir(), "checkpoints", Path(WEIGHTS.url).name)


def _load_from_torchvision() -> dict[str, Tensor]:
    try:
        with _download_timeout(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            # Loaded here, because the lpips package would unpickle the file and run the code in it.
            state = WEIGHTS.get_state_dict(progress=False, check_hash=True, weights_only=True)
        return _checked({name: state[name] for name in SHAPES})
    except (OSError, HTTPException, RuntimeError, EOFError, UnpicklingError, KeyError, TypeError) as error:
        raise LpipsUnavailable(
            f"the ImageNet weights of AlexNet ({WEIGHTS.url}) are not available: {error}"
        ) from error


def _checked(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    for name, shape in SHAPES.items():
        if found[name] != shape:
            raise TypeError(f"{name} has the shape {found[name]}, expected {shape}")
    return weights


@contextmanager
def _download_timeout() -> Iterator[None]:
    # torch hub sets no time limit: behind a firewall that drops packets it would hang for minutes.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
