"""Image sets: clean images in a fixed order, and checks across sets."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import InputError
from bench.images.clean_image import decode
from bench.system.safe_names import require_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bench.images.clean_image import CleanImage


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images in a fixed order, all grey or all RGB, no two with the same pixels.

    Attributes:
        name: name of the set, as printed by tables.
        images: at least one image.
        channels: 1 (grey) or 3 (RGB), the same for every image.
        licence: terms of use of the images, as far as known.
        notes: conversions and omissions, one line each, as printed by tables.

    Raises:
        InputError: if the set is empty; if two images have the same pixels, since noise is keyed by the
            fingerprint and they would share one noise field and count twice; or if a part of the name, which
            may contain `/`, is rejected by `require_name`, since folders of stored images have this name.
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
        """Sha256 over the fingerprints of the images, in order; names do not matter."""
        listed = "\n".join(image.fingerprint for image in self)
        return hashlib.sha256(listed.encode()).hexdigest()


def build_set(
    name: str, files: Mapping[str, Path | bytes], *, channels: int, licence: str, notes: tuple[str, ...] = ()
) -> ImageSet:
    """Decode named files into a set, in the given order.

    Args:
        name: name of the set.
        files: image name -> file or its content.
        channels: 1 (grey) or 3 (RGB).
        licence: terms of use of the images, as far as known.
        notes: notes that precede those on conversions.

    Raises:
        InputError: as raised by `decode` and `ImageSet`.
    """
    decoded = [decode(source, name=file, channels=channels) for file, source in files.items()]
    images = tuple(image for found, _ in decoded for image in found)
    changes = tuple(line for _, lines in decoded for line in lines)
    return ImageSet(name, images, channels, licence, notes + changes)


def require_set_name(name: str) -> None:
    """Check that the name of a set cannot lead out of its folder.

    Raises:
        InputError: as raised by `require_name` for any part between slashes.
    """
    for part in name.split("/"):
        require_name(part, of=f"image set {name!r}")


def require_patch(image_set: ImageSet, patch: int, *, method: str) -> None:
    """Check that a training patch fits into every image.

    Args:
        image_set: the training set.
        patch: side of the square patch, in pixels.
        method: the method that is trained on it.

    Raises:
        InputError: an image is smaller; the message names the first.
    """
    for image in image_set:
        if min(image.pixels.shape[:2]) < patch:
            raise InputError(
                f"image set {image_set.name!r}: {image.name} is {image.size} pixels, smaller than the "
                f"training patch of {patch}x{patch} that {method} needs; leave the image out, or choose a "
                "smaller patch or another method"
            )


def require_disjoint(train: ImageSet, test: ImageSet) -> None:
    """Check that no image is in both sets, even under another name.

    Crops and re-encoded copies have other pixels and are not found.

    Raises:
        InputError: the sets share images; the message names them.
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
