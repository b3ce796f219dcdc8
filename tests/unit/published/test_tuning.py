"""How settings were chosen: what was tried, what it reached, and what is compared with what."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.analysis.columns import noise_label
from bench.published.tuning import HEADINGS, SEARCHED, hyper_parameters_table, settings_table
from tests.support.markup import read_latex, read_markdown
from tests.support.results.scores import made_up

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = {"noise2void": "noisy", "sure": "noisy + noise", "supervised": "noisy + clean"}
VARIANTS = {"noise2score:domain=raw": "noisy + noise", "sure:eps=0.01": "noisy + noise"}
HELD = {"bsd400-held": ["a.png", "b.png", "c.png"]}
NOISES = [("gamma", 50.0), ("gaussian", 50.0), ("gaussian", 25.0)]
COARSE = {"learning_rate": 2e-3, "batch": 16}
FINE = {"learning_rate": 2.5e-4, "batch": 64, "patch": 128, "optimiser": "muon", "clip_ratio": math.inf}
SHOWN = {2e-3: ["adam", "0.002", "2", "16 of 64x64"], 2.5e-4: ["muon", "0.00025", "never", "64 of 128x128"]}


def tried(methods: dict[str, str], better: float = 0.0, **changes: object) -> pd.DataFrame:
    options = {"seeds": (0,), "noises": NOISES, "sets": HELD, "training_images": "bsd400-tune"}
    scores = made_up(methods, **options, **changes)
    return scores.assign(psnr=scores["psnr"] + better)


@pytest.fixture
def searched() -> pd.DataFrame:
    few = dict(list(PLAIN.items())[:2])
    return pd.concat([tried(few, 5.0, **FINE), tried(PLAIN | VARIANTS, **COARSE)]).sample(
        frac=1, random_state=1
    )


def test_settings_are_compared_by_means_of_methods_tried_under_several(searched: pd.DataFrame) -> None:
    one_more = tried({"supervised": "noisy + clean", "sure:eps=0.01": "noisy + noise"}, **FINE)
    searched = pd.concat([searched, one_more[one_more["parameter"] == 25]])
    alone = tried({"noise2noise": "noisy + noisy2"}, **COARSE)  # under one setting: it compares none
    table = settings_table(pd.concat([searched, alone]))
    assert table.header == [*HEADINGS, "noise", *PLAIN, "mean"]
    plain = searched.groupby([*SEARCHED, "noise", "parameter", "method"])["psnr"].mean()
    for row in table.rows:
        setting, (steps, noise, *texts) = row[:4], row[4:]
        assert steps == "20,000"
        found = {
            method: psnr
            for (_, rate, _, _, _, _, *noise_model, method), psnr in plain.items()
            if (SHOWN[rate], noise_label(*noise_model)) == (setting, noise)
            and (method != "supervised" or noise_model == ["gaussian", 25])
        }
        expected = [found.get(method) for method in PLAIN]
        # The mean is of the same methods in every row, whatever variants of theirs were run.
        whole = None if None in expected else sum(expected) / len(PLAIN)
        assert texts == ["–" if psnr is None else f"{psnr:.2f}" for psnr in [*expected, whole]]
    assert len(table.rows) == 2 * len(NOISES)
    assert [row[-1] != "–" for row in table.rows] == [row[5] == "gaussian σ=25" for row in table.rows]


def test_the_settings_file_names_each_setting_exactly(searched: pd.DataFrame, tmp_path: Path) -> None:
    settings_table(searched).write(tmp_path, "table")
    written = pd.read_csv(tmp_path / "table.csv")
    for column in SEARCHED:
        assert set(written[column]) == set(searched[column])
    both = searched[searched["method"].isin(["noise2void", "sure"])]
    expected = both.groupby([*SEARCHED, "noise", "parameter", "method"])["psnr"].mean()
    found = written.set_index([*SEARCHED, "noise", "parameter", "method"])["psnr"]
    assert found.to_dict() == pytest.approx(expected.to_dict(), abs=5.1e-5)


def test_hyper_parameters_are_compared_where_several_were_tried(searched: pd.DataFrame) -> None:
    finer = {"sure:eps=0.01": "noisy + noise", "sure:eps=0.1": "noisy + noise"}
    searched = pd.concat([searched, tried(finer, **FINE)])
    table = hyper_parameters_table(searched)
    noises = [("gaussian", 25.0), ("gaussian", 50.0), ("gamma", 50.0)]
    assert table.header[-4:] == ["method", *(noise_label(*noise) for noise in noises)]
    plain = searched.groupby(["learning_rate", "method", "noise", "parameter"])["psnr"].mean()
    # Of noise2score one variant alone was tried, and none of the methods without any.
    expected = [(COARSE, method) for method in ("sure", "sure:eps=0.01")]
    expected += [(FINE, method) for method in ("sure", *finer)]
    assert table.rows == [
        [
            *SHOWN[setting["learning_rate"]],
            "20,000",
            method,
            *(f"{plain[setting['learning_rate'], method, *noise]:.2f}" for noise in noises),
        ]
        for setting, method in expected
    ]


def test_a_noise_on_which_a_method_was_not_tried_is_blank(searched: pd.DataFrame) -> None:
    method = "sure:eps=0.01"
    table = hyper_parameters_table(searched[(searched["method"] != method) | (searched["noise"] == "gamma")])
    first = table.header.index("method")
    blank = {row[first]: [text == "–" for text in row[first + 1 :]] for row in table.rows}
    assert blank[method] == ["gamma" not in label for label in table.header[first + 1 :]]
    assert not any(blank["sure"])


@pytest.mark.parametrize("lay_out", [settings_table, hyper_parameters_table])
def test_tables_read_the_same_in_every_format_and_order(
    searched: pd.DataFrame, lay_out, tmp_path: Path
) -> None:
    searched["method"] = searched["method"].replace("supervised", "50%_x|<b>")
    table = lay_out(searched)
    assert table.title.endswith("on bsd400-held")
    assert read_markdown(table.markdown()) == read_latex(table.latex()) == [table.header, *table.rows]
    assert table.latex().isascii()
    again = lay_out(searched.iloc[::-1])
    assert (again.markdown(), again.csv()) == (table.markdown(), table.csv())
