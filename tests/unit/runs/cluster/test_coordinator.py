"""The coordinator: it keeps checkpoints and events, and returns what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.runs.cluster.coordinator import Coordinator, Progressed, Started, Warned
from bench.store.layout import CHECKPOINT, PARTIAL
from bench.store.store import Store
from bench.system.files import StorageError
from tests.support.results.stored import store_run
from tests.support.runs import Silent

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs.plan import Job
    from tests.support.runs import Tiny


class Recorder(Silent):
    """Keeps all that it is shown."""

    def started(self, job: Job) -> None:
        self.outcomes.append(f"started {job.key}")

    def progressed(self, job: Job, entry: dict[str, Any]) -> None:
        self.outcomes.append(f"step {entry['step']}")


def test_events_are_drained_once_in_their_order(tmp_path: Path, tiny: Tiny) -> None:
    coordinator = Coordinator(tmp_path)
    for event in (Started(), Progressed({"step": 20}), Warned("slow")):
        coordinator.record_event("key", event)
    (job,), watcher = tiny.jobs(), Recorder()
    for key, event in coordinator.drain_events():
        assert key == "key"
        event.show(watcher, job)
    assert watcher.outcomes == [f"started {job.key}", "step 20"]
    assert watcher.warnings == ["slow"]
    assert coordinator.drain_events() == []


def test_a_checkpoint_is_returned_as_it_was_kept(tmp_path: Path) -> None:
    coordinator = Coordinator(tmp_path)
    assert coordinator.fetch("key") == {}
    with pytest.raises(StorageError):
        coordinator.keep("key", b"without a folder of the driver")
    Store.open(tmp_path).begin("key")
    coordinator.keep("key", b"after a step")
    assert coordinator.fetch("key") == {f"{PARTIAL}/key/{CHECKPOINT}": b"after a step"}


def test_a_finished_run_is_returned_with_all_its_files(tmp_path: Path) -> None:
    store_run(Store.open(tmp_path), "key", finished="1")
    assert sorted(Coordinator(tmp_path).fetch("key")) == ["key/run.json", "key/scores.parquet"]
