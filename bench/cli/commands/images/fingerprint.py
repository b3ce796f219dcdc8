"""The command ``noisebench fingerprint``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.cli.console import open_console, print_line
from bench.images.sources import open_set, write_manifest

if TYPE_CHECKING:
    from bench.cli.options.images import FingerprintOptions


def fingerprint(options: FingerprintOptions) -> None:
    """Write the fingerprint of each image in a folder, and print that of the set."""
    images = open_set(str(options.folder.resolve()), channels=options.channels)
    write_manifest(images, options.out)
    print_line(open_console(), f"{len(images.images)} images, set fingerprint {images.fingerprint}")
