"""Sections: one for each setup, with the scatter of its seeds."""

from __future__ import annotations

import pandas as pd

from bench.analysis.scatter import seed_scatter
from tests.support.results.reports import MadeUp, read
from tests.support.results.scores import made_up


def test_the_scatter_of_seeds_is_stated_if_known(tmp_path):
    two = made_up({"noise2void": "noisy"}, noises=[("gaussian", 25.0)])
    sets = [
        f"on {name}: noise2void {seed_scatter(part)['noise2void']}" for name, part in two.groupby("images")
    ]
    assert len(sets) > 1
    expected = f"between training runs with different seeds is, in dB, {'; '.join(sets)}."
    assert expected in read(tmp_path / "two", MadeUp(two)).text
    one = two[two["seed"] == 0]
    assert "no cell of a trained method has two seeds" in read(tmp_path / "one", MadeUp(one)).text


def test_runs_of_different_setups_have_their_own_sections(tmp_path):
    runs = pd.concat(
        [made_up(), made_up(training_noise="resampled").assign(key=lambda rows: rows["key"] + "r")]
    )
    page = read(tmp_path, MadeUp(runs))
    assert (
        sum(tag == "h2" for tag, _ in page.elements) == 5
    )  # two sections, missing images, methods, provenance
    stems = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert stems == {f"{number}-{name}" for number in (1, 2) for name in ("cost", "strength", "paired")}
