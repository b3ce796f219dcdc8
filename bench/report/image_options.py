"""The test images that a report shows, and the folders from which it may open them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.images.registry import REGISTRY
from bench.images.sources import open_set
from bench.report.denoised_images import shown_images

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from bench.analysis.columns import Setup
    from bench.images.image_set import ImageSet
    from bench.report.denoised_images import ShownImage

DEFAULT_COUNT = 3


@dataclass(frozen=True)
class ImageOptions:
    """The choice of test images that a report shows.

    Args:
        count: maximum number of images per noise and test set.
        data: the folder with the image sets.
        test: test sets, each a folder or ``hub:OWNER/NAME``; those of ``REGISTRY`` need not be named.
    """

    count: int = DEFAULT_COUNT
    data: Path | None = None
    test: tuple[str, ...] = ()


def images_by_setup(
    parts: dict[Setup, pd.DataFrame], runs: Path, options: ImageOptions
) -> tuple[dict[Setup, list[ShownImage]], list[str]]:
    """Collect the images to show, by setup.

    Args:
        parts: scores by setup, one line per run and test image.
        runs: folder of the runs.
        options: the choice of images.

    Returns:
        The images, and the reasons why some are missing.
    """
    shown, missing = {}, []
    for setup, scores in parts.items():
        try:
            open_images = _opener(options, setup.channels)
            shown[setup] = shown_images(scores, runs, open_images, count=options.count)
        except InputError as error:
            missing.append(str(error))
    if options.count and not any(shown.values()) and not missing:
        missing.append(f"{str(runs)!r} holds no images: only the runs themselves keep them")
    return shown, list(dict.fromkeys(missing))


def _opener(options: ImageOptions, channels: int) -> Callable[[str], ImageSet]:
    """Open registered sets and sets that the user named; runs from others cannot open a folder."""

    @cache
    def opened(spec: str) -> ImageSet:
        return open_set(spec, channels=channels, data=options.data)

    def by_name(name: str) -> ImageSet:
        named = {images.name: images for images in map(opened, options.test)}
        if name not in named and name not in REGISTRY:
            raise InputError(f"the folder of the image set {name!r} is not known here; name it by --test")
        return named.get(name) or opened(name)

    return by_name
