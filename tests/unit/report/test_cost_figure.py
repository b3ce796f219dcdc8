"""The Pareto front of quality and cost."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from bench.report.cost_figure import draw_cost_figure, on_front
from bench.report.numbers import cells
from bench.report.recommendation import recommend
from bench.tables.method_costs import sharing_in
from tests.support.results.reports import one_table
from tests.support.results.scores import made_up


@given(
    st.lists(st.tuples(st.integers(1, 5).map(float), st.integers(1, 5).map(float)), min_size=1, max_size=8)
)
def test_no_point_beats_one_on_the_front(points):
    def beats(one, other):
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    front = on_front(*zip(*points, strict=True))
    assert front == [not any(beats(other, point) for other in points) for point in points]
    # Each other point is beaten by one on the front.
    best = [point for point, on in zip(points, front, strict=True) if on]
    assert all(on or any(beats(one, point) for one in best) for point, on in zip(points, front, strict=True))


def test_untrained_methods_cost_nothing_and_are_not_recommended(tmp_path):
    scores = made_up(
        {"reference": "noisy + noise, untrained", "sure": "noisy + noise", "noise2void": "noisy"}
    )
    untrained = scores["method"] == "reference"
    scores.loc[untrained, ["training_seconds", "training_flops", "patches_per_second"]] = 0.0
    scores.loc[untrained, "psnr"] += 20
    table = one_table(scores)
    numbers = cells(table, scores)
    figure = draw_cost_figure(numbers, table.methods, folder=tmp_path, stem="cost")
    assert figure.caption.endswith("At 0: methods that need no training.")
    drawn = pd.read_csv(tmp_path / "cost.csv")
    assert set(drawn.loc[drawn["on_front"], "method"]) == {"reference"}  # better than all at no cost
    assert {each.method for each in recommend(numbers, scores, None)} == {"noise2void"}
    others = numbers[numbers["method"] != "reference"]
    assert "no training" not in draw_cost_figure(others, table.methods, folder=tmp_path, stem="cost").caption


def test_seconds_have_a_front_of_their_own(tmp_path):
    scores = made_up({"noise2void": "noisy", "sure": "noisy + noise"})
    sure = scores["method"] == "sure"  # better, with more operations
    for seconds, both in ((5.0, False), (5000.0, True)):
        scores.loc[sure, "training_seconds"] = seconds
        table = one_table(scores)
        draw_cost_figure(cells(table, scores), table.methods, folder=tmp_path, stem="cost")
        drawn = pd.read_csv(tmp_path / "cost.csv")
        assert drawn["on_front"].all()
        assert set(drawn.loc[drawn["on_front_of_seconds"], "method"]) == (
            {"noise2void", "sure"} if both else {"sure"}
        )


def test_the_caption_has_what_is_known_of_shared_cores(tmp_path):
    scores = made_up(device="cpu", core_share=0.5)
    table = one_table(scores)
    figure = draw_cost_figure(
        cells(table, scores), table.methods, sharing=sharing_in(table), folder=tmp_path, stem="cost"
    )
    assert (
        "its load; cores were shared with other work (a training thread had 50% of one). " in figure.caption
    )
