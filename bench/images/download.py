"""Download files from pinned addresses into a cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pooch
from tqdm.contrib.concurrent import thread_map

if TYPE_CHECKING:
    from collections.abc import Mapping

PARALLEL = 8
TIMEOUT = 30
"""Seconds without an answer after which a server counts as unreachable."""


def download(urls: Mapping[str, str], *, folder: str) -> dict[str, Path]:
    """Download files that the user's cache does not contain.

    The content of a pinned address never changes, so a cached file is used without asking the server.

    Args:
        urls: file name -> address, at least one.
        folder: name of their folder in the cache.

    Returns:
        File name -> downloaded file.

    Raises:
        OSError: a file cannot be downloaded or written.
    """
    cache = pooch.os_cache("noisebench") / folder
    # Pooch would print two lines about each file.
    pooch.get_logger().setLevel("WARNING")
    server = pooch.HTTPDownloader(timeout=TIMEOUT)

    def retrieve(url: str) -> Path:
        # Only the hash of the decoded pixels is known; it is checked when the file is opened.
        return Path(pooch.retrieve(url, known_hash=None, path=cache, downloader=server))

    # The first file alone: without a network, hundreds of parallel downloads would each wait for a timeout.
    retrieve(next(iter(urls.values())))
    bar = {"desc": f"Downloading {folder}", "disable": None, "leave": False}  # None: only on a terminal
    files = thread_map(retrieve, urls.values(), max_workers=PARALLEL, **bar)
    return dict(zip(urls, files, strict=True))
