"""The coordinator: an actor beside the driver, to which the workers of a cluster report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.store.archive import pack
from bench.store.store import CHECKPOINT, PARTIAL, Store
from bench.system.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from bench.store.archive import Parcel


class Coordinator:
    """Keeps checkpoints in the driver's store, and passes on what workers say.

    Args:
        root: of the store, absolute, since an actor has a folder of its own.
    """

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self.said: list[tuple[str, str, tuple[Any, ...]]] = []

    def fetch(self, key: str) -> Parcel:
        """Give what the store has of a run: all of a finished one, else the last checkpoint, if any.

        Returns:
            Files by their paths in the store.

        Raises:
            DamagedRunError: the run is not as it was stored.
        """
        if key in self.store:
            return {f"{key}/{name}": content for name, content in pack(self.store.root / key).items()}
        path = self._checkpoint(key)
        return {path.relative_to(self.store.root).as_posix(): path.read_bytes()} if path.is_file() else {}

    def keep(self, key: str, checkpoint: bytes) -> None:
        """Write a checkpoint in the place of the one before it.

        Raises:
            StorageError: it cannot be written.
        """
        # The folder is the driver's to make: what a worker sends after its run is over has no place.
        write_durably(self._checkpoint(key), checkpoint)

    def record_event(self, key: str, event: str, *what: Any) -> None:
        """Remember what a worker says of a run: an event of ``Watcher`` and its arguments."""
        self.said.append((key, event, what))

    def drain_events(self) -> list[tuple[str, str, tuple[Any, ...]]]:
        """Give what was said since the last call."""
        said, self.said = self.said, []
        return said

    def _checkpoint(self, key: str) -> Path:
        return self.store.root / PARTIAL / key / CHECKPOINT
