"""The values of patches are intensities, whatever the types of the images."""

from __future__ import annotations

import numpy as np
import torch

from bench.images.clean_image import CleanImage, intensities
from bench.images.image_set import ImageSet
from bench.images.intensity_scale import IntensityScale
from bench.noise import Gaussian
from bench.training.patches import Patches, Sampling

SAMPLING = Sampling(steps=4, batch=8, patch=20, seed=0)


def test_images_of_other_types_are_cut_as_intensities() -> None:
    rng = np.random.default_rng(0)
    deep = CleanImage("a", rng.integers(100, 4000, (20, 20, 1), np.uint16), IntensityScale(100, 4195))
    plain = CleanImage("b", rng.integers(0, 256, (20, 20, 1), np.uint8))
    images = ImageSet("mixed", (deep, plain), 1, "", ())
    patches = Patches(
        images, Gaussian(25), needs=frozenset({"clean"}), sampling=SAMPLING, device=torch.device("cpu")
    )
    for step, places in enumerate(patches.places.numpy()):
        for patch, (image, *_) in zip(patches(step).clean, places, strict=True):
            # A patch of the size of its image holds all its values.
            expected = intensities(images.images[image])
            np.testing.assert_array_equal(np.sort(patch.numpy(), axis=None), np.sort(expected, axis=None))
