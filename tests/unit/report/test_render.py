"""The page: filters, and text from outside."""

from __future__ import annotations

import math

import pytest

from bench.report.render import breakable, duration
from tests.support.results.reports import MadeUp, read
from tests.support.results.scores import failed, failure, made_up


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1234, "0.12 s"), (48.2, "48 s"), (720.0, "12 min"), (12240.0, "3.4 h"), (math.nan, "–")],
)
def test_durations_have_readable_units(seconds, text):
    assert duration(seconds) == text


def test_a_name_may_break_only_after_colons_and_commas():
    assert breakable("a:b=<c>,d") == "a:<wbr>b=&lt;c&gt;,<wbr>d"


HOSTILE = "</script><script>alert(1)</script>"


def test_names_are_shown_as_text_and_never_executed(tmp_path):
    methods = {
        HOSTILE: "noisy",
        '"><img src=x onerror=alert(2)>': "noisy + <b>",
        "supervised": "noisy + clean",
    }
    scores = made_up(methods, sets={"<i>set</i>": ["<u>.png", "b.png", "c.png"]})
    lost = failed(failure(HOSTILE, images="<i>set</i>", seed=7, error="<script>alert(3)</script>"))
    page = read(tmp_path, MadeUp(scores, lost))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 2  # the data of the page, and its own code
    assert not {"img", "i", "b", "u"} & set(tags)
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    flat = {cell for row in page.cells() for cell in row}
    assert {*methods, "<i>set</i>", "<script>alert(3)</script>"} <= flat
