"""Limits on image files, against small files that would take much time or memory."""

from __future__ import annotations

LARGEST_FILE = 2**29
"""Largest size of an image file, in bytes."""

LARGEST_IMAGE = 2**27
"""Largest number of pixels of an image, including the padding of its tiles."""

MOST_SCANS = 500
"""Largest number of scans of a progressive JPEG; a scan of 11 bytes can decode the whole image again."""
