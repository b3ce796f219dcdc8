"""OpenCV has the same limit as the rest."""

import os
import subprocess
import sys

import pytest

from bench.images.limits import LARGEST_IMAGE
from tests.support import forged_images as forged

TOO_WIDE = 11_586  # its square is just above LARGEST_IMAGE
FILES = {
    "webp": forged.webp(TOO_WIDE, TOO_WIDE),
    "tiff of floats": forged.tiff(TOO_WIDE, TOO_WIDE, bits=32, kind=3),
}
OPENCV_ALONE = """
import sys
import bench
import cv2
import numpy as np
try:
    cv2.imdecode(np.frombuffer(sys.stdin.buffer.read(), np.uint8), cv2.IMREAD_UNCHANGED)
except cv2.error as error:
    print(error.err)
"""


@pytest.mark.parametrize("case", FILES)
def test_opencv_has_the_same_limit(case):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENCV_")}
    done = subprocess.run(
        [sys.executable, "-c", OPENCV_ALONE],
        input=FILES[case],
        capture_output=True,
        env=environment,
        check=True,
    )
    assert b"CV_IO_MAX_IMAGE_PIXELS" in done.stdout
    assert os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] == str(LARGEST_IMAGE)
