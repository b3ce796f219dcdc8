"""Render the page: all external text is escaped, and the page loads nothing."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
import matplotlib as mpl
from markupsafe import Markup

from bench.output.markup import MISSING
from bench.report.numbers import format_gap
from bench.tables.paired_differences import CHANCE_NOTE

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE, STYLE, SCRIPT = "report.html.j2", "report.css", "report.js"


def render(*, colours: Mapping[str, str], error_peak: float, **content: Any) -> str:
    """Render the page.

    Args:
        colours: colours of all methods of the report, in their order.
        error_peak: end of the error scale.
        content: everything else that the template uses.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.report", "page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "gap": format_gap,
        "duration": duration,
        "breakable": breakable,
    }
    script = _text(SCRIPT)
    return environment.get_template(TEMPLATE).render(
        style=Markup(_text(STYLE)),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        methods=list(colours),
        colours=colours,
        error_peak=error_peak,
        error_colours=[mpl.colors.to_hex(mpl.colormaps["magma"](place)) for place in range(256)],
        MISSING=MISSING,
        chance_note=CHANCE_NOTE,
        **content,
    )


def number(value: float, digits: int) -> str:
    """Format a number with the given number of digits; a dash if it is unknown."""
    return MISSING if math.isnan(value) else f"{value:,.{digits}f}"


def breakable(name: str) -> Markup:
    """Allow line breaks in a name with hyper-parameters after a colon or a comma."""
    return Markup("<wbr>").join(re.split("(?<=[:,])", name))


def duration(seconds: float) -> str:
    """Format seconds in a readable unit: ``0.12 s``, ``48 s``, ``12 min`` or ``3.4 h``."""
    if math.isnan(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _text(name: str) -> str:
    return (resources.files("bench.report") / "page" / name).read_text(encoding="utf-8")
