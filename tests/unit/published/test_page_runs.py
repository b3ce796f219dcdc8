"""The runs of a page: which are compared with the table, which are complete, and on what they ran."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from bench.errors import InputError
from bench.published.page_runs import PageRuns
from bench.store.reference import open_reference
from tests.support.results.pages import METHODS
from tests.support.results.references import write_reference
from tests.support.results.scores import SEES

if TYPE_CHECKING:
    from tests.support.results.pages import Workspace


def open_runs(workspace: Workspace, name: str = "one") -> PageRuns:
    return PageRuns(workspace.published, open_reference(workspace.reports / name), workspace.reports)


def test_main_runs_have_the_training_noise_and_images_of_the_table(workspace: Workspace) -> None:
    main = open_runs(workspace).main
    assert set(main["training_noise"]) == {"frozen"}
    assert set(main["training_images"]) == {"bsd400"}
    assert sorted(main["psnr"]) == sorted(workspace.main["psnr"])


def test_complete_methods_ran_under_every_noise_on_every_set(workspace: Workspace) -> None:
    main = workspace.main
    partial = (main["method"] == "sure") & (main["noise"] == "gamma") & (main["images"] == "set12")
    write_reference(workspace.reports / "partial", main[~partial])
    assert set(open_runs(workspace, "partial").complete["method"]) == set(SEES) - {"sure"}


def test_scores_are_selected_by_one_value_or_several(workspace: Workspace) -> None:
    runs = open_runs(workspace)
    assert len(runs.select(training_noise="resampled")) == len(workspace.redrawn)
    both = runs.select(training_noise=["frozen", "resampled"], training_images="bsd400")
    assert len(both) == len(workspace.redrawn) + len(workspace.main)
    assert sorted(runs.tuning["psnr"]) == sorted(workspace.tuning["psnr"])
    with pytest.raises(InputError, match="'training_noize'; did you mean 'training_"):
        runs.select(training_noize="frozen")
    with pytest.raises(InputError, match=r"no scores of \{'training_noise': 'foul'\}"):
        runs.select(training_noise="foul")


def test_baselines_and_unpublished_methods_are_those_with_scores(workspace: Workspace) -> None:
    runs = open_runs(workspace)
    assert (runs.methods, runs.baselines, runs.has_unpublished) == (METHODS, ["supervised"], True)
    write_reference(workspace.reports / "few", workspace.main.query("method == 'sure'"))
    few = open_runs(workspace, "few")
    assert (few.baselines, few.has_unpublished) == ([], False)


def test_repeated_runs_are_those_of_the_main_runs_alone(workspace: Workspace) -> None:
    pd.testing.assert_frame_equal(open_runs(workspace).repeated.means, workspace.repeated.means)


def test_the_hardware_is_that_of_the_main_runs(workspace: Workspace) -> None:
    main = set(workspace.repeated.means.index.unique("key"))
    for number, path in enumerate(sorted((workspace.reports / "one" / "runs").glob("*.json"))):
        record = json.loads(path.read_text(encoding="utf-8"))
        record["hardware"]["name"] = ["first", "second"][number % 2] if path.stem in main else "of the search"
        path.write_text(json.dumps(record), encoding="utf-8")
    assert open_runs(workspace).hardware == "first and second"
