"""Limits on image files, against small files that would take much time or memory."""

from __future__ import annotations

LARGEST_FILE = 2**29
"""Largest size of an image file that is read whole, in bytes."""

LARGEST_TIFF = 2**36
"""Largest size of a TIFF file, in bytes; its images are read one at a time."""

LARGEST_IMAGE = 2**27
"""Largest number of pixels of an image, or of a volume in one page, including the padding of its tiles."""

MOST_PAGES = 2**16
"""Largest number of images of a file."""

MOST_ENTRIES = 2**21
"""Largest number of entries in all directories of a TIFF together."""

MOST_SCANS = 500
"""Largest number of scans of a progressive JPEG; a scan of 11 bytes can decode the whole image again."""
