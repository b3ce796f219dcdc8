"""The numbers in the text of a page, computed here with pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.analysis.columns import CELL, CellKey
from bench.analysis.equivalence import relation_of
from bench.analysis.paired import difference_of
from bench.analysis.questions import differences_to
from bench.analysis.scatter import seed_scatter
from bench.errors import InputError
from bench.output.markup import signed
from bench.published.page_numbers import PageNumbers
from bench.published.page_runs import PageRuns
from bench.store.reference import open_reference
from bench.tables.paired_differences import format_difference

if TYPE_CHECKING:
    import pandas as pd

    from tests.support.results.pages import Workspace

ROW = ("gaussian", 25.0, "bsd68")


@pytest.fixture
def numbers(workspace: Workspace) -> PageNumbers:
    results = open_reference(workspace.reports / "one")
    return PageNumbers(PageRuns(workspace.published, results, workspace.reports))


def of(scores: pd.DataFrame, method: str) -> pd.DataFrame:
    return scores[(scores[CELL] == [*ROW, method]).all(axis=1)]


def test_published_numbers_and_their_difference(workspace: Workspace, numbers: PageNumbers) -> None:
    printed = workspace.published.cells.set_index(CELL)["psnr"]
    sure, bm3d = printed[*ROW, "sure"], printed[*ROW, "bm3d"]
    assert numbers.published("sure", *ROW) == sure
    assert numbers.published_difference("sure", "bm3d", *ROW) == signed(sure - bm3d)


def test_our_means_and_differences(workspace: Workspace, numbers: PageNumbers) -> None:
    sure, supervised = of(workspace.main, "sure"), of(workspace.main, "supervised")
    assert numbers.mean("sure", *ROW) == pytest.approx(sure["psnr"].mean(), abs=1e-9)
    assert numbers.psnr("sure", *ROW).startswith(f"{sure['psnr'].mean():.2f} ±")
    pair = difference_of(sure, supervised)
    assert pair.mean == pytest.approx(sure["psnr"].mean() - supervised["psnr"].mean(), abs=1e-8)
    family = differences_to(workspace.main, "supervised")
    assert numbers.difference("sure", "supervised", *ROW) == format_difference(family[CellKey(*ROW, "sure")])
    # The other way round it is the same test.
    swapped = -family[CellKey(*ROW, "sure")]
    assert numbers.difference("supervised", "sure", *ROW) == format_difference(swapped)
    assert numbers.relation("sure", "supervised", *ROW) == relation_of(family[CellKey(*ROW, "sure")])


def test_the_difference_on_one_image(workspace: Workspace, numbers: PageNumbers) -> None:
    redrawn = workspace.redrawn
    parts = [of(scores, "sure").query("image == 'b.png'") for scores in (redrawn, workspace.main)]
    expected = signed(parts[0]["psnr"].mean() - parts[1]["psnr"].mean())
    assert numbers.difference_on_image(redrawn, "sure", *ROW, image="b.png") == expected


def test_scatter_of_seeds_and_of_repeated_training(workspace: Workspace, numbers: PageNumbers) -> None:
    main = workspace.main
    of_seeds = seed_scatter(main[main["images"] == "bsd68"])
    assert {method: numbers.seed_scatter(method, "bsd68") for method in of_seeds} == of_seeds
    assert numbers.retraining_scatter("sure", "bsd68") == workspace.repeated.scatter("sure", "bsd68")
    again, committed = of(workspace.stored("again"), "sure"), of(main, "sure")
    difference = again["psnr"].mean() - committed["psnr"].mean()
    assert numbers.retraining_difference("sure", *ROW) == signed(difference)


def test_hours_count_each_training_run_once(workspace: Workspace, numbers: PageNumbers) -> None:
    # One run for each method, noise and seed, however many images and sets it was scored on.
    main = workspace.main
    hours = main.drop_duplicates(["method", "noise", "seed"])["training_seconds"].sum() / 3600
    assert numbers.hours(numbers.runs.main) == pytest.approx(hours)
    both = numbers.runs.select(training_noise=["frozen", "resampled"], training_images="bsd400")
    assert numbers.hours(both) == pytest.approx(2 * hours)


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("psnr", ("bm3d", *ROW), "no scores of bm3d on gaussian σ=25, bsd68"),
        ("psnr", ("sure", "poisson", 0.05, "bsd68"), "no scores of sure on poisson ζ=0.05, bsd68"),
        ("mean", ("sure", "gaussian", 50, "bsd68"), "no scores of sure on gaussian σ=50, bsd68"),
        ("psnr", ("sure", "gamma", 50, "kodak24"), "no scores of sure on gamma k=50, kodak24"),
        ("published", ("sure", "gamma", 50, "set12"), "no scores of sure on gamma k=50, set12"),
        ("difference", ("sure", "bm3d", *ROW), "no scores of bm3d"),
        ("seed_scatter", ("bm3d", "bsd68"), "no cell of bm3d on bsd68 was trained with two seeds"),
        ("retraining_scatter", ("noise2void", "bsd68"), "no run of noise2void was trained again on bsd68"),
        ("retraining_difference", ("noise2void", *ROW), "no run .* on gaussian σ=25, bsd68"),
        ("retraining_difference", ("bm3d", *ROW), "no scores of bm3d"),
    ],
)
def test_a_number_without_scores_is_refused(
    numbers: PageNumbers, name: str, arguments: tuple, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        getattr(numbers, name)(*arguments)
