"""Drawings embedded in the page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bench.output.figures import INK
from bench.report.embedded_figure import inline

SVG = f"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
<metadata>who</metadata><!-- a name -->
<defs><clipPath id="p1"><path id="m" d="M0 0" style="stroke: {INK}"/></clipPath></defs>
<use xlink:href="#m" clip-path="url(#p1)" style="fill: #ffffff; stroke: #0173b2"/>
</svg>"""


def test_an_embedded_drawing_has_the_colours_of_the_page_and_its_own_ids():
    drawn = str(inline(SVG, name="2-cost", alt='a "b" <c>'))
    root = ElementTree.fromstring(drawn)  # noqa: S314 - our own
    assert root.get("aria-label") == 'a "b" <c>'
    assert root.get("role") == "img"
    ids = set(re.findall(r'\bid="([^"]*)"', drawn))
    assert ids == {"2-cost-p1", "2-cost-m"}
    assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', drawn)) == {("2-cost-m", ""), ("", "2-cost-p1")}
    assert "fill: var(--paper)" in drawn
    assert "stroke: var(--ink)" in drawn
    assert "#0173b2" in drawn
    assert "who" not in drawn
    assert "a name" not in drawn
