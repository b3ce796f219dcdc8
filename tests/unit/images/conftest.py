"""A folder of images, and a registered set of the same images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from bench.images import registry, sources
from bench.images.registry import Entry
from bench.images.sources import open_set, write_manifest
from tests.support.images import THREE_IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_data_no_cache_no_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOISEBENCH_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three colour images, written out of order."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, pixels in zip(("c.PNG", "a.png", "b.bmp"), THREE_IMAGES, strict=True):
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[[Entry], None]:
    """A function that makes an entry the only registered set."""
    return lambda entry: monkeypatch.setattr(sources, "REGISTRY", {entry.name: entry})


@pytest.fixture
def entry(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, register: Callable[[Entry], None]
) -> Entry:
    """A registered set of those images, at an address that does not answer."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    write_manifest(open_set(str(photos), channels=3), manifests / "photos.csv")
    made = Entry(
        name="own",
        folder="photos",
        channels=3,
        licence="CC0",
        origin="this test",
        base_url="http://127.0.0.1:9",
        note="noted",
    )
    monkeypatch.setattr(registry, "MANIFESTS", manifests)
    register(made)
    return made
