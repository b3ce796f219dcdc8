"""Bounds on image files, against small files that would take much time or memory."""

from __future__ import annotations

LARGEST_FILE = 2**29
"""Bytes of an image file."""

LARGEST_IMAGE = 2**27
"""Pixels of an image, including the padding of its tiles."""

MOST_SCANS = 500
"""Scans of a progressive JPEG, each of which may take 11 bytes and decodes the whole image."""
