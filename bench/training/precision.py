"""The arithmetic of a training run: float32 without TF32, or bfloat16 if method and device support it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from bench.errors import InputError
from bench.system.devices import available_devices
from bench.training.bfloat16 import bfloat16_faults

if TYPE_CHECKING:
    from torch import Tensor

    from bench.method import Network
    from bench.settings import Precision


def resolve_precision(
    wanted: Literal["auto", "float32", "bfloat16"], *, lowest: Precision, device: torch.device
) -> Precision:
    """Choose the precision of a run.

    Args:
        wanted: ``auto`` chooses bfloat16 if the method is stable in it and the device supports it in
            hardware, computes it correctly and is not slower in it.
        lowest: lowest precision in which the method is stable.
        device: the device on which the run trains.

    Raises:
        InputError: bfloat16 is requested, but the method needs float32, or the device computes it wrongly.
    """
    if wanted == "auto":
        usable = lowest == "bfloat16" and has_bfloat16(device) and not any(bfloat16_faults(device))
        return "bfloat16" if usable else "float32"
    if wanted == "bfloat16" and lowest == "float32":
        raise InputError("precision 'bfloat16' is too low for a method that needs float32; use auto")
    if str(device) in available_devices():  # those of a cluster are checked when a run starts on them
        require_precision(wanted, device)
    return wanted


def require_precision(precision: Precision, device: torch.device) -> None:
    """Check that a device computes convolutions correctly in a precision.

    Raises:
        InputError: it does not.
    """
    if precision == "bfloat16" and (wrong := bfloat16_faults(device).wrong):
        raise InputError(f"precision 'bfloat16' does not work here: its convolutions {wrong}; use float32")


def rejection_note(
    wanted: Literal["auto", "float32", "bfloat16"], *, lowest: Precision, device: torch.device
) -> str:
    """Return why ``auto`` rejected the bfloat16 that method and device support; empty if it did not.

    Args:
        wanted: as for ``resolve_precision``.
        lowest: likewise.
        device: likewise.
    """
    if wanted != "auto" or lowest != "bfloat16" or not has_bfloat16(device):
        return ""
    faults = bfloat16_faults(device)
    return f"precision float32: bfloat16 convolutions {faults.wrong or faults.slow}" if any(faults) else ""


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


def in_precision(net: Network, precision: Precision, device: torch.device) -> Network:
    """Wrap a network so that only it computes in ``precision``; its input and output stay float32."""

    def network(image: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            result: Tensor = net(image.contiguous(memory_format=torch.channels_last))
        return result

    return network
