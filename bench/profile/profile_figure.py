"""The figure of a throughput profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import seaborn as sns

from bench.output.figures import BLUE, GREEN, GREY, ORANGE, drawing, save
from bench.profile.timings import PARTS, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes


def draw_profile(
    profile: Profile, *, folder: Path, stem: str, colours: Mapping[str, str]
) -> tuple[Path, ...]:
    """Draw the methods' steps, the parts of a step, the sizes, and their distance to the machine's limit.

    Args:
        profile: the measurements.
        folder: existing folder for the files.
        stem: stem of the file names.
        colours: colours of the methods; all others share one colour.
    """
    with drawing(11, 7) as figure:
        methods, parts, sizes, floor = figure.subplots(2, 2).flat
        _draw_methods(profile, methods, colours)
        _draw_parts(profile, parts)
        _draw_sizes(profile, sizes)
        _draw_floor(profile, floor, colours)
        machine = profile.machine
        figure.suptitle(f"{machine['name']}, {machine['threads']} threads", x=0.01, ha="left", fontsize=11)
        return save(figure, folder, stem)


def _draw_methods(profile: Profile, axes: Axes, colours: Mapping[str, str]) -> None:
    bare = profile.bare.seconds
    ratios = {timing.method: timing.seconds / bare for timing in profile.methods}
    _bars(axes, ratios, form="%.2f", colours=[colours.get(name, BLUE) for name in ratios])
    axes.axvline(1, color=GREY, linewidth=1, linestyle="--")
    axes.set(title="A training step, in bare network steps", xlabel="ratio of seconds")


def _draw_parts(profile: Profile, axes: Axes) -> None:
    times = {timing.part: 1e3 * timing.seconds for timing in profile.parts}
    _bars(axes, times, form="%.3g", colours=[ORANGE] * len(PARTS))
    axes.set(title="Where a step goes", xlabel="ms")


def _draw_floor(profile: Profile, axes: Axes, colours: Mapping[str, str]) -> None:
    timings = [profile.bare, *profile.methods]
    shares = {timing.method or "bare step": 100 * (profile.reached(timing) or 0) for timing in timings}
    _bars(axes, shares, form="%.0f", colours=[colours.get(name, GREY) for name in shares])
    axes.set(title="How near to the machine's measured floor", xlabel="% of its speed", xlim=(0, 105))


def _bars(axes: Axes, values: Mapping[str, float], *, form: str, colours: Sequence[str]) -> None:
    names, lengths = list(values), list(values.values())
    sns.barplot(x=lengths, y=names, hue=names, ax=axes, palette=list(colours), width=0.6, legend=False)
    for place, length in enumerate(lengths):
        label = axes.annotate(form % length, (length, place), xytext=(4, 0), textcoords="offset points")
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
