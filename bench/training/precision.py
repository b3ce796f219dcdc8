"""The arithmetic of a training run: float32 without TF32, or bfloat16 if method and device allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from bench.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Network
    from bench.settings import Precision
    from bench.training.unet import UNet


def resolve_precision(
    wanted: Literal["auto", "float32", "bfloat16"], *, lowest: Precision, device: torch.device
) -> Precision:
    """Choose the precision of a run.

    Args:
        wanted: ``auto`` chooses bfloat16 if the method is stable in it and the device supports it in
            hardware.
        lowest: lowest precision in which the method is stable.
        device: the device on which the run trains.

    Raises:
        InputError: bfloat16 is requested, but the method needs float32.
    """
    if wanted == "auto":
        return "bfloat16" if lowest == "bfloat16" and has_bfloat16(device) else "float32"
    if wanted == "bfloat16" and lowest == "float32":
        raise InputError("precision 'bfloat16' is too low for a method that needs float32; use auto")
    return wanted


def has_bfloat16(device: torch.device) -> bool:
    """Check whether a device computes convolutions in bfloat16 without emulating it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001 - torch has no public name
    return False


def disable_tf32() -> None:
    """Disable TF32, so that CUDA computes float32 in float32."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def in_precision(net: UNet, precision: Precision, device: torch.device) -> Network:
    """Wrap a network so that only it computes in ``precision``; its input and output stay float32."""

    def network(image: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            result: Tensor = net(image.contiguous(memory_format=torch.channels_last))
        return result

    return network
