"""The options of the commands that work on your own images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from bench.cli.options.shared import DEFAULT_STORE, Device, Folder, Paths, Runs, optional

Images = Annotated[Paths, tyro.conf.arg(metavar="IMAGE ...")]
Level = Annotated[float | None, optional("VALUE", default="from the file's metadata, else its data")]


@dataclass(frozen=True)
class DenoiseOptions:
    """Denoise your own images, of any size, with a trained run; format, type and metadata are kept.

    Prints the black and white level of each file, and a warning if the noise of an image differs from the
    noise that the run was trained on, is correlated or saturated, or does not show enough. Files are
    read, denoised and written one after another; one that cannot be read does not stop the others.

    Args:
        run: its key, the start of its key, or its folder
        images: image files, folders of them or patterns such as 'scan*.tif', grey or colour as the run
        out: folder for the denoised images
        black: value in the files that is black, such as the offset of a camera
        white: value in the files that is white
        strict: exit with code 2 if there was a warning; every file is written nevertheless
        device: device to compute on
        runs: folder of the stored runs
    """

    run: Annotated[Positional[str], tyro.conf.arg(metavar="RUN")]
    images: Images
    out: Folder
    black: Level = None
    white: Level = None
    strict: bool = False
    device: Device = "auto"
    runs: Runs = DEFAULT_STORE


@dataclass(frozen=True)
class EstimateOptions:
    """Estimate the noise model and the noise level of each of your own images.

    Args:
        images: image files or folders of at least 16x16 pixels; the noise model needs 64x64 and some contrast
        black: value in the files that is black, such as the offset of a camera
        white: value in the files that is white
        strict: exit with code 2 if there was a warning
    """

    images: Images
    black: Level = None
    white: Level = None
    strict: bool = False


@dataclass(frozen=True)
class FingerprintOptions:
    """Write the fingerprints of the images in a folder, which identify an image set by its pixels.

    Args:
        folder: folder of images
        channels: 1 for grey images, 3 for colour
        out: CSV file for the image names and the sha256 of their decoded pixels
    """

    folder: Annotated[Positional[Path], tyro.conf.arg(metavar="FOLDER")]
    out: Annotated[Path, tyro.conf.arg(metavar="CSV")]
    channels: Literal[1, 3] = 1
