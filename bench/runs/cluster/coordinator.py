"""The coordinator: an actor on the driver's machine, to which the workers of a cluster report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.store.archive import pack
from bench.store.layout import CHECKPOINT, PARTIAL
from bench.store.store import Store
from bench.system.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from bench.runs.context import Watcher
    from bench.runs.plan import Job
    from bench.store.archive import Archive


@dataclass(frozen=True)
class Started:
    """A worker started a job."""

    def show(self, watcher: Watcher, job: Job) -> None:
        """Pass the event to a watcher."""
        watcher.started(job)


@dataclass(frozen=True)
class Progressed:
    """A worker logged an entry of a job's training."""

    entry: dict[str, Any]

    def show(self, watcher: Watcher, job: Job) -> None:
        """Pass the event to a watcher."""
        watcher.progressed(job, self.entry)


@dataclass(frozen=True)
class Warned:
    """A worker warned about a job."""

    text: str

    def show(self, watcher: Watcher, job: Job) -> None:
        """Pass the event to a watcher."""
        watcher.warned(job, self.text)


Event = Started | Progressed | Warned


class Coordinator:
    """Writes checkpoints to the driver's store, and keeps the events of workers until the driver reads them.

    Args:
        root: absolute path of the store, since an actor has its own working directory.
    """

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.events: list[tuple[str, Event]] = []

    def fetch(self, key: str) -> Archive:
        """Read what the store has of a run: all files if it is finished, else the last checkpoint, if any.

        Returns:
            The files, by their paths in the store.

        Raises:
            DamagedRunError: the run has changed since it was stored.
        """
        if key in self.store:
            return {f"{key}/{name}": content for name, content in pack(self.store.root / key).items()}
        path = self._checkpoint(key)
        return {path.relative_to(self.store.root).as_posix(): path.read_bytes()} if path.is_file() else {}

    def keep(self, key: str, checkpoint: bytes) -> None:
        """Replace the checkpoint of a run.

        Raises:
            StorageError: it cannot be written.
        """
        # Only the driver creates the folder: checkpoints that arrive after the end of a run are dropped.
        write_durably(self._checkpoint(key), checkpoint)

    def record_event(self, key: str, event: Event) -> None:
        """Remember an event that a worker reports."""
        self.events.append((key, event))

    def drain_events(self) -> list[tuple[str, Event]]:
        """Return the events since the last call, with the keys of the runs."""
        events, self.events = self.events, []
        return events

    def _checkpoint(self, key: str) -> Path:
        return self.store.root / PARTIAL / key / CHECKPOINT
