"""Recommended methods."""

from __future__ import annotations

import pytest

from bench.analysis.columns import ROW
from bench.analysis.paired import difference_of
from bench.report.numbers import cells
from bench.report.recommendation import recommend
from tests.support.results.reports import one_table
from tests.support.results.scores import failed, failure, made_up


def test_recommended_methods_are_self_supervised_and_lead_by_the_paired_difference():
    scores = made_up()
    chosen = recommend(cells(one_table(scores), scores), scores, "supervised")
    assert len(chosen) == len(scores.drop_duplicates(ROW))
    for each in chosen:
        assert each.method == "noise2score:domain=raw,formula=paper"  # the last of those in SEES
        assert each.second == "sure"
    first = chosen[0]
    noise = first.label.partition(" ")[0]
    row = scores[(scores["noise"] == noise) & (scores["images"] == first.images)]
    ours, second = (row[row["method"] == name] for name in (first.method, first.second))
    assert first.lead.startswith(f"+{difference_of(ours, second).mean:.2f} [")
    assert first.gap.startswith("−")
    assert first.cost == pytest.approx(ours["training_flops"].mean() / second["training_flops"].mean())


def test_a_failed_method_is_never_recommended():
    scores = made_up()
    best = "noise2score:domain=raw,formula=paper"
    failures = failed(failure(best, seed=2), failure(best, seed=2, images="bsd68"))
    table = one_table(scores, failures)
    chosen = recommend(cells(table, scores), scores, "supervised")
    assert [each.method for each in chosen if each.label.startswith("gaussian")] == ["sure"] * 2
    assert [each.method for each in chosen if each.label.startswith("gamma")] == [best] * 2
