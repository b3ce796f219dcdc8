"""Parcels: a run's files as one object, which can be sent from one machine's store to another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.store.integrity import FACTS, FILES, read_facts, read_file, within
from bench.system.files import storing, write_durably

if TYPE_CHECKING:
    from pathlib import Path

Parcel = dict[str, bytes]
"""Contents by file name, relative to a folder, with forward slashes."""


def pack(run: Path) -> Parcel:
    """Read the files of a run.

    Raises:
        DamagedRunError: it is not as it was stored.
    """
    facts = read_facts(run)
    return {name: read_file(run, name, facts) for name in facts[FILES]} | {FACTS: (run / FACTS).read_bytes()}


def unpack(parcel: Parcel, folder: Path) -> None:
    """Write the files of a parcel.

    Raises:
        DamagedRunError: a name leads out of the folder.
        StorageError: they cannot be written.
    """
    for name, content in parcel.items():
        path = folder / within(name, folder)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)
