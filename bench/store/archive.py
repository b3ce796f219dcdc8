"""Archives: the files of a run as one object, to be sent between the stores of two machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.store.checksums import RECORD, read_file, read_record, within
from bench.system.files import storing, write_durably

if TYPE_CHECKING:
    from pathlib import Path

Archive = dict[str, bytes]
"""Contents by file name, relative to a folder, with forward slashes."""


def pack(run: Path) -> Archive:
    """Read the files of a run.

    Raises:
        DamagedRunError: the run has changed since it was stored.
    """
    record = read_record(run)
    return {name: read_file(run, name, record) for name in record.files} | {
        RECORD: (run / RECORD).read_bytes()
    }


def unpack(archive: Archive, folder: Path) -> None:
    """Write the files of an archive.

    Raises:
        DamagedRunError: a name leads out of the folder.
        StorageError: they cannot be written.
    """
    for name, content in archive.items():
        path = folder / within(name, folder)
        with storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)
