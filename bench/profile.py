"""The throughput profile: timings as a table and a figure, beside what the machine can do."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import seaborn as sns

from bench.durable import open_folder
from bench.errors import InputError
from bench.figures import BLUE, GREEN, GREY, ORANGE, drawing, save
from bench.markup import MARKDOWN, MISSING, pipe_table
from bench.store import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes

SUITE = Path(__file__).parents[1] / "tests" / "throughput" / "test_throughput.py"
PARTS = ("data", "forward", "backward", "optimiser")


@dataclass(frozen=True)
class Timing:
    """One workload of the suite.

    Args:
        of: its kind: copy, matrix product, bare step, part, training step, inference, batch or patch.
        method: which method's, or "".
        part: which part of a step, or "".
        precision: of the network's arithmetic.
        engine: how steps were launched.
        width: of the U-Net.
        batch: patches of a step.
        patch: side of a patch, pixels.
        images: treated in one round.
        seconds: of one round, the median.
        spread: interquartile range / median.
        rounds: how many were timed.
        first_seconds: of the very first round, compilation included.
        flops: floating-point operations of convolutions and matrix products.
        bytes: that these, or a copy, read and write.
        peak_bytes: the most memory held at a time beside what was there before; None where not counted.
        joules: of one round; None where the device does not report them.
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
        """Of one round."""
        return self.images * self.patch**2 / 1e3


@dataclass(frozen=True)
class Profile:
    """One run of the throughput suite.

    Args:
        timings: of all workloads.
        machine: its hardware and versions.
    """

    timings: tuple[Timing, ...]
    machine: dict[str, Any]

    def of(self, kind: str) -> list[Timing]:
        """Give the timings of one kind."""
        return [timing for timing in self.timings if timing.of == kind]

    @property
    def bare(self) -> Timing:
        """The bare network step."""
        return self.of("bare step")[0]

    @property
    def methods(self) -> list[Timing]:
        """The methods' training steps, the fastest first."""
        return sorted(self.of("training step"), key=lambda timing: timing.seconds)

    @property
    def parts(self) -> list[Timing]:
        """The parts of a step, in the order of their work."""
        return sorted(self.of("part"), key=lambda timing: PARTS.index(timing.part))

    @property
    def bandwidth(self) -> float:
        """Bytes read and written per second by a copy."""
        return max(timing.bytes / timing.seconds for timing in self.of("copy"))

    @property
    def arithmetic(self) -> float:
        """Floating-point operations per second of a matrix product, the fastest of several sizes."""
        return max(timing.flops / timing.seconds for timing in self.of("matrix product"))

    def reached(self, timing: Timing) -> float | None:
        """Give the share of the machine's floor that a workload reaches.

        The floor is what its operations take at the measured arithmetic rate, or its bytes at the measured
        bandwidth, whichever is longer; None in another precision than that of the matrix product.
        """
        if timing.precision != self.of("matrix product")[0].precision or not timing.flops:
            return None
        return max(timing.flops / self.arithmetic, timing.bytes / self.bandwidth) / timing.seconds


def measure(folder: Path, options: dict[str, Any]) -> Path:
    """Run the throughput suite in a process of its own, and give its JSON file.

    Args:
        folder: for the file.
        options: of the suite, such as ``{"width": 48}``.

    Raises:
        InputError: this is no clone of the repository, or the suite fails.
    """
    if not SUITE.is_file():
        raise InputError(
            "the throughput suite lies in tests/throughput of the repository; profile in a clone of it"
        )
    result = open_folder(folder) / PROFILE.name
    command = [sys.executable, "-m", "pytest", str(SUITE), "-q", f"--rootdir={SUITE.parents[2]}"]
    command += [f"--benchmark-json={result}", "--benchmark-columns=median,iqr,rounds"]
    command += [f"--{name}={value}" for name, value in options.items()]
    code = subprocess.run(command, check=False).returncode  # noqa: S603
    if code:
        raise InputError(f"the throughput suite failed (exit code {code}), as said above")
    return result


def read(path: Path) -> Profile:
    """Read what the throughput suite wrote.

    Raises:
        InputError: the file is no such result.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        profile = Profile(tuple(map(_timing, content["benchmarks"])), content["machine_info"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is no result of the throughput suite ({type(error).__name__}: {error})"
        ) from error
    missing = {"copy", "matrix product", "bare step"} - {timing.of for timing in profile.timings}
    if missing:
        raise InputError(f"{path} lacks the {', '.join(sorted(missing))} of the throughput suite")
    return profile


def _timing(entry: dict[str, Any]) -> Timing:
    stats, facts = entry["stats"], entry["extra_info"]
    known = {field.name: facts[field.name] for field in fields(Timing) if field.name in facts}
    spread = stats["iqr"] / stats["median"]
    return Timing(**known, seconds=stats["median"], spread=spread, rounds=stats["rounds"])


def write_profile(
    profile: Profile, *, folder: Path, stem: str = "throughput", colours: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the profile as ``stem.csv`` and ``stem.md``, and its figure in three formats.

    Args:
        profile: what was measured.
        folder: for the files, which is there.
        stem: of their names.
        colours: of methods; others are drawn alike.

    Returns:
        The files.
    """
    table, text = folder / f"{stem}.csv", folder / f"{stem}.md"
    rows = [asdict(timing) | {"reached": profile.reached(timing)} for timing in profile.timings]
    pd.DataFrame(rows).to_csv(table, index=False, lineterminator="\n")
    text.write_text(markdown(profile), encoding="utf-8", newline="\n")
    return [table, text, *_draw(profile, folder, stem, colours or {})]


def markdown(profile: Profile) -> str:
    """Set the profile as Markdown."""
    sections = [
        f"# Throughput on {MARKDOWN.escape(str(profile.machine['name']))}",
        caption(profile),
        "## Methods",
        _methods(profile),
        "## Parts of a step",
        _parts(profile),
        "## Sizes of the bare step",
        _sizes(profile),
    ]
    return "\n\n".join(sections) + "\n"


def caption(profile: Profile) -> str:
    """Say what was measured, and against what."""
    bare, machine = profile.bare, profile.machine
    return (
        f"{machine['device']}, {machine['threads']} threads, {bare.precision}, {bare.engine} steps, torch "
        f"{machine['versions']['torch']}; U-Net width {bare.width}, {bare.batch} grey patches of "
        f"{bare.patch}x{bare.patch} a step, Gaussian noise. Medians of {bare.rounds} rounds of one run. The "
        "bare step is forward, backward and Adam on a fixed tensor, kernel by kernel. The floor is what the "
        f"operations take at {profile.arithmetic / 1e9:,.0f} GFLOP/s (a matrix product) or the bytes at "
        f"{profile.bandwidth / 1e9:,.1f} GB/s (a copy), both measured in the same run, whichever is longer; "
        "convolutions alone count."
    )


def _methods(profile: Profile) -> str:
    denoising = {timing.method: timing.seconds for timing in profile.of("inference")}
    header = ["", "step ms", "/ bare", "patches/s", "GFLOP", "of the floor", "memory MiB", "J/patch"]
    header += ["first step ms", "inference ms"]
    rows = [
        [
            MARKDOWN.escape(timing.method) or "bare step",
            f"{1e3 * timing.seconds:.1f}",
            f"{timing.seconds / profile.bare.seconds:.2f}",
            f"{timing.images / timing.seconds:,.0f}",
            f"{timing.flops / 1e9:.2f}",
            _known(profile.reached(timing), "{:.0%}"),
            _known(timing.peak_bytes, "{:.0f}", unit=2**20),
            _known(timing.joules, "{:.3f}", unit=timing.images),
            f"{1e3 * timing.first_seconds:.0f}",
            _known(denoising.get(timing.method), "{:.1f}", unit=1e-3),
        ]
        for timing in [profile.bare, *profile.methods]
    ]
    return pipe_table(header, rows)


def _parts(profile: Profile) -> str:
    total = sum(timing.seconds for timing in profile.parts)
    rows = [
        [
            timing.part,
            f"{1e3 * timing.seconds:.2f}",
            f"{timing.seconds / total:.1%}",
            _known(profile.reached(timing), "{:.0%}"),
        ]
        for timing in profile.parts
    ]
    return pipe_table(["", "ms", "share", "of the floor"], rows)


def _sizes(profile: Profile) -> str:
    rows = [
        [
            f"{timing.batch}",
            f"{timing.patch}x{timing.patch}",
            f"{1e3 * timing.seconds:.1f}",
            f"{timing.kilopixels / 1e3 / timing.seconds:.3f}",
            _known(profile.reached(timing), "{:.0%}"),
            _known(timing.peak_bytes, "{:.0f}", unit=2**20),
        ]
        for timing in profile.of("batch") + profile.of("patch")
    ]
    return pipe_table(["batch", "patch", "step ms", "Mpixel/s", "of the floor", "memory MiB"], rows, left=0)


def _known(value: float | None, form: str, *, unit: float = 1) -> str:
    return MISSING if value is None else form.format(value / unit)


def _draw(profile: Profile, folder: Path, stem: str, colours: Mapping[str, str]) -> tuple[Path, ...]:
    with drawing(11, 7) as figure:
        methods, parts, sizes, floor = figure.subplots(2, 2).flat
        bare = profile.bare.seconds
        ratios = [timing.seconds / bare for timing in profile.methods]
        names = [timing.method for timing in profile.methods]
        _bars(methods, names, ratios, form="%.2f", colours=[colours.get(name, BLUE) for name in names])
        methods.axvline(1, color=GREY, linewidth=1, linestyle="--")
        methods.set(title="A training step, in bare network steps", xlabel="ratio of seconds")
        times = [1e3 * timing.seconds for timing in profile.parts]
        _bars(parts, PARTS, times, form="%.3g", colours=[ORANGE] * len(PARTS))
        parts.set(title="Where a step goes", xlabel="ms")
        _draw_sizes(profile, sizes)
        reached = {
            timing.method or "bare step": profile.reached(timing)
            for timing in [profile.bare, *profile.methods]
        }
        shares = [100 * (share or 0) for share in reached.values()]
        _bars(floor, reached, shares, form="%.0f", colours=[colours.get(name, GREY) for name in reached])
        floor.set(title="How near to the machine's measured floor", xlabel="% of its speed", xlim=(0, 105))
        machine = profile.machine
        figure.suptitle(f"{machine['name']}, {machine['threads']} threads", x=0.01, ha="left", fontsize=11)
        return save(figure, folder, stem)


def _bars(
    axes: Axes, names: Iterable[str], values: list[float], *, form: str, colours: Sequence[str]
) -> None:
    sns.barplot(
        x=values, y=list(names), hue=list(names), ax=axes, palette=list(colours), width=0.6, legend=False
    )
    for place, value in enumerate(values):
        label = axes.annotate(form % value, (value, place), xytext=(4, 0), textcoords="offset points")
        label.set(va="center", fontsize=9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
    axes.margins(x=0.15)


def _draw_sizes(profile: Profile, axes: Axes) -> None:
    for varied, marker, colour in (("batch", "o", BLUE), ("patch", "s", GREEN)):
        timings = profile.of(varied)
        rates = [timing.kilopixels / 1e3 / timing.seconds for timing in timings]
        axes.plot(
            [timing.kilopixels for timing in timings],
            rates,
            marker=marker,
            color=colour,
            label=f"by {varied}",
        )
    axes.set_xscale("log")
    axes.set(
        title="Bare step, by size", xlabel="kilopixels of a step", ylabel="megapixels / s", ylim=(0, None)
    )
    axes.legend(frameon=False)
