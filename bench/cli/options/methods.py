"""The options of the commands that list, write, check and time methods."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from bench.cli.options.shared import (
    DEFAULT_STORE,
    Device,
    Engine,
    Folder,
    Precision,
    optional,
    require_known,
)
from bench.discovery import listings

DEFAULT_PROFILE = DEFAULT_STORE / "profile"
Name = Annotated[Positional[str], tyro.conf.arg(metavar="NAME")]


@dataclass(frozen=True)
class ListOptions:
    """List methods, noise models, image sets and recipes.

    Args:
        what: what to list
    """

    what: Positional[Literal["all", "methods", "noises", "sets", "recipes"]] = "all"


@dataclass(frozen=True)
class CheckOptions:
    """Check whether a method keeps to the contract, and explain each fault.

    Takes less than a minute on a CPU and needs no image set. The exit code is 1 if a fault is found.

    Args:
        method: its name, with hyper-parameters that differ from the defaults: NAME:KEY=VALUE,KEY=VALUE
    """

    method: Name

    def check(self) -> None:
        """Check the name before torch is imported.

        Raises:
            InputError: there is no such method.
        """
        require_known("method", [self.method], listings())


@dataclass(frozen=True)
class NewOptions:
    """Write a commented sample method that runs as it is, for you to change line by line.

    Args:
        name: name of the method: lower-case letters, digits and _
        package: write a separate package, instead of methods/NAME.py in a clone of the repository
        out: folder in which the package's folder is created
    """

    name: Name
    package: bool = False
    out: Annotated[Path, optional("DIR", default="the current folder")] = Path()


@dataclass(frozen=True)
class ProfileOptions:
    """Measure the training throughput of this machine against its peak, as a table and a figure.

    Needs a clone of the repository, whose throughput suite it runs with pytest-benchmark. The default sizes
    are those of the recipe `quick`.

    Args:
        result: redraw this result of an earlier profile, without measuring
        trace: write a trace of a few steps of this method instead, which https://ui.perfetto.dev opens
        width: channels of the U-Net's encoder
        batch: patches per batch
        patch: side of a training patch, in pixels
        rounds: repetitions of each timing; the median is reported
        precision: precision of the network's arithmetic; auto takes bfloat16 if the device supports it
        engine: as for `noisebench run`
        device: device to compute on
        out: folder for the files
    """

    result: Annotated[Positional[Path | None], optional("JSON", default="measure this machine")] = None
    trace: Annotated[str | None, optional("METHOD", default="profile, without a trace")] = None
    width: int = 16
    batch: int = 8
    patch: int = 64
    rounds: int = 7
    precision: Precision = "auto"
    engine: Engine = "auto"
    device: Device = "auto"
    out: Folder = DEFAULT_PROFILE
