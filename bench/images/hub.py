"""Image sets from the Hugging Face hub: the first image column of a data set.

Its files pass the same checks as all others, and no file outside the data set is read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from bench.errors import InputError
from bench.images.image_set import ImageSet, build_set, require_set_name
from bench.images.safe_decode import require_inside
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = Mapping[str, Any] | None

SPEC = re.compile(r"hub:(?P<repository>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[^:@]+))?(:(?P<split>.+))?")


def open_hub_set(spec: str, *, channels: int) -> ImageSet:
    """Open a data set of the hub.

    Args:
        spec: ``hub:OWNER/NAME[@REVISION][:SPLIT]``.
        channels: 1 (grey) or 3 (RGB).

    Raises:
        InputError: if the spec is malformed; if the data set cannot be loaded, has several splits and the
            spec names none, or has no image column; if a file is outside the data set; or as raised by
            `build_set`.
    """
    match = SPEC.fullmatch(spec)
    if match is None:
        raise InputError(f"image set {spec!r}; allowed: hub:OWNER/NAME[@REVISION][:SPLIT]")
    name, repository = spec.removeprefix("hub:"), match["repository"]
    require_set_name(name)
    rows = _image_column(spec, _load(spec, repository, revision=match["revision"], split=match["split"]))
    folders = allowed_folders(repository)
    files = dict(file_of(spec, index, row, folders) for index, row in enumerate(rows))
    notes = () if match["revision"] else (f"{spec}: no revision named, so the images may change",)
    licence = f"see https://huggingface.co/datasets/{repository}"
    return build_set(name, files, channels=channels, licence=licence, notes=notes)


def _load(spec: str, repository: str, *, revision: str | None, split: str | None) -> datasets.Dataset:
    try:
        loaded = datasets.load_dataset(repository, revision=revision, split=split)
    except Exception as error:
        raise InputError(
            f"image set {spec!r} cannot be loaded from the Hugging Face hub ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(loaded, datasets.DatasetDict):
        return loaded
    if len(loaded) > 1:
        splits = ", ".join(loaded)
        raise InputError(f"image set {spec!r} has the splits {splits}; name one, as {spec}:SPLIT")
    return next(iter(loaded.values()))


def _image_column(spec: str, table: datasets.Dataset) -> Iterable[Row]:
    """Return the first image column without decoding it, so that every file passes the checks of `decode`."""
    columns = [name for name, feature in table.features.items() if isinstance(feature, datasets.Image)]
    if not columns:
        raise InputError(f"image set {spec!r} has no image column; its columns: {', '.join(table.features)}")
    rows: Iterable[Row] = table.cast_column(columns[0], datasets.Image(decode=False))[columns[0]]
    return rows


def allowed_folders(repository: str) -> tuple[Path, ...]:
    """List the folders that images of a repository may be read from.

    These are the repository's part of the hub's cache, the downloads of ``datasets``, and the folder of the
    same name in the working directory, which ``load_dataset`` prefers.
    """
    cached = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="dataset")
    downloads = (datasets.config.DOWNLOADED_DATASETS_PATH, datasets.config.EXTRACTED_DATASETS_PATH)
    return cached, *map(Path, downloads), Path(repository)


def file_of(spec: str, index: int, row: Row, folders: tuple[Path, ...]) -> tuple[str, Path | bytes]:
    """Return the name of a row's file, and its content or path.

    The index is part of the name, since base names may repeat. The path in a row without content is
    arbitrary, so only files of the repository are read.

    Args:
        spec: name of the set in messages.
        index: number of the row.
        row: ``path`` and ``bytes``, each of which may be None.
        folders: folders that may contain the file.

    Raises:
        InputError: if the row is empty, or its file has an unsafe name or is outside ``folders``.
    """
    if row is None:
        raise InputError(f"image set {spec!r}: row {index} holds no image")
    if row["path"] is None:
        return f"{index:05d}", row["bytes"]
    path = Path(row["path"])
    name = f"{index:05d}-{path.name}"
    require_name(name, of=f"image set {spec!r}, row {index}")
    if row["bytes"] is not None:
        return name, row["bytes"]
    require_inside(path, *folders)
    return name, path
