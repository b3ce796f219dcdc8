"""Directories of a TIFF: their number, and damaged or endless ones."""

import io
import struct

import numpy as np
import pytest

from bench.errors import InputError
from bench.images.formats.tiff_directories import MAGIC, require_bounded
from bench.images.limits import LARGEST_FILE, MOST_PAGES
from tests.support import forged_images as forged
from tests.support.tiffs import tiff_of


def count(content, size=None):
    return require_bounded(io.BytesIO(content), size=size or len(content), where="a.tif")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_directories_of_either_order_and_size_are_counted(order, big):
    pages = [np.zeros((4, 4), np.uint8)] * 3
    content = tiff_of(*pages, writer={"byteorder": order, "bigtiff": big})
    assert content.startswith(MAGIC)
    assert count(content) == 3


def test_a_circle_of_directories_is_refused():
    content = bytearray(forged.tiff(16, 16, pages=3))
    content[-4:] = content[4:8]
    with pytest.raises(InputError, match=r"a\.tif: truncated or damaged \(its directories form a circle"):
        count(bytes(content))


def test_too_many_pages_are_refused():
    content = forged.tiff(16, 16, pages=MOST_PAGES)
    assert count(content) == MOST_PAGES
    with pytest.raises(InputError, match=f"more than {MOST_PAGES} pages"):
        count(forged.tiff(16, 16, pages=MOST_PAGES + 1))


def test_a_tag_of_more_bytes_than_the_file_is_refused():
    content = bytearray(forged.tiff(16, 16))
    entry = content.index(struct.pack("<HHL", 273, 4, 1))
    content[entry : entry + 8] = struct.pack("<HHL", 273, 4, 2**30)
    for size in (len(content), 100 * LARGEST_FILE):
        with pytest.raises(InputError, match=rf"its directory claims {2**32 + 36} bytes"):
            count(bytes(content), size)


def test_an_endless_directory_is_not_read():
    with pytest.raises(InputError, match=r"its directory claims too many entries"):
        count(forged.big_tiff(2**40) + bytes(2**10))
