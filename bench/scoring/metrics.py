"""Metrics of denoised images against clean ones, one value per image; averaging happens elsewhere."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import lpips
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from bench.errors import InputError
from bench.scoring.alexnet import load_convolutions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

WINDOW_RADIUS = 5  # torchmetrics and scikit-image both truncate a Gaussian of sigma 1.5 to 11 pixels
ALEXNET_SMALLEST = 31


def psnr(denoised: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, with peak 1.

    Args:
        denoised: (B, C, H, W), intensities in [0, 1], not clipped here.
        clean: the same shape.

    Returns:
        (B,) in dB, float64; infinite if the two images are equal.

    Raises:
        InputError: the shapes differ, or the images are not floating point.
    """
    denoised, clean = _checked(denoised, clean, smallest=1)
    return -10 * torch.log10((denoised.double() - clean.double()).square().mean(dim=(1, 2, 3)))


def ssim(denoised: Tensor, clean: Tensor) -> Tensor:
    """Structural similarity of each image (Wang et al. 2004).

    11x11 Gaussian window, sigma 1.5, K1 0.01, K2 0.03, data range 1, mean over channels and over the
    pixels whose window is inside the image.

    Args:
        denoised: (B, C, H, W), intensities in [0, 1], at least 11 pixels high and wide, not clipped here.
        clean: the same shape.

    Returns:
        (B,), float64.

    Raises:
        InputError: the shapes differ, or the images are not floating point or smaller than the window.
    """
    # float64 would take 20 times as long, and change no score by more than 4e-5.
    first, second = (image.float() for image in _checked(denoised, clean, smallest=2 * WINDOW_RADIUS + 1))
    _, similarity = structural_similarity_index_measure(
        first, second, sigma=1.5, reduction="none", data_range=1.0, k1=0.01, k2=0.03, return_full_image=True
    )
    # torchmetrics' own mean includes the reflected border, which scikit-image and Wang's code exclude.
    inside = similarity[:, :, WINDOW_RADIUS:-WINDOW_RADIUS, WINDOW_RADIUS:-WINDOW_RADIUS]
    return inside.double().mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class Lpips:
    """LPIPS 0.1 on AlexNet (Zhang et al. 2018): a distance, so lower is better.

    Args:
        net: the ``lpips`` package's network.
        device: the device on which it computes.
    """

    net: nn.Module
    device: torch.device

    def __post_init__(self) -> None:
        self.net.to(self.device, self._dtype).requires_grad_(False)

    @property
    def _dtype(self) -> torch.dtype:
        # In float64 TF32 cannot make a GPU differ. On a CPU float32 takes a fifth of the time, and changes no
        # distance by more than 1e-6.
        return torch.float64 if self.device.type == "cuda" else torch.float32

    @torch.no_grad()
    def __call__(self, denoised: Tensor, clean: Tensor) -> Tensor:
        """Compute the distance of each image.

        Args:
            denoised: (B, C, H, W), C 1 or 3, intensities in [0, 1], at least 31 pixels high and wide.
            clean: the same shape.

        Returns:
            (B,), float64, on this metric's device.

        Raises:
            InputError: the shapes differ, the images are not floating point, too small for
                AlexNet, or neither grey nor RGB.
        """
        pair = _checked(denoised, clean, smallest=ALEXNET_SMALLEST)
        if denoised.shape[1] not in (1, 3):
            raise InputError(f"LPIPS needs 1 or 3 channels, but the images have {denoised.shape[1]}")
        first, second = (2 * image.to(self.device, self._dtype).expand(-1, 3, -1, -1) - 1 for image in pair)
        distance: Tensor = self.net(first, second)
        return distance.flatten().double()


def load_lpips(device: torch.device, data: Path | None = None, *, download: bool) -> Lpips:
    """Build LPIPS on AlexNet's weights.

    Args:
        device: where it computes.
        data: as by ``load_convolutions``.
        download: as by ``load_convolutions``.

    Raises:
        InputError: as by ``load_convolutions``.
        LpipsUnavailable: as by ``load_convolutions``.
    """
    return Lpips(_lpips_on(load_convolutions(data, download=download)), device)


def too_small_for_lpips(sizes: Mapping[str, tuple[int, int]]) -> str:
    """Describe the images that are too small for AlexNet; the empty string if there are none.

    Args:
        sizes: height and width of each image of a set, by name.
    """
    small = [
        f"{name} ({height}x{width})"
        for name, (height, width) in sizes.items()
        if not fits_alexnet(height, width)
    ]
    if not small:
        return ""
    more = f" and {len(small) - 3} more" if len(small) > 3 else ""
    return (
        f"not computed for {len(small)} of {len(sizes)} images, which are smaller than {ALEXNET_SMALLEST} "
        f"pixels a side (height x width): {', '.join(small[:3])}{more}"
    )


def fits_alexnet(height: int, width: int) -> bool:
    """Check whether AlexNet can take an image of this size."""
    return min(height, width) >= ALEXNET_SMALLEST


def _lpips_on(state: Mapping[str, Tensor]) -> nn.Module:
    """Build the lpips package's network with AlexNet's weights, as the package itself does."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*(pretrained|weight enum)", category=UserWarning)
        net: nn.Module = lpips.LPIPS(net="alex", version="0.1", verbose=False, pnet_rand=True)
    for part in net.get_submodule("net").children():
        part.load_state_dict({name: state[f"features.{name}"] for name in part.state_dict()})
    return net


def _checked(denoised: Tensor, clean: Tensor, *, smallest: int) -> tuple[Tensor, Tensor]:
    if denoised.ndim != 4 or denoised.shape != clean.shape:
        raise InputError(
            f"images need one shape (B, C, H, W), but are {tuple(denoised.shape)} and {tuple(clean.shape)}"
        )
    if not (denoised.is_floating_point() and clean.is_floating_point()):
        raise InputError(f"images need floating point, but are {denoised.dtype} and {clean.dtype}")
    if min(denoised.shape[2:]) < smallest:
        raise InputError(f"images need {smallest} pixels a side, but are {tuple(denoised.shape[2:])}")
    return denoised, clean
