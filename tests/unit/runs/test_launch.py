"""Launching a grid: failed jobs are stored apart, and the others continue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.analysis.tabulate import tabulate
from bench.runs import fit
from bench.runs.launch import Queue, launch
from bench.store.locks import BusyError
from methods.supervised import Supervised
from tests.support.results.records import write_made_up
from tests.support.runs import Silent

if TYPE_CHECKING:
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


@dataclass(frozen=True)
class Failing(Supervised):
    """A method with a fault."""

    def loss(self, *_: Any) -> Any:
        """Fail."""
        return 1 / 0


def test_a_failure_names_the_line_of_the_method(tiny: Tiny) -> None:
    job = replace(tiny.jobs()[0], method=Failing())
    watcher = Silent()
    assert launch([job], tiny.context, watcher) == [job]
    line = Failing.loss.__code__.co_firstlineno + 2
    assert watcher.outcomes == [f"failed: division by zero ({Path(__file__).name}, line {line})"]


def test_the_table_shows_where_a_method_is_not_defined(tiny: Tiny, gaussian_only: str) -> None:
    for noise, chosen in (("gaussian:25", (gaussian_only,)), ("gamma:50", ("supervised",))):
        assert tiny.launch(methods=chosen, noises=(noise,)) == ["trained"]
    (table,) = tabulate(tiny.context.store.scores(), tiny.context.store.failures())
    errors = {(row.noise, cell.method): cell.error for row in table.rows for cell in row.cells}
    assert errors["gamma", gaussian_only] == "not defined for gamma noise"
    assert errors["gaussian", "supervised"] == ""


def test_a_job_is_left_to_another_process_until_its_lock_is_free(tiny: Tiny) -> None:
    (job,), watcher = tiny.jobs(), Silent()
    queue = Queue([job], tiny.context, watcher)
    with tiny.context.store.lock(job.key):
        assert [queue.take(), queue.take()] == [None, None]
        assert watcher.warnings == ["another process is working on it"]
    claim = queue.take()
    assert claim.job is job
    with pytest.raises(BusyError), tiny.context.store.lock(job.key):
        pass
    claim.lock.close()
    assert not queue.left


def test_a_job_that_failed_in_another_process_meanwhile_is_not_tried_again(tiny: Tiny) -> None:
    (job,), store = tiny.jobs(), tiny.context.store
    queue = Queue([job], tiny.context, Silent())
    with store.lock(job.key):
        assert queue.take() is None
        with pytest.raises(RuntimeError), store.writing(job.key) as folder:
            write_made_up(folder, job.key, error="it diverged", started="2999-01-01T00:00:00+00:00")
            raise RuntimeError
    assert queue.take() is None
    assert queue.failed == [job]
