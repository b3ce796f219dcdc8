"""PSNR and SSIM against deepinv's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bench.scoring.metrics import WINDOW_RADIUS, psnr, ssim


def pair_at(decibels: float, channels: int = 3) -> tuple[Tensor, Tensor]:
    """Make a clean batch and one that differs from it by noise of about this PSNR, float64."""
    rng = torch.Generator().manual_seed(9)
    clean = torch.rand((2, channels, 40, 48), generator=rng, dtype=torch.float64)
    error = torch.randn(clean.shape, generator=rng, dtype=torch.float64)
    return clean + 10 ** (-decibels / 20) * error, clean


@pytest.mark.parametrize("decibels", [5, 20, 30, 40])
def test_psnr_is_theirs(deepinv, decibels: float):
    """Image by image, within .001 dB, which is what 1e-8 weighs against 40 dB."""
    denoised, clean = pair_at(decibels)
    theirs = deepinv.loss.metric.PSNR()(denoised, clean)
    torch.testing.assert_close(psnr(denoised, clean), theirs, rtol=0, atol=1e-3)
    assert theirs.shape == (2,)


def test_departs_psnr_is_capped(deepinv):
    """deepinv adds 1e-8 to the squared error, so 80 dB is its greatest PSNR and 60 dB are 59.96.

    Ours adds nothing; equal images have an infinite PSNR. Fails when deepinv drops the 1e-8.
    """
    denoised, clean = pair_at(60)
    ours, theirs = psnr(denoised, clean), deepinv.loss.metric.PSNR()(denoised, clean)
    torch.testing.assert_close(theirs, -10 * torch.log10(10 ** (-ours / 10) + 1e-8), rtol=1e-9, atol=0)
    assert ((ours - theirs) > 0.03).all()
    assert (deepinv.loss.metric.PSNR()(clean, clean) == 80).all()
    assert (psnr(clean, clean) == torch.inf).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("decibels", [20, 30])
def test_ssim_inside_the_border_is_theirs(deepinv, decibels: float, channels: int):
    """Where all is equal within two window radii of the border, deepinv's counts the border as 1."""
    denoised, clean = (image.float() for image in pair_at(decibels, channels))
    inner = (..., *(slice(2 * WINDOW_RADIUS, -2 * WINDOW_RADIUS),) * 2)
    patched = clean.clone()
    patched[inner] = denoised[inner]
    inside = (40 - 2 * WINDOW_RADIUS) * (48 - 2 * WINDOW_RADIUS) / (40 * 48)
    theirs = deepinv.loss.metric.SSIM()(patched, clean).double()
    torch.testing.assert_close(inside * ssim(patched, clean) + 1 - inside, theirs, rtol=0, atol=1e-5)


def test_departs_ssim_counts_the_border(deepinv):
    """deepinv takes torchmetrics' mean, over windows that reach into a reflected border, too.

    Ours leaves those out, like Wang et al.'s code and scikit-image. Fails when deepinv (or torchmetrics)
    leaves them out.
    """
    _, clean = pair_at(20)
    spoilt = clean.clone()
    spoilt[:, :, 0] = 1 - spoilt[:, :, 0]
    ours, theirs = ssim(spoilt, clean), deepinv.loss.metric.SSIM()(spoilt, clean)
    assert ((ours - theirs) > 0.01).all()
