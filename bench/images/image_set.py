"""Image sets: clean images in a fixed order, and checks between sets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.images.clean_image import CleanImage, decode
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in a fixed order, all grey or all RGB, no two with the same pixels.

    Attributes:
        name: name of the set, as tables print it.
        images: at least one.
        channels: 1 (grey) or 3 (RGB), the same for every image.
        licence: on which terms the images may be used, as far as known.
        notes: what was converted or left out, one line each, as tables print it.

    Raises:
        InputError: if the set is empty, or if two images have the same pixels: noise is keyed by the
            fingerprint, so they would share one noise field and count twice; or if a part of the name, of
            which `/` separates several, is unsafe by `require_name`: folders of stored images have its name.
    """

    name: str
    images: tuple[CleanImage, ...]
    channels: int
    licence: str
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        require_set_name(self.name)
        if not self.images:
            raise InputError(f"image set {self.name!r} is empty; at least one image is needed")
        seen: dict[str, str] = {}
        for image in self:
            if image.fingerprint in seen:
                raise InputError(
                    f"image set {self.name!r}: {seen[image.fingerprint]} and {image.name} have "
                    "identical pixels; leave one of them out"
                )
            seen[image.fingerprint] = image.name

    def __iter__(self) -> Iterator[CleanImage]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def fingerprint(self) -> str:
        """Sha256 over the fingerprints of the images, in their order; names do not enter."""
        listed = "\n".join(image.fingerprint for image in self)
        return hashlib.sha256(listed.encode()).hexdigest()


def build_set(
    name: str, files: Mapping[str, Path | bytes], *, channels: int, licence: str, notes: tuple[str, ...] = ()
) -> ImageSet:
    """Decode named files to a set, in the order given.

    Args:
        name: name of the set.
        files: image name -> file or its content.
        channels: 1 (grey) or 3 (RGB).
        licence: on which terms the images may be used, as far as known.
        notes: lines that come before those of the conversions.

    Raises:
        InputError: as `decode` and `ImageSet` do.
    """
    decoded = [decode(source, name=file, channels=channels) for file, source in files.items()]
    changes = tuple(line for _, lines in decoded for line in lines)
    return ImageSet(name, tuple(image for image, _ in decoded), channels, licence, notes + changes)


def require_set_name(name: str) -> None:
    """Check that a set's name leads to no other folder.

    Raises:
        InputError: as `require_name` does for each part between slashes.
    """
    for part in name.split("/"):
        require_name(part, of=f"image set {name!r}")


def require_patch(image_set: ImageSet, patch: int) -> None:
    """Check that a training patch fits into every image.

    Args:
        image_set: the training set.
        patch: side of the square patch, in pixels.

    Raises:
        InputError: with the name of the first image that is smaller.
    """
    for image in image_set:
        if min(image.pixels.shape[:2]) < patch:
            raise InputError(
                f"image set {image_set.name!r}: {image.name} is {image.size} pixels, smaller than the "
                f"training patch of {patch}x{patch}; leave it out or choose a smaller patch"
            )


def require_disjoint(train: ImageSet, test: ImageSet) -> None:
    """Check that no image is in both sets, even under another name.

    Crops and re-encoded copies have other pixels and are not found.

    Raises:
        InputError: with the names of the shared images.
    """
    trained = {image.fingerprint: image.name for image in train}
    shared = [
        f"{trained[image.fingerprint]} = {image.name}" for image in test if image.fingerprint in trained
    ]
    if shared:
        raise InputError(
            f"training set {train.name!r} and test set {test.name!r} share {len(shared)} image(s): "
            f"{', '.join(shared)}; a test image must not be trained on"
        )
