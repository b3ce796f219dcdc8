"""The registered image sets: the locations of their files, and the fingerprints of their pixels."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MANIFESTS = Path(__file__).parent / "manifests"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A registered image set: the location of its files, and what to know before using it.

    Attributes:
        name: name to pass to `open_set`.
        folder: its folder inside the data folder, and stem of its manifest.
        channels: 1 (grey) or 3 (RGB).
        licence: terms of use of the images, as far as known.
        origin: where the files come from, for display.
        base_url: address of the files, pinned to a commit; empty if scikit-image contains them.
        scattered: whether the files are in subfolders, which ``FOLDER_paths.csv`` lists.
        left_out: files of the folder that are not part of the set.
        note: note on the set, printed below tables.
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
        """Describe the set in one line."""
        kind = "grey" if self.channels == 1 else "colour"
        parts = [f"{self.count} {kind} images from {self.origin}", self.note, f"licence: {self.licence}"]
        return "; ".join(filter(None, parts))

    @property
    def fingerprints(self) -> dict[str, str]:
        """File name -> sha256 of the decoded image, in the order of the set."""
        manifest = _column(self.folder, "sha256")
        return {name: digest for name, digest in manifest.items() if name not in self.left_out}

    @property
    def count(self) -> int:
        """Number of images."""
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
_TRAIN400 = tuple(f"test_{number:03}.png" for number in range(1, 401))
_HELD_OUT = tuple(name for name in _TRAIN400[4::10] if name not in _BSD400.left_out)
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
        replace(
            _BSD400,
            name="bsd400-tune",
            left_out=_BSD400.left_out + _HELD_OUT,
            note=f"for choosing settings: all but {len(_HELD_OUT)} of its images, which bsd400-held holds",
        ),
        replace(
            _BSD400,
            name="bsd400-held",
            left_out=tuple(name for name in _TRAIN400 if name not in _HELD_OUT),
            note="for choosing settings: training images, none of any test set",
        ),
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
"""Name -> registered set; listing them decodes no image, so this module imports neither NumPy nor Pillow."""
