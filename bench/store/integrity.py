"""Seals: by which a run's folder shows that it is as it was written, to the last bit."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bench.errors import InputError
from bench.store.schema import fault_of
from bench.system.files import NEW, write_durably

if TYPE_CHECKING:
    from pathlib import Path

FACTS = "run.json"
FILES, SEAL = "files", "seal"
NEXT = "next"
"""The folder in a run's own that holds what ``run.json`` tells of already, on its way to its place."""


class DamagedRunError(InputError):
    """A run that is not as it was stored; the message names the file."""


def seal_folder(folder: Path, *, apart: frozenset[str] = frozenset()) -> None:
    """Record the sha256 of every file of a folder in its ``run.json``, and that of ``run.json`` itself.

    Args:
        folder: of a run, with its ``run.json``.
        apart: names of files that do not belong to the run.

    Raises:
        StorageError: ``run.json`` cannot be written.
    """
    files = {name: digest for name, digest in checksums(folder).items() if name not in apart | {FACTS}}
    write_facts(read_object(folder / FACTS) | {FILES: files}, folder)


def checksums(folder: Path) -> dict[str, str]:
    """Hash all whole files of a folder: their names, with forward slashes, and their sha256 in hex."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(NEW))
    return {path.relative_to(folder).as_posix(): _sha256(path.read_bytes()) for path in paths}


def write_facts(facts: dict[str, Any], folder: Path) -> None:
    """Write a run's facts under a seal of their own, in one step.

    Raises:
        StorageError: they cannot be written.
    """
    write_json(facts | {SEAL: _seal_of(facts)}, folder / FACTS)


def read_facts(folder: Path) -> dict[str, Any]:
    """Read a run's facts.

    Raises:
        DamagedRunError: there are none, or they are not as they were written.
    """
    path = folder / FACTS
    facts = read_object(path)
    if SEAL not in facts:
        raise DamagedRunError(f"{path} has no seal: it was cut, edited, or stored by an earlier version")
    if facts[SEAL] != _seal_of(facts):
        raise DamagedRunError(f"{path} is damaged: it is not as its seal says")
    if fault := fault_of(facts):
        raise DamagedRunError(f"{path} is damaged: {fault}")
    return facts


def read_file(folder: Path, name: str, facts: dict[str, Any]) -> bytes:
    """Read a file of a run, if it is as it was stored.

    Args:
        folder: of the run.
        name: of the file, relative to the folder, with forward slashes.
        facts: of the run, as by ``read_facts``.

    Raises:
        DamagedRunError: it is missing, or has changed.
    """
    path = folder / within(name, folder)
    if name not in facts[FILES]:
        raise DamagedRunError(f"{path} does not belong to the run: {FACTS} does not list it")
    there = [place for place in (path, folder / NEXT / name) if place.is_file()]
    if not there:
        raise DamagedRunError(f"{path} is missing")
    for place in there:
        content = place.read_bytes()
        if _sha256(content) == facts[FILES][name]:
            return content
    raise DamagedRunError(f"{path} is damaged: its sha256 is not the one in {FACTS}")


def check_folder(folder: Path) -> None:
    """See that a run is as it was stored, to the last bit of each of its files.

    Raises:
        DamagedRunError: it is not.
    """
    facts = read_facts(folder)
    for name in facts[FILES]:
        read_file(folder, name, facts)


def within(name: str, folder: Path) -> str:
    """Take a relative path as given, if it stays in its folder.

    Raises:
        DamagedRunError: it leads out of it.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise DamagedRunError(f"{folder} is damaged: it lists {name!r}, which leads out of it")
    return name


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        DamagedRunError: the file is missing, or holds something else.
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


def _seal_of(facts: dict[str, Any]) -> str:
    unsealed = {name: value for name, value in facts.items() if name != SEAL}
    return _sha256(json.dumps(unsealed, sort_keys=True, separators=(",", ":")).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
