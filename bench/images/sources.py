"""Open image sets from a folder, a pinned download, scikit-image's photographs or the Hugging Face hub."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import InputError, unknown
from bench.images.clean_image import CleanImage, decode, grey
from bench.images.download import download
from bench.images.image_set import ImageSet, build_set
from bench.images.registry import REGISTRY
from bench.images.safe_decode import require_inside
from bench.system.files import open_folder

if TYPE_CHECKING:
    from bench.images.registry import Entry

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
UNREAD = (
    *(".avif", ".czi", ".dng", ".exr", ".fits", ".gif", ".heic", ".ims", ".j2k", ".jp2", ".jxl", ".lif"),
    *(".lsm", ".nd2", ".npy", ".pbm", ".pgm", ".pnm", ".ppm"),
)
"""Suffixes of images that are not read, and are named as left out."""
NESTED = "**"
DATA_VARIABLE = "NOISEBENCH_DATA"


def open_set(spec: str, *, channels: int, data: Path | None = None) -> ImageSet:
    """Open an image set.

    Args:
        spec: a name of `REGISTRY`; a folder (with a path separator, starting with ``.`` or ``~``, or one
            that exists) whose image files, sorted by name, are the set, with those of its subfolders if it
            ends with ``/**``; or ``hub:OWNER/NAME[@REVISION][:SPLIT]``, the first image column of a Hugging
            Face data set.
        channels: 1 (grey) or 3 (RGB). Colour is converted to grey if grey is requested, never the reverse.
        data: folder with a subfolder for each registered set; by default the one that NOISEBENCH_DATA names.
            Missing registered sets are downloaded into the user's cache folder.

    The folder of a set may itself be a link. A file is refused if a link leads out of that folder to it, or
    if a table on the hub refers to a file elsewhere.

    Raises:
        InputError: if there is no such set; if its name or that of an image could lead out of a folder or
            control a terminal; if a file is missing, outside the folder or not a usable image; or if the
            pixels of a registered set differ from its manifest.
    """
    if channels not in (1, 3):
        raise InputError(f"{channels!r} channels; allowed: 1 (grey) or 3 (RGB)")
    if spec in REGISTRY:
        return _open_registered(REGISTRY[spec], channels=channels, data=data)
    if spec.startswith("hub:"):
        from bench.images.hub import open_hub_set  # datasets takes seconds to import

        return open_hub_set(spec, channels=channels)
    if _is_path(spec):
        path = Path(spec).expanduser()
        nested = path.name == NESTED
        return _open_folder(path.parent if nested else path, nested=nested, channels=channels)
    raise InputError(f"{unknown('image set', spec, REGISTRY)} Or a folder, as ./photos; or hub:OWNER/NAME.")


def named_data_folder(data: Path | None) -> Path | None:
    """Return the folder of the image sets: the one given, else the one that NOISEBENCH_DATA names, if any."""
    named = data or os.environ.get(DATA_VARIABLE)
    return Path(named).expanduser() if named else None


def require_own_name(images: ImageSet) -> None:
    """Check that images with the name of a registered set are the images of that set.

    Raises:
        InputError: they are different images, such as those in a folder of the same name.
    """
    entry = REGISTRY.get(images.name)
    own = {image.name: image.fingerprint for image in images}
    # A colour set that was converted to grey has other pixels than its manifest.
    if entry and entry.channels == images.channels and own != entry.fingerprints:
        raise InputError(
            f"images with the name of the registered set {images.name!r}, but different pixels: rename them"
        )


def write_manifest(image_set: ImageSet, path: Path) -> None:
    """Write the fingerprints of a set as CSV, ``name,sha256``, the format of the registered sets' manifests.

    The fingerprints of JPEG files depend on the decoder, libjpeg-turbo in every Pillow wheel.
    """
    with (open_folder(path.parent) / path.name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "sha256"))
        writer.writerows((image.name, image.fingerprint) for image in image_set)


def _is_path(spec: str) -> bool:
    looks_like_one = spec.startswith((".", "~")) or "/" in spec or os.sep in spec
    return looks_like_one or os.path.isdir(spec)  # noqa: PTH112 - Path.is_dir raises if a name is too long


def _open_folder(folder: Path, *, nested: bool, channels: int) -> ImageSet:
    listed = {
        "_".join(file.relative_to(folder).parts): file
        for file in _listed(folder, nested=nested)
        if not file.name.startswith(".")
    }
    files = {name: file for name, file in listed.items() if file.suffix.lower() in SUFFIXES}
    if not files:
        raise InputError(f"image set {folder}: no images in this folder; allowed: {', '.join(SUFFIXES)}")
    for file in files.values():
        require_inside(file, folder)
    unread = [name for name, file in listed.items() if file.suffix.lower() in UNREAD]
    notes = (f"left out, since their formats are not read: {', '.join(unread)}",) if unread else ()
    return build_set(folder.resolve().name, files, channels=channels, licence="not stated", notes=notes)


def _listed(folder: Path, *, nested: bool) -> list[Path]:
    try:
        if folder.is_dir():
            return sorted(folder.rglob("*") if nested else folder.iterdir())
        reason = "not a folder" if folder.exists() else "no such folder"
    except OSError as error:
        reason = f"cannot be listed ({error.strerror})"
    raise InputError(f"image set {folder}: {reason}; a folder of images is needed")


def _open_registered(entry: Entry, *, channels: int, data: Path | None) -> ImageSet:
    if channels > entry.channels:
        colour = ", ".join(name for name, other in REGISTRY.items() if other.channels == 3)
        raise InputError(f"image set {entry.name!r} is grey and colour is asked for; colour sets: {colour}")
    files = _locate(entry, data)
    images = [
        _verified(entry, name, file=files[name], digest=digest) for name, digest in entry.fingerprints.items()
    ]
    if channels < entry.channels:
        images = [CleanImage(image.name, grey(image.pixels)) for image in images]
    notes = (entry.note,) if entry.note else ()
    return ImageSet(entry.name, tuple(images), channels, entry.licence, notes)


def _verified(entry: Entry, name: str, *, file: Path, digest: str) -> CleanImage:
    (image, *others), _ = decode(file, name=name, channels=entry.channels)
    if others or image.fingerprint != digest:
        decoder = ", or a JPEG decoder that is not libjpeg-turbo" if name.endswith(".jpg") else ""
        raise InputError(
            f"image set {entry.name!r}: the pixels of {name} ({file}) are not those of the set: sha256 "
            f"{image.fingerprint[:12]}, expected {digest[:12]}. Another version of the image, a damaged "
            f"copy{decoder}; replace the file, or remove it from the cache to download it again."
        )
    return image


def _locate(entry: Entry, data: Path | None) -> dict[str, Path]:
    """Find the files of a set: in scikit-image, in the data folder, or by download."""
    if not entry.base_url:
        return _files_in(_scikit_image_photographs(), entry)
    folder = _existing_data_folder(data)
    if folder is not None and (folder / entry.folder).is_dir():
        files = _files_in(folder / entry.folder, entry)
        for file in files.values():
            require_inside(file, folder / entry.folder)
        return files
    return _download(entry, looked_in=f"{folder / entry.folder}" if folder else "no data folder was named")


def _scikit_image_photographs() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data"


def _existing_data_folder(data: Path | None) -> Path | None:
    folder = named_data_folder(data)
    if folder is not None and not folder.is_dir():
        source = "--data" if data else DATA_VARIABLE
        raise InputError(f"data folder {folder} (from {source}) does not exist; it has to hold SET/*.png")
    return folder


def _files_in(folder: Path, entry: Entry) -> dict[str, Path]:
    files = {name: folder / name for name in entry.fingerprints}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(
            f"image set {entry.name!r}: {folder} lacks {len(missing)} of {len(files)} files: "
            f"{', '.join(missing[:5])}{more}"
        )
    return files


def _download(entry: Entry, *, looked_in: str) -> dict[str, Path]:
    try:
        return download(entry.urls, folder=entry.folder)
    except OSError as error:
        raise InputError(
            f"image set {entry.name!r} is not here (looked in: {looked_in}) and cannot be downloaded from "
            f"{entry.base_url} ({type(error).__name__}: {error}). Put its {entry.count} files into "
            f"DIR/{entry.folder}/ and name DIR by --data or {DATA_VARIABLE}."
        ) from error
