"""Where image sets come from: a folder, pinned URLs, scikit-image's own photographs, the Hugging Face hub."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import InputError, unknown
from bench.images import ImageSet, Picture, build_set, decode, grey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFESTS = Path(__file__).parent / "manifests"
SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
DATA_VARIABLE = "NOISEBENCH_DATA"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A registered image set: where its files lie and what to know before using it.

    Attributes:
        name: what `open_set` takes.
        folder: folder of its files under the data folder, and stem of its manifest.
        channels: 1 (grey) or 3 (RGB), as the set is.
        licence: on which terms the images may be used, as far as known.
        origin: where the files come from, for a reader.
        base_url: address, pinned at a commit, under which the files lie; empty where scikit-image ships them.
        scattered: whether the files lie in folders below it, which ``FOLDER_paths.csv`` names.
        left_out: files of the folder that are no part of the set.
        note: what a table has to say of the set.
    """

    name: str
    folder: str
    channels: int
    licence: str
    origin: str
    base_url: str = ""
    scattered: bool = False
    left_out: tuple[str, ...] = ()
    note: str = ""

    def summary(self) -> str:
        """Say in one line what it is, for a list."""
        kind = "grey" if self.channels == 1 else "colour"
        parts = [f"{self.count} {kind} images from {self.origin}", self.note, f"licence: {self.licence}"]
        return "; ".join(filter(None, parts))

    @property
    def fingerprints(self) -> dict[str, str]:
        """File name -> sha256 that the decoded picture has to have, in the order of the set."""
        manifest = _column(self.folder, "sha256")
        return {name: digest for name, digest in manifest.items() if name not in self.left_out}

    @property
    def count(self) -> int:
        """Number of pictures."""
        return len(self.fingerprints)

    @property
    def urls(self) -> dict[str, str]:
        """File name -> address."""
        paths = _column(f"{self.folder}_paths", "path") if self.scattered else {}
        return {name: f"{self.base_url}/{paths.get(name, name)}" for name in self.fingerprints}


def _column(manifest: str, column: str) -> dict[str, str]:
    with (MANIFESTS / f"{manifest}.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row[column] for row in csv.DictReader(file)}


_RAW = "https://raw.githubusercontent.com"
_DNCNN = f"{_RAW}/cszn/DnCNN/e93b27812d3ff523a3a79d19e5e50d233d7a8d0a"
_FFDNET = f"{_RAW}/cszn/FFDNet/e787f46df2f374ff3591186706229cb9a0591fea"
_NEIGHBOR = f"{_RAW}/TaoHuang2018/Neighbor2Neighbor/e66389ebef1e64d306d8fcb95f096cf427243452"
_BSDS500 = f"{_RAW}/BIDS/BSDS500/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722"
_BERKELEY = (
    "Berkeley Segmentation Dataset, Corel photographs; said to be for non-commercial research and education; "
    "cite Martin et al., ICCV 2001"
)
_STARFISH = "the Starfish of set12 (04.png) is a crop of the same photograph"

_BSD400 = Entry(
    name="bsd400",
    folder="bsd400",
    channels=1,
    licence=_BERKELEY,
    origin="GitHub cszn/DnCNN, Train400",
    base_url=f"{_DNCNN}/TrainingCodes/DnCNN_TrainingCodes_v1.0/data/Train400",
    left_out=("test_020.png",),
    note=f"without test_020.png: {_STARFISH}",
)
_CBSD432 = Entry(
    name="cbsd432",
    folder="cbsd432",
    channels=3,
    licence=_BERKELEY,
    origin="GitHub BIDS/BSDS500, all but the 68 of cbsd68",
    base_url=f"{_BSDS500}/BSDS500/data/images",
    scattered=True,
    left_out=("12003.jpg",),
    note=f"without 12003.jpg: {_STARFISH}",
)
_EMBEDDED_TRAIN = Entry(
    name="embedded-train",
    folder="embedded-train",
    channels=1,
    licence=(
        "brick, coffee, grass, gravel: CC0; rocket: public domain; coins: no known restrictions; "
        "motorcycle_left: Middlebury 2014 stereo data, terms not stated"
    ),
    origin="scikit-image's wheel",
    note="7 photographs: enough to try things out, too few for conclusions",
)
_EMBEDDED_TEST = Entry(
    name="embedded-test",
    folder="embedded-test",
    channels=1,
    licence="astronaut: public domain (NASA); camera, chelsea: CC0",
    origin="scikit-image's wheel",
    note="3 photographs: enough to try things out, too few for conclusions",
)

REGISTRY: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        _EMBEDDED_TRAIN,
        _EMBEDDED_TEST,
        replace(
            _EMBEDDED_TRAIN,
            name="embedded-colour-train",
            folder="embedded-colour-train",
            channels=3,
            licence=(
                "coffee: CC0; rocket: public domain; "
                "motorcycle_left: Middlebury 2014 stereo data, terms not stated"
            ),
            note="3 photographs: enough to try things out, too few for conclusions",
        ),
        replace(
            _EMBEDDED_TEST,
            name="embedded-colour-test",
            folder="embedded-colour-test",
            channels=3,
            licence="astronaut: public domain (NASA); chelsea: CC0",
            note="2 photographs: enough to try things out, too few for conclusions",
        ),
        _BSD400,
        replace(_BSD400, name="bsd400+starfish", left_out=(), note=f"with test_020.png: {_STARFISH}"),
        _CBSD432,
        replace(_CBSD432, name="cbsd432+starfish", left_out=(), note=f"with 12003.jpg: {_STARFISH}"),
        Entry(
            name="set12",
            folder="set12",
            channels=1,
            licence="no terms found",
            origin="GitHub cszn/DnCNN, Set12",
            base_url=f"{_DNCNN}/testsets/Set12",
        ),
        Entry(
            name="bsd68",
            folder="bsd68",
            channels=1,
            licence=_BERKELEY,
            origin="GitHub cszn/DnCNN, BSD68",
            base_url=f"{_DNCNN}/testsets/BSD68",
        ),
        Entry(
            name="cbsd68",
            folder="cbsd68",
            channels=3,
            licence=_BERKELEY,
            origin="GitHub cszn/FFDNet, CBSD68",
            base_url=f"{_FFDNET}/testsets/CBSD68",
        ),
        Entry(
            name="kodak24",
            folder="kodak24",
            channels=3,
            licence="Eastman Kodak, said to be released for unrestricted use",
            origin="GitHub TaoHuang2018/Neighbor2Neighbor, Kodak",
            base_url=f"{_NEIGHBOR}/validation/Kodak",
            note="whole images, not the 500x500 crops of other Kodak24 copies",
        ),
    )
}
"""Name -> registered set; reading it imports neither torch nor datasets."""


def open_set(spec: str, *, channels: int, data: Path | None = None) -> ImageSet:
    """Open an image set.

    Args:
        spec: a name of `REGISTRY`; a folder (with a path separator, starting with ``.`` or ``~``, or one
            that exists) whose image files, sorted by name, are the set; or
            ``hub:OWNER/NAME[@REVISION][:SPLIT]``, a Hugging Face data set whose first image column it is.
        channels: 1 (grey) or 3 (RGB). Colour is turned into grey where grey is asked for, never the reverse.
        data: folder with a folder for each registered set; without it, the one that NOISEBENCH_DATA names.
            Registered sets that lie in neither are downloaded, and kept in the cache of ``datasets``.

    Raises:
        InputError: if there is no such set, a file is missing or no usable image, or a registered set's
            pixels are not those of its manifest.
    """
    if channels not in (1, 3):
        raise InputError(f"{channels!r} channels; allowed: 1 (grey) or 3 (RGB)")
    if spec in REGISTRY:
        return _open_registered(REGISTRY[spec], channels=channels, data=data)
    if spec.startswith("hub:"):
        return _open_hub(spec, channels=channels)
    if _is_path(spec):
        return _open_folder(Path(spec).expanduser(), channels=channels)
    raise InputError(f"{unknown('image set', spec, REGISTRY)} Or a folder, as ./photos; or hub:OWNER/NAME.")


def write_manifest(image_set: ImageSet, path: Path) -> None:
    """Write the fingerprints of a set as CSV, ``name,sha256``, as those of the registered sets are kept.

    The fingerprints of JPEG files hold for the decoder that was used, libjpeg-turbo in every Pillow wheel.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "sha256"))
        writer.writerows((picture.name, picture.fingerprint) for picture in image_set.pictures)


def _is_path(spec: str) -> bool:
    looks_like_one = spec.startswith((".", "~")) or "/" in spec or os.sep in spec
    return looks_like_one or (spec != "" and Path(spec).is_dir())


def _open_folder(folder: Path, *, channels: int) -> ImageSet:
    if not folder.is_dir():
        reason = "not a folder" if folder.exists() else "no such folder"
        raise InputError(f"image set {folder}: {reason}; a folder of images is needed")
    files = {
        file.name: file
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    }
    if not files:
        raise InputError(f"image set {folder}: no images in this folder; allowed: {', '.join(SUFFIXES)}")
    return build_set(folder.resolve().name, files, channels=channels, licence="not stated")


def _open_registered(entry: Entry, *, channels: int, data: Path | None) -> ImageSet:
    if channels > entry.channels:
        colour = ", ".join(name for name, other in REGISTRY.items() if other.channels == 3)
        raise InputError(f"image set {entry.name!r} is grey and colour is asked for; colour sets: {colour}")
    files = _locate(entry, data)
    pictures = [
        _verified(entry, name, file=files[name], digest=digest) for name, digest in entry.fingerprints.items()
    ]
    if channels < entry.channels:
        pictures = [Picture(picture.name, grey(picture.pixels)) for picture in pictures]
    notes = (entry.note,) if entry.note else ()
    return ImageSet(entry.name, tuple(pictures), channels, entry.licence, notes)


def _verified(entry: Entry, name: str, *, file: Path, digest: str) -> Picture:
    picture, _ = decode(file, name=name, channels=entry.channels)
    if picture.fingerprint != digest:
        decoder = ", or a JPEG decoder that is not libjpeg-turbo" if name.endswith(".jpg") else ""
        raise InputError(
            f"image set {entry.name!r}: the pixels of {name} ({file}) are not those of the set: sha256 "
            f"{picture.fingerprint[:12]}, expected {digest[:12]}. Another version of the image, a damaged "
            f"copy{decoder}; replace the file, or remove it from the cache to download it again."
        )
    return picture


def _locate(entry: Entry, data: Path | None) -> dict[str, Path]:
    """Find the files of a set: in scikit-image, in the data folder, or by download."""
    if not entry.base_url:
        return _files_in(_scikit_image_photographs(), entry)
    folder = _data_folder(data)
    if folder is not None and (folder / entry.folder).is_dir():
        return _files_in(folder / entry.folder, entry)
    return _download(entry, looked_in=f"{folder / entry.folder}" if folder else "no data folder was named")


def _scikit_image_photographs() -> Path:
    import skimage

    return Path(skimage.__file__).parent / "data"


def _data_folder(data: Path | None) -> Path | None:
    named = data or os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
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
    from datasets import DownloadConfig, DownloadManager

    urls = entry.urls
    # A pinned address never changes its content, so a cached file is used without asking the server.
    config = DownloadConfig(use_etag=False, download_desc=f"Downloading {entry.name}")
    manager = DownloadManager(dataset_name=entry.name, download_config=config)
    try:
        # One file alone first: with no network, hundreds in parallel would each wait for their timeout.
        manager.download(next(iter(urls.values())))
        return {name: Path(file) for name, file in manager.download(urls).items()}
    except Exception as error:
        raise InputError(
            f"image set {entry.name!r} is not here (looked in: {looked_in}) and cannot be downloaded from "
            f"{entry.base_url} ({type(error).__name__}: {error}). Put its {entry.count} files into "
            f"DIR/{entry.folder}/ and name DIR by --data or {DATA_VARIABLE}."
        ) from error


_HUB = re.compile(r"hub:(?P<repository>[\w.-]+/[\w.-]+)(@(?P<revision>[^:@]+))?(:(?P<split>.+))?")


def _open_hub(spec: str, *, channels: int) -> ImageSet:
    match = _HUB.fullmatch(spec)
    if match is None:
        raise InputError(f"image set {spec!r}; allowed: hub:OWNER/NAME[@REVISION][:SPLIT]")
    rows = _hub_rows(spec, repository=match["repository"], revision=match["revision"], split=match["split"])
    files = dict(_hub_file(spec, i, row) for i, row in enumerate(rows))
    notes = () if match["revision"] else (f"{spec}: no revision named, so the images may change",)
    licence = f"see https://huggingface.co/datasets/{match['repository']}"
    return build_set(spec.removeprefix("hub:"), files, channels=channels, licence=licence, notes=notes)


def _hub_rows(
    spec: str, *, repository: str, revision: str | None, split: str | None
) -> Iterable[Mapping[str, Any] | None]:
    """Give the undecoded first image column, so that every file passes the checks of `decode`."""
    from datasets import DatasetDict, Image, load_dataset

    try:
        loaded = load_dataset(repository, revision=revision, split=split)
    except Exception as error:
        raise InputError(
            f"image set {spec!r} cannot be loaded from the Hugging Face hub ({type(error).__name__}: {error})"
        ) from error
    if isinstance(loaded, DatasetDict):
        if len(loaded) > 1:
            splits = ", ".join(loaded)
            raise InputError(f"image set {spec!r} has the splits {splits}; name one, as {spec}:SPLIT")
        (loaded,) = loaded.values()
    columns = [name for name, feature in loaded.features.items() if isinstance(feature, Image)]
    if not columns:
        raise InputError(f"image set {spec!r} has no image column; its columns: {', '.join(loaded.features)}")
    rows: Iterable[Mapping[str, Any] | None] = loaded.cast_column(columns[0], Image(decode=False))[columns[0]]
    return rows


def _hub_file(spec: str, index: int, row: Mapping[str, Any] | None) -> tuple[str, Path | bytes]:
    """Name a file by its place, since base names may repeat, and give its content or where it lies."""
    if row is None:
        raise InputError(f"image set {spec!r}: row {index} holds no image")
    name = f"{index:05d}" if row["path"] is None else f"{index:05d}-{Path(row['path']).name}"
    return name, Path(row["path"]) if row["bytes"] is None else row["bytes"]
