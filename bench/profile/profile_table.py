"""Format a throughput profile as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.output.markup import MARKDOWN, MISSING
from bench.output.text_table import TextTable

if TYPE_CHECKING:
    from bench.profile.timings import Profile, Timing

MEBIBYTE = 2**20


def markdown(profile: Profile) -> str:
    """Format the profile as Markdown."""
    heading = f"# Throughput on {MARKDOWN.escape(str(profile.machine['name']))}\n"
    tables = [methods_table(profile), parts_table(profile), sizes_table(profile)]
    return "\n".join([heading, f"{caption(profile)}\n", *(table.markdown(level=2) for table in tables)])


def caption(profile: Profile) -> str:
    """Describe the measurements and what they are compared with."""
    bare, machine = profile.bare, profile.machine
    return (
        f"{machine['device']}, {machine['threads']} threads, {bare.precision}, {bare.engine} steps, torch "
        f"{machine['versions']['torch']}; U-Net width {bare.width}, {bare.batch} grey patches of "
        f"{bare.patch}x{bare.patch} a step, Gaussian noise. Medians of {bare.rounds} rounds of one run. The "
        "bare step is forward, backward and optimiser on a fixed tensor, kernel by kernel. The floor is what "
        f"the operations take at {profile.arithmetic / 1e9:,.0f} GFLOP/s (a matrix product) or the bytes at "
        f"{profile.bandwidth / 1e9:,.1f} GB/s (a copy), both measured in the same run, whichever is longer; "
        "convolutions alone count."
    )


def methods_table(profile: Profile) -> TextTable:
    """Make the table of each method's training step, next to the bare network step."""
    header = ["", "step ms", "/ bare", "patches/s", "GFLOP", "of the floor", "memory MiB", "J/patch"]
    header += ["first step ms", "inference ms"]
    denoising = {timing.method: timing.seconds for timing in profile.of("inference")}
    rows = [
        [
            timing.method or "bare step",
            f"{1e3 * timing.seconds:.1f}",
            f"{timing.seconds / profile.bare.seconds:.2f}",
            f"{timing.images / timing.seconds:,.0f}",
            f"{timing.flops / 1e9:.2f}",
            _share(profile, timing),
            _memory(timing),
            _known(timing.joules, ".3f", unit=timing.images),
            f"{1e3 * timing.first_seconds:.0f}",
            _known(denoising.get(timing.method), ".1f", unit=1e-3),
        ]
        for timing in [profile.bare, *profile.methods]
    ]
    return TextTable("Methods", header, rows)


def parts_table(profile: Profile) -> TextTable:
    """Make the table of the parts of a step."""
    total = sum(timing.seconds for timing in profile.parts)
    rows = [
        [
            timing.part,
            f"{1e3 * timing.seconds:.2f}",
            f"{timing.seconds / total:.1%}",
            _share(profile, timing),
        ]
        for timing in profile.parts
    ]
    return TextTable("Parts of a step", ["", "ms", "share", "of the floor"], rows)


def sizes_table(profile: Profile) -> TextTable:
    """Make the table of the bare step with other batch and patch sizes."""
    header = ["batch", "patch", "step ms", "Mpixel/s", "of the floor", "memory MiB"]
    rows = [
        [
            f"{timing.batch}",
            f"{timing.patch}x{timing.patch}",
            f"{1e3 * timing.seconds:.1f}",
            f"{timing.kilopixels / 1e3 / timing.seconds:.3f}",
            _share(profile, timing),
            _memory(timing),
        ]
        for timing in profile.of("batch") + profile.of("patch")
    ]
    return TextTable("Sizes of the bare step", header, rows, left=0)


def _share(profile: Profile, timing: Timing) -> str:
    return _known(profile.reached(timing), ".0%")


def _memory(timing: Timing) -> str:
    return _known(timing.peak_bytes, ".0f", unit=MEBIBYTE)


def _known(value: float | None, form: str, *, unit: float = 1) -> str:
    return MISSING if value is None else format(value / unit, form)
