"""Image sets from folders, registered ones, and those that scikit-image has."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.errors import InputError
from bench.images.clean_image import grey
from bench.images.registry import REGISTRY
from bench.images.sources import open_set, write_manifest
from tests.support.images import THREE_IMAGES
from tests.support.tiffs import tiff_of

DATA = os.environ.get("NOISEBENCH_DATA")


def names_of(image_set):
    return [image.name for image in image_set]


def test_folder_is_a_set_sorted_by_name(photos):
    (photos / ".hidden.png").write_text("no image")
    (photos / "notes.txt").write_text("no image")
    opened = open_set(str(photos), channels=3)
    assert opened.name == "photos"
    assert names_of(opened) == ["a.png", "b.bmp", "c.PNG"]
    np.testing.assert_array_equal(opened.images[0].pixels, THREE_IMAGES[1])


@pytest.mark.parametrize("spec", ["photos", "./photos", "photos/", "../{parent}/photos", "~/photos"])
def test_folder_may_be_written_in_several_ways(photos, monkeypatch, spec):
    monkeypatch.chdir(photos.parent)
    monkeypatch.setenv("HOME", str(photos.parent))
    assert open_set(spec.format(parent=photos.parent.name), channels=3).name == "photos"


def test_nested_folders_are_read_by_choice(photos):
    (photos / "deep/er").mkdir(parents=True)
    Image.fromarray(THREE_IMAGES[0, ::-1]).save(photos / "deep/er/d.png")
    assert names_of(open_set(str(photos), channels=3)) == ["a.png", "b.bmp", "c.PNG"]
    nested = open_set(f"{photos}/**", channels=3)
    assert nested.name == "photos"
    assert names_of(nested) == ["a.png", "b.bmp", "c.PNG", "deep_er_d.png"]
    np.testing.assert_array_equal(nested.images[3].pixels, THREE_IMAGES[0, ::-1])


def test_images_of_formats_that_are_not_read_are_named(photos):
    (photos / "d.pgm").write_bytes(b"P5 1 1 255 a")
    (photos / "E.JP2").write_bytes(b"")
    (photos / "notes.txt").write_text("no image")
    opened = open_set(str(photos), channels=3)
    assert opened.notes == ("left out, since their formats are not read: E.JP2, d.pgm",)


def test_images_of_16_bits_and_pages_are_taken(photos):
    stack = np.random.default_rng(0).integers(0, 65536, (2, 14, 17, 3), np.uint16)
    (photos / "d.tif").write_bytes(tiff_of(stack, photometric="rgb"))
    opened = open_set(str(photos), channels=3)
    assert names_of(opened)[3:] == ["d_0001.tif", "d_0002.tif"]
    np.testing.assert_array_equal(np.stack([image.pixels for image in opened.images[3:]]), stack)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=rf"{tmp_path}: no images.*\.png"):
        open_set(str(tmp_path), channels=1)


def test_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        open_set(str(tmp_path / "nowhere"), channels=1)


def test_file_in_place_of_a_folder_is_refused(photos):
    with pytest.raises(InputError, match=r"a\.png: not a folder"):
        open_set(str(photos / "a.png"), channels=3)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_a_folder_or_pipe_named_like_an_image_is_refused(photos, make):
    make(photos / "d.png")
    with pytest.raises(InputError, match=r"d\.png: not a regular file"):
        open_set(str(photos), channels=3)


def test_link_within_the_folder_is_followed(photos):
    (photos / "c.PNG").rename(photos / "c.stored")
    (photos / "c.PNG").symlink_to("c.stored")
    assert names_of(open_set(str(photos), channels=3)) == ["a.png", "b.bmp", "c.PNG"]


@pytest.mark.parametrize("target", ["../secret.png", "/nowhere.png"])
def test_link_out_of_the_folder_is_refused(photos, target):
    Image.fromarray(THREE_IMAGES[0, ::-1]).save(photos.parent / "secret.png")
    (photos / "d.png").symlink_to(target)
    with pytest.raises(InputError, match=rf"photos/d\.png: leads to .*, outside of {photos}"):
        open_set(str(photos), channels=3)


def test_folder_may_itself_be_a_link(photos, tmp_path):
    (tmp_path / "linked").symlink_to(photos)
    assert open_set(str(tmp_path / "linked"), channels=3).name == "photos"


@pytest.mark.parametrize("name", ["d\n.png", "d\x1b[2J.png", "d\u202egnp.png", os.fsdecode(b"d\xff.png")])
def test_name_with_control_characters_is_refused(photos, name):
    (photos / "a.png").rename(photos / name)
    with pytest.raises(InputError, match=r"image: the name 'd\\.* holds") as refused:
        open_set(str(photos), channels=3)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["photos\n", "photos\x1b[2J"])
def test_folder_name_with_control_characters_is_refused(photos, name):
    photos.rename(photos.parent / name)
    with pytest.raises(InputError, match=r"image set 'photos\\"):
        open_set(str(photos.parent / name), channels=3)


@pytest.mark.parametrize("spec", ["x" * 300, "./" + "x" * 300])
def test_name_that_is_too_long_for_a_folder_is_refused(spec):
    with pytest.raises(InputError, match="xxx"):
        open_set(spec, channels=3)


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_other_channels_are_refused(photos, channels):
    with pytest.raises(InputError, match=rf"{channels} channels; allowed: 1 .* 3"):
        open_set(str(photos), channels=channels)


@pytest.mark.parametrize("spec", ["bsd40", ""])
def test_unknown_name_is_refused_with_the_known_ones(spec):
    with pytest.raises(InputError, match=rf"unknown image set '{spec}'.*bsd400.*hub:OWNER/NAME"):
        open_set(spec, channels=1)


def test_data_folder_holds_the_set(entry, photos):
    opened = open_set("own", channels=3, data=photos.parent)
    assert names_of(opened) == ["a.png", "b.bmp", "c.PNG"]
    assert (opened.name, opened.licence, opened.notes) == ("own", "CC0", ("noted",))
    assert entry.count == 3


@pytest.mark.usefixtures("entry")
def test_data_folder_may_be_named_by_the_environment(photos, monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(photos.parent))
    assert len(open_set("own", channels=3).images) == 3


@pytest.mark.usefixtures("entry")
def test_argument_comes_before_the_environment(photos, monkeypatch):
    monkeypatch.setenv("NOISEBENCH_DATA", str(photos / "nowhere"))
    assert len(open_set("own", channels=3, data=photos.parent).images) == 3
    with pytest.raises(InputError, match=r"nowhere \(from NOISEBENCH_DATA\) does not exist"):
        open_set("own", channels=3)


@pytest.mark.usefixtures("entry")
def test_colour_set_asked_for_in_grey_is_converted(photos):
    opened = open_set("own", channels=1, data=photos.parent)
    assert opened.channels == 1
    np.testing.assert_array_equal(opened.images[0].pixels, grey(THREE_IMAGES[1]))


def test_grey_set_asked_for_in_colour_is_refused(photos):
    with pytest.raises(InputError, match=r"'bsd68' is grey and colour is asked for.*cbsd68"):
        open_set("bsd68", channels=3, data=photos)


@pytest.mark.usefixtures("entry")
def test_other_pixels_are_refused_with_the_file_named(photos):
    Image.fromarray(THREE_IMAGES[0]).save(photos / "b.bmp")
    with pytest.raises(InputError, match=r"'own': the pixels of b\.bmp \(.*photos/b\.bmp\) are not those"):
        open_set("own", channels=3, data=photos.parent)


@pytest.mark.usefixtures("entry")
def test_missing_file_is_refused_by_name(photos):
    (photos / "b.bmp").unlink()
    with pytest.raises(InputError, match=r"photos lacks 1 of 3 files: b\.bmp"):
        open_set("own", channels=3, data=photos.parent)


@pytest.mark.usefixtures("entry")
def test_registered_set_is_not_linked_out_of_its_folder(photos):
    (photos / "b.bmp").rename(photos.parent / "b.bmp")
    (photos / "b.bmp").symlink_to("../b.bmp")
    with pytest.raises(InputError, match=r"photos/b\.bmp: leads to .*/b\.bmp, outside of .*photos"):
        open_set("own", channels=3, data=photos.parent)


@pytest.mark.usefixtures("entry")
def test_folder_of_a_registered_set_may_be_a_link(photos):
    photos.rename(photos.parent / "elsewhere")
    photos.symlink_to("elsewhere")
    assert len(open_set("own", channels=3, data=photos.parent).images) == 3


def test_files_may_be_left_out(entry, photos, register):
    register(replace(entry, left_out=("b.bmp",)))
    (photos / "b.bmp").unlink()
    assert names_of(open_set("own", channels=3, data=photos.parent)) == ["a.png", "c.PNG"]


@pytest.mark.parametrize("name", [name for name in REGISTRY if name.startswith("embedded")])
def test_embedded_sets_are_what_their_manifests_say(name):
    entry = REGISTRY[name]
    opened = open_set(name, channels=entry.channels)
    assert [image.fingerprint for image in opened] == list(entry.fingerprints.values())
    assert opened.images[0].pixels.shape[2] == entry.channels


def test_manifest_has_names_and_fingerprints(photos, tmp_path):
    opened = open_set(str(photos), channels=3)
    write_manifest(opened, tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "sha256"]
    assert rows[1:] == [[image.name, image.fingerprint] for image in opened]


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name, entry in REGISTRY.items() if entry.base_url])
def test_photographs_are_those_of_the_manifests(name):
    entry = REGISTRY[name]
    if not DATA or not (Path(DATA) / entry.folder).is_dir():
        pytest.skip(f"NOISEBENCH_DATA does not name a folder with {entry.folder}")
    opened = open_set(name, channels=entry.channels, data=Path(DATA))
    assert len(opened.images) == entry.count
