"""Traces: a few training steps, kernel by kernel, for a viewer such as Perfetto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.profiler import ProfilerActivity, record_function

from bench.discovery import parse_method
from bench.profile.workloads import Setting, TrainingStep
from bench.system.counters import quiet_profiler
from bench.system.devices import synchronise
from bench.system.files import open_folder

if TYPE_CHECKING:
    from pathlib import Path

WARM_UP, TRACED = 5, 3


def write_trace(spec: str, *, folder: Path, **options: Any) -> Path:
    """Write a trace of three steps of a method, after five unrecorded ones; Perfetto opens it.

    Args:
        spec: the method, with hyper-parameters if wanted.
        folder: folder for the file, ``trace.json.gz``.
        options: arguments of ``Setting.resolve``.
    """
    _, method = parse_method(spec)
    setting = Setting.resolve(lowest=method.precision, **options)
    step = TrainingStep(method, setting)
    for _ in range(WARM_UP):
        step()
    activities = [ProfilerActivity.CPU]
    if setting.device.type == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with quiet_profiler(activities=activities, record_shapes=True) as profiler:
        for number in range(TRACED):
            with record_function(f"step {number}"):
                step()
        synchronise(setting.device)
    path = open_folder(folder) / "trace.json.gz"
    profiler.export_chrome_trace(str(path))
    return path
