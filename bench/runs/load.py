"""Load the denoiser of a finished run."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from bench.discovery import build, load_class, source_hash
from bench.errors import InputError
from bench.noise import NOISES
from bench.noise.blind import UnknownNoise
from bench.protocol import PROTOCOL_VERSION
from bench.scoring.denoiser import Denoiser
from bench.store.checksums import RECORD, DamagedRunError, read_file, read_record
from bench.store.layout import WEIGHTS
from bench.training.unet import UNet


def load_run(folder: str | Path, *, device: str | torch.device = "cpu") -> Denoiser:
    """Load the trained denoiser of a finished run.

    Args:
        folder: folder of the run, with ``run.json`` and ``weights.safetensors``.
        device: the device on which it computes.

    Raises:
        InputError: the folder contains no finished run with weights, or one from another protocol.
    """
    folder = Path(folder)
    for name in (RECORD, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(f"{str(folder)!r} is not a finished run with weights: it has no {name}")
    record = read_record(folder)
    run = record.run
    if record.protocol != PROTOCOL_VERSION:
        raise InputError(
            f"{str(folder)!r} was trained under protocol {record.protocol}, whose network this version, of "
            f"protocol {PROTOCOL_VERSION}, does not know; train it again"
        )
    method_class = load_class(run.method)
    if source_hash(method_class) != record.source.sha256:
        message = f"the file of {run.method!r} has changed since {folder.name} was trained"
        warnings.warn(message, stacklevel=2)
    net = UNet(run.channels, width=run.width, seed=run.seed)
    try:
        net.load_state_dict(load(read_file(folder, WEIGHTS, record)))
    except (SafetensorError, RuntimeError) as error:
        raise DamagedRunError(f"{folder / WEIGHTS} holds no weights of the run: {error}") from error
    opened = torch.device(device)
    model, parameter = NOISES[run.noise], run.parameter
    noise = UnknownNoise(model, *parameter) if isinstance(parameter, tuple) else model(parameter)
    return Denoiser(net.to(opened), build(method_class, run.hyper_parameters), noise, opened)
