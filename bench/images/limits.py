"""How much of an image file is taken in: bounds that a small hostile file cannot pass."""

from __future__ import annotations

LARGEST_FILE = 2**29
"""Bytes of an image file."""

LARGEST_IMAGE = 2**27
"""Pixels of an image, the padding of its tiles included."""

MOST_SCANS = 500
"""Passes over a progressive JPEG, each of which may take 11 bytes and decode the whole image."""
