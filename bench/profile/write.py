"""Write a throughput profile as CSV, Markdown and a figure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from bench.output.markup import write_texts
from bench.profile.profile_figure import draw_profile
from bench.profile.profile_table import markdown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.profile.timings import Profile


def write_profile(
    profile: Profile, *, folder: Path, stem: str = "throughput", colours: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the profile as ``stem.csv`` and ``stem.md``, and its figure in three formats.

    Args:
        profile: the measurements.
        folder: existing folder for the files.
        stem: stem of the file names.
        colours: colours of the methods; all others share one colour.

    Returns:
        The written files.
    """
    rows = [asdict(timing) | {"reached": profile.reached(timing)} for timing in profile.timings]
    csv = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    files = write_texts({".csv": csv, ".md": markdown(profile)}, folder=folder, stem=stem)
    return [*files, *draw_profile(profile, folder=folder, stem=stem, colours=colours or {})]
