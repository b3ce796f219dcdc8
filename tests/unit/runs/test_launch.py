"""Launching a grid: failed jobs are stored apart, and the others continue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.analysis.tabulate import tabulate
from bench.runs import fit

if TYPE_CHECKING:
    import pytest

    from tests.support.runs import Tiny


def test_a_failed_run_is_stored_apart_and_the_others_continue(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fit.train

    def explode(net: Any, method: Any, *args: Any, **kwargs: Any) -> Any:
        if type(method).__name__ == "Sure":
            raise RuntimeError("it exploded")
        return real(net, method, *args, **kwargs)

    monkeypatch.setattr(fit, "train", explode)
    outcomes = tiny.launch(methods=("supervised", "sure", "noise2noise"))
    assert outcomes == ["trained", "failed: it exploded", "trained"]
    store = tiny.context.store
    failed = tiny.jobs(methods=("sure",))[0]
    assert failed.key not in store
    assert set(store.scores()["method"]) == {"supervised", "noise2noise"}
    (row,) = store.failures().to_dict("records")
    assert (row["method"], row["images"], row["error"]) == ("sure", "test", "RuntimeError: it exploded")
    monkeypatch.undo()
    assert tiny.launch(methods=("sure",)) == ["trained"]
    assert store.failures().empty


def test_the_table_shows_where_a_method_is_not_defined(tiny: Tiny, gaussian_only: str) -> None:
    for noise, chosen in (("gaussian:25", (gaussian_only,)), ("gamma:50", ("supervised",))):
        assert tiny.launch(methods=chosen, noises=(noise,)) == ["trained"]
    (table,) = tabulate(tiny.context.store.scores(), tiny.context.store.failures())
    errors = {(row.noise, cell.method): cell.error for row in table.rows for cell in row.cells}
    assert errors["gamma", gaussian_only] == "not defined for gamma noise"
    assert errors["gaussian", "supervised"] == ""
