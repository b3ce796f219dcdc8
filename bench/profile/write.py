"""A throughput profile as a table and a figure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd
import seaborn as sns

from bench.output.figures import BLUE, GREEN, GREY, ORANGE, drawing, save
from bench.output.markup import MARKDOWN, MISSING, pipe_table
from bench.profile.timings import PARTS, Profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes


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
