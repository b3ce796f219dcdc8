"""A figure of the report: files for papers, and the same drawing embedded in the page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from bench.output.figures import GREY, INK, RULE

if TYPE_CHECKING:
    from pathlib import Path

THEMED = {
    "#ffffff": "var(--paper)",
    "#000000": "var(--ink)",
    INK: "var(--ink)",
    "#262626": "var(--ink)",  # seaborn's ticks
    "#666666": "var(--faint)",
    GREY: "var(--faint)",
    RULE: "var(--rule)",
}
"""Colours that follow the page's light or dark mode; those of methods stay the same."""


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure with title, caption and alternative text.

    Args:
        stem: stem of its file names, unique in the report.
        title: title above the figure.
        caption: caption below the figure: what it shows, and how to read it.
        alt: alternative text for readers who cannot see the figure.
        files: its CSV, PNG, SVG and PDF files.
    """

    stem: str
    title: str
    caption: str
    alt: str
    files: tuple[Path, ...]

    @property
    def drawing(self) -> Markup:
        """The figure as an HTML element, in the colours of the page."""
        (svg,) = (file for file in self.files if file.suffix == ".svg")
        return inline(svg.read_text(encoding="utf-8"), name=self.stem, alt=self.alt)


def inline(svg: str, *, name: str, alt: str) -> Markup:
    """Convert an SVG file to an HTML element.

    Args:
        svg: a file written by matplotlib, which escapes all text.
        name: prefix of each id, since ids must be unique within a page.
        alt: alternative text, plain.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = re.sub("|".join(THEMED), lambda colour: THEMED[colour[0]], body)
    opening = f'<svg role="img" aria-label="{escape(alt)}" '
    return Markup(body.replace("<svg ", opening, 1))  # noqa: S704 - escaped by matplotlib and above
