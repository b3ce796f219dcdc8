"""The heading and the notes of a table."""

from __future__ import annotations

import math

from bench.analysis.tabulate import tabulate
from bench.protocol import CLIP_RATIO, PROTOCOL_VERSION
from bench.tables.caption import footer, title
from bench.tables.score_table import markdown
from tests.support.results.scores import (
    ALL_NOISES,
    NO_FAILURES,
    made_up,
)


def test_the_footer_describes_the_protocol_of_its_runs():
    (noisy_once,) = tabulate(made_up(noises=[("gaussian", 25.0)]), NO_FAILURES)
    (redrawn,) = tabulate(
        made_up(noises=ALL_NOISES, training_noise="resampled", steps=7, batch=3, channels=3), NO_FAILURES
    )
    text = markdown([noisy_once])
    assert "Images: 3 of bsd68, 2 of set12. Seeds: 0, 1." in text
    assert "20,000 steps of 16 patches of 64x64 pixels from bsd400 (320,000 patches in all)" in text
    assert "Training noise frozen: one noisy copy" in text
    assert "never clipped" in text
    assert "last weights count" in text
    assert "N(0, (σ/255)²)" in text
    assert "Poisson(" not in text
    text = markdown([redrawn])
    assert "### bsd400, RGB" in text
    assert "7 steps of 3 patches of 64x64 pixels from bsd400 (21 patches in all)" in text
    assert "Training noise resampled" in text
    assert "Poisson(x/ζ)" in text


def test_gradient_clipping_is_described_where_gradients_were_clipped():
    (before,), (since,) = (tabulate(made_up(clip_ratio=ratio), NO_FAILURES) for ratio in (math.inf, 2.0))
    assert "running mean" not in " ".join(footer(before))
    assert "running mean" in " ".join(footer(since))


def test_titles_name_clipping_that_was_chosen_and_is_not_the_usual():
    titles = {
        (protocol, ratio): title(tabulate(made_up(clip_ratio=ratio, protocol=protocol), NO_FAILURES)[0].setup)
        for protocol in (PROTOCOL_VERSION - 1, PROTOCOL_VERSION)
        for ratio in (CLIP_RATIO, 7.0)
    }
    named = {setup for setup, text in titles.items() if "gradients clipped at 7," in text}
    assert named == {(PROTOCOL_VERSION, 7.0)}
    assert sum("clipped" in text for text in titles.values()) == 1


def test_methods_with_larger_patches_are_named():
    scores = made_up({"halves": "noisy", "whole": "noisy"}, batch=16)
    (without,) = tabulate(scores, NO_FAILURES)
    assert "the same for every method; Adam; learning rate" in " ".join(footer(without))
    scales = scores["method"].map({"halves": 2, "whole": 1})
    (table,) = tabulate(scores.assign(patch_scale=scales), NO_FAILURES)
    (note,) = [line for line in footer(table) if line.startswith("Training:")]
    assert "; halves, which trains on sub-images of its patches, has 8 of 128x128 per step" in note
    assert "whole" not in note


def test_estimates_are_given_with_their_error():
    scores = made_up(
        {"blind": "noisy + noise"}, noises=[("gaussian", 25.0)], sets={"set12": ["01.png"]}, estimate=26.0
    )
    (table,) = tabulate(scores, NO_FAILURES)
    (note,) = [line for line in footer(table) if line.startswith("estimated")]
    assert "blind on gaussian σ=25, set12: σ 26 in the mean, 4.0% off" in note
