"""Checksums, which reveal any change of a run's folder since it was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.errors import InputError
from bench.store.record import StoredRecord
from bench.system.files import NEW, write_durably

if TYPE_CHECKING:
    from pathlib import Path

    from bench.store.record import RunRecord

RECORD = "run.json"
FILES, CHECKSUM = "files", "seal"
NEXT = "next"
"""Subfolder of a run for files that ``run.json`` already lists, until they are moved to their places."""


class DamagedRunError(InputError):
    """A run has changed since it was stored; the message names the file."""


def add_checksums(folder: Path, *, without: frozenset[str] = frozenset()) -> None:
    """Record the sha256 of every file of a run in its ``run.json``, and that of ``run.json`` itself.

    Args:
        folder: folder of the run, with its ``run.json``.
        without: names of files that do not belong to the run.

    Raises:
        StorageError: ``run.json`` cannot be written.
    """
    files = {name: sha256 for name, sha256 in checksums(folder).items() if name not in without | {RECORD}}
    write_checked(read_object(folder / RECORD) | {FILES: files}, folder)


def checksums(folder: Path) -> dict[str, str]:
    """Return the names of all complete files of a folder, with forward slashes, and their sha256 in hex."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(NEW))
    return {path.relative_to(folder).as_posix(): _sha256(path.read_bytes()) for path in paths}


def write_record(record: RunRecord, folder: Path) -> None:
    """Write the record of a run with its checksum, in one step.

    Raises:
        StorageError: it cannot be written.
    """
    write_checked(record.to_json(), folder)


def write_checked(content: dict[str, Any], folder: Path) -> None:
    """Write ``run.json`` with its checksum, in one step.

    Raises:
        StorageError: it cannot be written.
    """
    write_json(content | {CHECKSUM: _checksum_of(content)}, folder / RECORD)


def read_record(folder: Path) -> StoredRecord:
    """Read the record of a run.

    Raises:
        DamagedRunError: the record is missing, or has changed since it was written.
    """
    path = folder / RECORD
    content = read_object(path)
    if CHECKSUM not in content:
        raise DamagedRunError(f"{path} has no checksum: it was cut, edited, or stored by an earlier version")
    if content[CHECKSUM] != _checksum_of(content):
        raise DamagedRunError(f"{path} is damaged: its checksum is not the one that it holds")
    try:
        return StoredRecord.from_json(content)
    except ValueError as error:
        raise DamagedRunError(f"{path} is damaged: {error}") from error


def read_file(folder: Path, name: str, record: StoredRecord) -> bytes:
    """Read a file of a run, and verify its checksum.

    Args:
        folder: folder of the run.
        name: name of the file, relative to the folder, with forward slashes.
        record: record of the run.

    Raises:
        DamagedRunError: it is missing, or has changed.
    """
    path = folder / within(name, folder)
    if name not in record.files:
        raise DamagedRunError(f"{path} does not belong to the run: {RECORD} does not list it")
    found = [place for place in (path, folder / NEXT / name) if place.is_file()]
    if not found:
        raise DamagedRunError(f"{path} is missing")
    for place in found:
        content = place.read_bytes()
        if _sha256(content) == record.files[name]:
            return content
    raise DamagedRunError(f"{path} is damaged: its sha256 is not the one in {RECORD}")


def check_folder(folder: Path) -> None:
    """Check that no bit of any file of a run has changed since it was stored.

    Raises:
        DamagedRunError: a file has changed, or is missing.
    """
    record = read_record(folder)
    for name in record.files:
        read_file(folder, name, record)


def within(name: str, folder: Path) -> str:
    """Return a relative path unchanged, after checking that it stays inside its folder.

    Raises:
        DamagedRunError: it leads out of the folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise DamagedRunError(f"{folder} is damaged: it lists {name!r}, which leads out of it")
    return name


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DamagedRunError: the file is missing, or is not a JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedRunError(f"{path} is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedRunError(f"{path} is damaged: it cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise DamagedRunError(f"{path} is damaged: it holds {type(content).__name__}, not a JSON object")
    return content


def write_json(content: dict[str, Any], path: Path) -> None:
    """Write a JSON object in one step.

    Raises:
        StorageError: it cannot be written.
    """
    write_durably(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def _checksum_of(content: dict[str, Any]) -> str:
    others = {name: value for name, value in content.items() if name != CHECKSUM}
    return _sha256(json.dumps(others, sort_keys=True, separators=(",", ":")).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
