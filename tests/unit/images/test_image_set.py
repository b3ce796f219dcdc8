"""Image sets: their names, order, fingerprints, and what two sets may not share."""

import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import CleanImage
from bench.images.image_set import ImageSet, build_set, require_disjoint, require_patch

COLOUR = np.random.default_rng(0).integers(0, 256, (14, 17, 3), dtype=np.uint8)


def save(path, pixels):
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(path)
    return path


@pytest.mark.parametrize(
    "name", ["", "..", "../a", "/a", "a//b", "a/../../b", "a/./b", "a\0", "a\nb", "a\\b", "a/"]
)
def test_an_unsafe_set_name_is_refused(name):
    with pytest.raises(InputError, match="image set '"):
        image_set(name, CleanImage("a", COLOUR.copy()))


@pytest.mark.parametrize("name", ["photos", "someone/photos@refs/convert/parquet:train[:10%]", "Küste 3"])
def test_other_set_names_are_accepted(name):
    assert image_set(name, CleanImage("a", COLOUR.copy())).name == name


def image_set(name, *images):
    return ImageSet(name, images, 3, "none", ())


def test_fingerprint_of_a_set_depends_on_the_order_but_not_on_names():
    a, b = CleanImage("a", COLOUR.copy()), CleanImage("b", COLOUR[::-1].copy())
    renamed = CleanImage("z", COLOUR.copy())
    assert image_set("s", a, b).fingerprint == image_set("t", renamed, b).fingerprint
    assert image_set("s", a, b).fingerprint != image_set("s", b, a).fingerprint


def test_identical_images_are_refused_by_name(tmp_path):
    files = {name: save(tmp_path / name, COLOUR) for name in ("one.png", "two.bmp")}
    with pytest.raises(InputError, match=r"'set'.*one\.png and two\.bmp have identical pixels"):
        build_set("set", files, channels=3, licence="none")


def test_empty_set_is_refused():
    with pytest.raises(InputError, match="'set' is empty"):
        build_set("set", {}, channels=3, licence="none")


def test_set_keeps_order_and_collects_notes(tmp_path):
    files = {
        "z.png": save(tmp_path / "z.png", np.dstack([COLOUR, np.full(COLOUR.shape[:2], 255, np.uint8)])),
        "a.tif": save(tmp_path / "a.tif", Image.fromarray(COLOUR[::-1].copy()).convert("CMYK")),
    }
    built = build_set("set", files, channels=3, licence="CC0", notes=("first",))
    assert [image.name for image in built] == ["z.png", "a.tif"]
    assert built.notes == (
        "first",
        "z.png: fully opaque alpha channel dropped",
        "a.tif: CMYK converted to RGB",
    )
    assert (built.channels, built.licence) == (3, "CC0")


def test_patch_has_to_fit_into_every_image():
    images = image_set(
        "s", CleanImage("big", np.zeros((40, 40, 3), np.uint8)), CleanImage("small", COLOUR.copy())
    )
    require_patch(images, 14, method="sure")
    with pytest.raises(InputError, match=r"small is 14x17 pixels.*15x15 that sure needs"):
        require_patch(images, 15, method="sure")


def test_an_image_in_both_sets_is_found_under_another_name():
    own = CleanImage("own", COLOUR[:, ::-1].copy())
    train = image_set("train", own, CleanImage("a", COLOUR.copy()))
    test = image_set("test", CleanImage("b", COLOUR.copy()), CleanImage("c", COLOUR[::-1].copy()))
    with pytest.raises(InputError, match=r"'train' and test set 'test' share 1 image.*a = b;"):
        require_disjoint(train, test)
    require_disjoint(image_set("train", own), test)


def test_a_set_is_iterated_in_order():
    a, b = CleanImage("a", COLOUR.copy()), CleanImage("b", COLOUR[::-1].copy())
    assert list(image_set("s", b, a)) == [b, a]
    assert len(image_set("s", b, a)) == 2
