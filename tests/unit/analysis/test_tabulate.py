"""Score tables: means of cells, failures, and setups that are never mixed."""

from __future__ import annotations

import io
import math

import numpy as np
import pandas as pd
import pytest

from bench.analysis.tabulate import tabulate
from bench.tables.score_table import csv, latex, markdown
from tests.support.results.scores import (
    ALL_NOISES,
    NO_FAILURES,
    SETS,
    SETUP,
    cell,
    failed,
    failure,
    made_up,
    only,
)


def test_cells_are_means_per_image_over_seeds_then_over_images():
    scores = made_up()
    table = only(tabulate(scores, NO_FAILURES))
    for row in table.rows:
        for found in row.cells:
            values = [
                [
                    line.psnr
                    for line in scores.itertuples()
                    if (line.method, line.image) == (found.method, image)
                    and (line.noise, line.parameter) == (row.noise, row.parameter)
                ]
                for image in SETS[row.images]
            ]
            assert all(len(per_seed) == 2 for per_seed in values)
            expected = math.fsum(sum(per_seed) / 2 for per_seed in values) / len(values)
            assert found.psnr == pytest.approx(expected, abs=1e-12)
            assert (found.status, found.n_seeds, row.n_images) == ("done", 2, len(values))


def test_order_of_rows_and_columns():
    table = only(tabulate(made_up(noises=ALL_NOISES), NO_FAILURES))
    assert [*dict.fromkeys(row.label for row in table.rows)] == [
        "gaussian σ=25",
        "gaussian σ=50",
        "poisson ζ=0.05",
        "gamma k=100",
        "gamma k=50",
    ]
    assert [row.images for row in table.rows[:2]] == ["bsd68", "set12"]
    assert table.methods == (
        "noise2void",
        "noise2score:domain=raw,formula=paper",
        "sure",
        "noise2noise",
        "supervised",
    )


def test_noisy_images_count_once_however_many_methods_denoise_them():
    scores = made_up()
    few = scores[(scores["method"] == "sure") | (scores["seed"] == 0)]
    (row,) = [
        row
        for row in only(tabulate(few, NO_FAILURES)).rows
        if (row.label, row.images) == ("gaussian σ=25", "bsd68")
    ]
    assert row.noisy_psnr == pytest.approx((20 + 21 + 22 + 20.1 + 21.1 + 22.1) / 6, abs=1e-12)
    assert row.noisy_ssim == pytest.approx(0.5, abs=1e-12)


def test_best_goes_to_self_supervised_methods_each_metric_by_itself():
    scores = made_up(sets={"set12": [f"{number}.png" for number in range(12)]})
    scores.loc[scores["method"] == "noise2void", "ssim"] = 0.95
    table = only(tabulate(scores, NO_FAILURES))
    for row in table.rows:
        best = {found.method: set(found.best) for found in row.cells if found.best}
        assert best == {"noise2void": {"ssim"}, "noise2score:domain=raw,formula=paper": {"psnr"}}
        assert max(row.cells, key=lambda found: found.psnr).method == "supervised"


def test_equal_numbers_as_printed_are_both_best():
    scores = made_up({"noise2void": "noisy", "sure": "noisy + noise"})
    scores["psnr"] = np.where(scores["method"] == "sure", 30.001, 30.002)
    table = only(tabulate(scores, NO_FAILURES))
    assert all("psnr" in found.best for row in table.rows for found in row.cells)


def test_cells_under_a_noise_the_method_is_not_defined_for_are_marked():
    scores = made_up().assign(defined_for="gamma gaussian")
    scores.loc[scores["method"] == "sure", "defined_for"] = "gaussian"
    scores = scores[(scores["method"] != "sure") | (scores["noise"] == "gaussian")]
    scores = scores[(scores["method"] != "noise2noise") | (scores["noise"] == "gaussian")]
    table = only(tabulate(scores, NO_FAILURES))
    found = cell(table, "sure", noise="gamma", parameter=50)
    assert (found.status, found.error) == ("missing", "not defined for gamma noise")
    (line,) = [line for line in markdown([table]).splitlines() if line.startswith("| gamma k=50 | set12")]
    assert line.split(" | ")[5] == "not defined"
    assert line.split(" | ")[6] == "–"  # defined, and never run
    assert "not defined" in latex([table])


def test_a_failed_run_shows_for_which_noises_its_method_is_defined():
    failures = failed(failure("bad", defined_for="gaussian poisson"))
    table = only(tabulate(made_up(), failures))
    assert cell(table, "bad").status == "failed"
    assert cell(table, "bad", images="bsd68").error == ""
    assert cell(table, "bad", noise="gamma", parameter=50).error == "not defined for gamma noise"


@pytest.mark.parametrize(
    ("column", "other"),
    [
        ("training_images", "bsd500"),
        ("channels", 3),
        ("width", 24),
        ("steps", 100),
        ("batch", 4),
        ("patch", 32),
        ("learning_rate", 1e-3),
        ("training_noise", "resampled"),
        ("protocol", 2),
        ("device", "cpu"),
    ],
)
def test_setups_are_never_mixed(column, other):
    scores = pd.concat([made_up(), made_up(**{column: other, "psnr": 10.0})])
    tables = tabulate(scores, failed(failure(**{column: other, "seed": 7})))
    assert {getattr(table.setup, column) for table in tables} == {SETUP[column], other}
    ours, theirs = sorted(tables, key=lambda table: getattr(table.setup, column) == other)
    alone = only(tabulate(made_up(), NO_FAILURES))
    assert csv([ours]) == csv([alone])
    assert cell(theirs, "sure").psnr == 10
    assert (ours.seeds, theirs.seeds) == ((0, 1), (0, 1, 7))
    assert len(pd.read_csv(io.StringIO(csv(tables)))) == 40


def test_a_failure_that_later_finished_does_not_count():
    assert csv(tabulate(made_up(), failed(failure()))) == csv(tabulate(made_up(), NO_FAILURES))


def test_cells_never_run_are_shown_as_missing():
    scores = made_up()
    table = only(tabulate(scores[(scores["method"] != "sure") | (scores["noise"] != "gamma")], NO_FAILURES))
    found = cell(table, "sure", noise="gamma", parameter=50)
    assert found.status == "missing"
    (line,) = [line for line in markdown([table]).splitlines() if line.startswith("| gamma k=50 | set12")]
    assert line.split(" | ")[5] == "–"
    assert len(pd.read_csv(io.StringIO(csv([table]))).query("status == 'missing'")) == 2


def test_fewer_seeds_than_the_row_are_noted():
    scores = made_up()
    table = only(tabulate(scores[(scores["method"] != "sure") | (scores["seed"] != 1)], NO_FAILURES))
    assert cell(table, "sure").n_seeds == 1
    text = markdown([table])
    assert text.count("(1 of 2 seeds)") == len(table.rows)
