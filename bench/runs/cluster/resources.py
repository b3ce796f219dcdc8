"""The resources of each run on a cluster, from command-line options."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

import torch

from bench.errors import InputError

if TYPE_CHECKING:
    from bench.runs.plan import Wanted


@dataclass(frozen=True)
class RunResources:
    """A cluster, and the resources of each run.

    Args:
        address: address of the cluster, or ``auto``.
        device: the type of device; Ray assigns the device itself.
        cpus: CPU cores, and number of threads.
        gpus: fraction of one GPU, from 0 to 1.
    """

    address: str
    device: torch.device
    cpus: int
    gpus: float


def parse_resources(
    address: str | None, *, device: str, precision: Wanted, cpus: int | None, gpus: float | None
) -> RunResources | None:
    """Check the options of a cluster; return None if there is no cluster.

    Args:
        address: address of the cluster, or ``auto``; None without a cluster.
        device: ``cpu``, ``cuda`` or ``auto``, which is CUDA if a fraction of a GPU is given, else the CPU.
        precision: precision of the training runs.
        cpus: CPU cores per run; by default 1.
        gpus: fraction of a GPU per run; by default 1 on CUDA, else 0.

    Raises:
        InputError: Ray is not installed, or the options contradict each other.
    """
    if address is None:
        if cpus is not None or gpus is not None:
            raise InputError("--cpus-per-run and --gpus-per-run need a cluster; name one with --ray")
        return None
    if find_spec("ray") is None:
        raise InputError('--ray needs Ray, which is not installed: pip install "noisebench[ray]"')
    if cpus is not None and cpus < 1:
        raise InputError(f"--cpus-per-run must be at least 1, but is {cpus}")
    if gpus is not None and not 0 <= gpus <= 1:
        raise InputError(f"--gpus-per-run must be from 0 to 1, but is {gpus}: a run is on one GPU at most")
    name = ("cuda" if gpus else "cpu") if device == "auto" else device
    if name not in ("cpu", "cuda"):
        raise InputError(
            f"on a cluster the device is cpu, cuda or auto, but is {device!r}: Ray picks the GPU"
        )
    if gpus is None:
        gpus = float(name == "cuda")
    if bool(gpus) != (name == "cuda"):
        raise InputError(f"--gpus-per-run {gpus:g} and --device {device} contradict each other")
    if name == "cuda" and precision == "auto":
        raise InputError(
            "on the GPUs of a cluster --precision must be float32 or bfloat16, but is auto: "
            "whether they support bfloat16 is only known when the runs start"
        )
    return RunResources(address, torch.device(name), cpus or 1, gpus)
