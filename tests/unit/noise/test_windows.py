"""Windows that represent a large image."""

from __future__ import annotations

import numpy as np

from bench.noise.windows import ACROSS, GRID, SIDE, windows_of


def test_an_image_of_ordinary_size_is_returned_as_it_is():
    image = np.zeros((ACROSS * SIDE, 30, 1))
    assert windows_of(image) is image


def test_windows_start_on_the_grid_and_reach_both_ends_of_a_large_image():
    height, width = ACROSS * SIDE + 700, 20
    rows = np.broadcast_to(np.arange(height)[:, None, None], (height, width, 1))
    found = windows_of(rows)
    assert found.shape == (ACROSS * SIDE, width, 1)
    starts = found[::SIDE, 0, 0]
    assert starts[0] == 0
    assert height - GRID < starts[-1] + SIDE <= height
    assert not (starts % GRID).any()
    np.testing.assert_array_equal(found[:, 0, 0] - np.repeat(starts, SIDE), np.tile(np.arange(SIDE), ACROSS))
