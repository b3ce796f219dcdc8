"""The timings of a throughput profile, and how close they come to the machine's limit."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from bench.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("data", "forward", "backward", "optimiser")


@dataclass(frozen=True)
class Timing:
    """The timing of one workload of the suite.

    Args:
        of: kind of workload: copy, matrix product, bare step, part, training step, inference, batch or patch.
        method: name of the method, or "".
        part: part of a step, or "".
        precision: precision of the network's arithmetic.
        engine: engine that launched the steps.
        width: width of the U-Net.
        batch: patches per step.
        patch: side of a patch, in pixels.
        images: number of images per round.
        seconds: median seconds per round.
        spread: interquartile range / median.
        rounds: number of timed rounds.
        first_seconds: seconds of the very first round, including compilation.
        flops: floating-point operations of convolutions and matrix products.
        bytes: bytes that these, or a copy, read and write.
        peak_bytes: peak memory, in addition to what was held before; None if not counted.
        joules: energy of one round; None if the device does not report it.
    """

    of: str
    precision: str
    engine: str
    width: int
    batch: int
    patch: int
    images: int
    seconds: float
    spread: float
    rounds: int
    first_seconds: float
    flops: int
    bytes: int
    peak_bytes: int | None = None
    joules: float | None = None
    method: str = ""
    part: str = ""

    @property
    def kilopixels(self) -> float:
        """Thousands of pixels processed per round."""
        return self.images * self.patch**2 / 1e3


@dataclass(frozen=True)
class Profile:
    """One run of the throughput suite.

    Args:
        timings: timings of all workloads.
        machine: hardware and versions of the machine.
    """

    timings: tuple[Timing, ...]
    machine: dict[str, Any]

    def of(self, kind: str) -> list[Timing]:
        """Return the timings of one kind."""
        return [timing for timing in self.timings if timing.of == kind]

    @property
    def bare(self) -> Timing:
        """The bare network step."""
        return self.of("bare step")[0]

    @property
    def methods(self) -> list[Timing]:
        """The training steps of the methods, fastest first."""
        return sorted(self.of("training step"), key=lambda timing: timing.seconds)

    @property
    def parts(self) -> list[Timing]:
        """The parts of a step, in order of execution."""
        return sorted(self.of("part"), key=lambda timing: PARTS.index(timing.part))

    @property
    def bandwidth(self) -> float:
        """Memory bandwidth: bytes read and written per second by a copy."""
        return max(timing.bytes / timing.seconds for timing in self.of("copy"))

    @property
    def arithmetic(self) -> float:
        """Arithmetic rate: operations per second of a matrix product, the fastest of several sizes."""
        return max(timing.flops / timing.seconds for timing in self.of("matrix product"))

    def reached(self, timing: Timing) -> float | None:
        """Return the share of the machine's peak speed that a workload reaches.

        The lower bound of its time (the floor) is that of its operations at the measured arithmetic rate or
        of its bytes at the measured bandwidth, whichever is longer. None if its precision is not that of the
        matrix product.
        """
        if timing.precision != self.of("matrix product")[0].precision or not timing.flops:
            return None
        return max(timing.flops / self.arithmetic, timing.bytes / self.bandwidth) / timing.seconds


def read(path: Path) -> Profile:
    """Read the result of the throughput suite.

    Raises:
        InputError: the file is not a result of the suite.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        profile = Profile(tuple(map(_timing, content["benchmarks"])), content["machine_info"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a result of the throughput suite ({type(error).__name__}: {error})"
        ) from error
    missing = {"copy", "matrix product", "bare step"} - {timing.of for timing in profile.timings}
    if missing:
        raise InputError(f"{path} lacks the {', '.join(sorted(missing))} of the throughput suite")
    return profile


def _timing(entry: dict[str, Any]) -> Timing:
    stats, about = entry["stats"], entry["extra_info"]
    known = {field.name: about[field.name] for field in fields(Timing) if field.name in about}
    spread = stats["iqr"] / stats["median"]
    return Timing(**known, seconds=stats["median"], spread=spread, rounds=stats["rounds"])
