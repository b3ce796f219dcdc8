"""Tiles: the crop, its encoding and the scale of errors."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from bench.report.image_tiles import SIDE, STEP, as_data, busiest, cut_tiles, error_peak
from tests.support.methods.noises import LEVELS

rng = np.random.default_rng


@pytest.mark.parametrize("side", [7, 8])
def test_the_crop_has_the_largest_spread_of_slopes_of_all(side):
    clean = rng(1).random((21, 26, 1))
    slope = ndimage.gaussian_gradient_magnitude(clean[..., 0], sigma=2)
    windows = np.lib.stride_tricks.sliding_window_view(slope, (side, side))
    top, left = np.unravel_index(windows.var(axis=(2, 3)).argmax(), windows.shape[:2])
    assert busiest(clean, side=side) == (slice(top, top + side), slice(left, left + side))


def test_the_crop_shows_the_edge_of_a_flat_image():
    clean = np.zeros((60, 80, 1))
    clean[30:, 50:] = 1  # a corner of an edge, flat elsewhere
    rows, columns = busiest(clean, side=20)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (20, 20)
    assert rows.start <= 30 < rows.stop or columns.start <= 50 < columns.stop
    assert clean[rows, columns].std() > 0


def test_the_crop_stays_inside_and_small_images_are_whole():
    for corner in [(0, 0), (40, 60)]:
        clean = np.zeros((60, 80, 1))
        clean[corner[0] : corner[0] + 20 : 2, corner[1] : corner[1] + 20] = 1
        rows, columns = busiest(clean, side=20)
        assert 0 <= rows.start <= 40
        assert 0 <= columns.start <= 60
        assert abs(rows.start - corner[0]) < 20
        assert abs(columns.start - corner[1]) < 20
    assert busiest(clean, side=SIDE) == (slice(0, 60), slice(0, 80))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_recovered_from_their_data(channels):
    pixels = rng(0).uniform(-0.2, 1.2, (9, 7, channels))
    header, _, content = as_data(pixels).partition(",")
    assert header == "data:image/png;base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))).reshape(pixels.shape)
    assert np.abs(shown / 255 - pixels.clip(0, 1)).max() <= 0.5 / 255 + 1e-9


def test_all_tiles_show_one_crop_and_errors_share_a_scale(make_image):
    noise = LEVELS["gaussian"]
    shown = make_image(noise, lambda bare: np.clip(bare.clean + 0.13, 0, 1))
    tiles = {tile.name: tile for tile in cut_tiles(shown, ["one"]).tiles}
    assert list(tiles) == ["clean", "noisy", "one"]
    assert tiles["noisy"].psnr == shown.image.scores["noisy_psnr"]
    assert (tiles["one"].psnr, tiles["one"].ssim) == (30.0, 0.9)
    assert (
        cut_tiles(shown, ["one"], "noisy").selected == "one"
    )  # the last, for what was not denoised is no pick
    two = replace(shown, denoised=shown.denoised | {"two": shown.denoised["one"]})
    assert cut_tiles(two, ["one", "two"], "one").selected == "one"
    assert cut_tiles(two, ["one", "two"]).selected == "two"
    assert error_peak([shown]) == pytest.approx(0.15)  # the next multiple of STEP
    assert STEP == 0.05
