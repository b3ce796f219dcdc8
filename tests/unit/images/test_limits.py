"""The limits allow what people have, and leave Pillow's own limit behind."""

from PIL import Image

from bench.images.limits import LARGEST_FILE, LARGEST_IMAGE, LARGEST_TIFF, MOST_ENTRIES, MOST_PAGES


def test_an_image_of_100_megapixels_and_a_stack_of_thousands_of_camera_frames_are_allowed():
    assert LARGEST_IMAGE > 100e6
    assert MOST_PAGES > 10_000
    assert LARGEST_TIFF > 5_000 * 2048**2 * 2
    assert MOST_ENTRIES >= 20 * MOST_PAGES


def test_a_file_that_is_read_whole_holds_the_largest_image_of_8_bits():
    assert LARGEST_FILE > 3 * LARGEST_IMAGE


def test_pillow_refuses_no_image_that_is_within_the_limit():
    assert 2 * Image.MAX_IMAGE_PIXELS > LARGEST_IMAGE
