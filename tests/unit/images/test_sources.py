import csv
import functools
import http.server
import os
import subprocess
import sys
import threading
import tomllib
from dataclasses import replace
from pathlib import Path

import datasets
import huggingface_hub
import numpy as np
import pyarrow.parquet
import pytest
from packaging.requirements import Requirement
from PIL import Image

from bench.errors import InputError
from bench.images import registry
from bench.images import sources as sets
from bench.images.image_set import grey
from bench.images.registry import REGISTRY, Entry
from bench.images.sources import open_set, write_manifest
from bench.runs.recipes import RECIPES
from tests.support.repository import ROOT

DATA = os.environ.get("NOISEBENCH_DATA")
COLOUR = np.random.default_rng(0).integers(0, 256, (3, 14, 17, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv("NOISEBENCH_DATA", raising=False)


@pytest.fixture
def photos(tmp_path):
    """A folder of three colour images, written out of order."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, pixels in zip(("c.PNG", "a.png", "b.bmp"), COLOUR, strict=True):
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.fixture
def entry(tmp_path, photos, monkeypatch):
    """A registered set of those images, whose address answers nothing."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    write_manifest(open_set(str(photos), channels=3), manifests / "photos.csv")
    made = Entry(
        name="own",
        folder="photos",
        channels=3,
        licence="CC0",
        origin="this test",
        base_url=(tmp_path / "nowhere").as_uri(),
        note="noted",
    )
    monkeypatch.setattr(registry, "MANIFESTS", manifests)
    monkeypatch.setattr(sets, "REGISTRY", {"own": made})
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", tmp_path / "cache")
    return made


def register(monkeypatch, entry):
    monkeypatch.setattr(sets, "REGISTRY", {entry.name: entry})


def names(image_set):
    return [picture.name for picture in image_set]


# A folder


def test_folder_is_a_set_sorted_by_name(photos):
    (photos / ".hidden.png").write_text("no image")
    (photos / "notes.txt").write_text("no image")
    opened = open_set(str(photos), channels=3)
    assert opened.name == "photos"
    assert names(opened) == ["a.png", "b.bmp", "c.PNG"]
    np.testing.assert_array_equal(opened.images[0].pixels, COLOUR[1])


@pytest.mark.parametrize("spec", ["photos", "./photos", "photos/", "../{parent}/photos", "~/photos"])
def test_folder_may_be_written_in_several_ways(photos, monkeypatch, spec):
    monkeypatch.chdir(photos.parent)
    monkeypatch.setenv("HOME", str(photos.parent))
    assert open_set(spec.format(parent=photos.parent.name), channels=3).name == "photos"


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
def test_what_is_called_an_image_and_is_no_file_is_refused(photos, make):
    make(photos / "d.png")
    with pytest.raises(InputError, match=r"d\.png: not a regular file"):
        open_set(str(photos), channels=3)


def test_link_within_the_folder_is_followed(photos):
    (photos / "c.PNG").rename(photos / "c.stored")
    (photos / "c.PNG").symlink_to("c.stored")
    assert names(open_set(str(photos), channels=3)) == ["a.png", "b.bmp", "c.PNG"]


@pytest.mark.parametrize("target", ["../secret.png", "/nowhere.png"])
def test_link_out_of_the_folder_is_refused(photos, target):
    Image.fromarray(COLOUR[0, ::-1]).save(photos.parent / "secret.png")
    (photos / "d.png").symlink_to(target)
    with pytest.raises(InputError, match=rf"photos/d\.png: leads to .*, outside of {photos}"):
        open_set(str(photos), channels=3)


def test_folder_may_itself_be_a_link(photos, tmp_path):
    (tmp_path / "linked").symlink_to(photos)
    assert open_set(str(tmp_path / "linked"), channels=3).name == "photos"


@pytest.mark.parametrize("name", ["d\n.png", "d\x1b[2J.png", "d\u202egnp.png", os.fsdecode(b"d\xff.png")])
def test_name_that_steers_a_terminal_is_refused(photos, name):
    (photos / "a.png").rename(photos / name)
    with pytest.raises(InputError, match=r"image: the name 'd\\.* holds") as refused:
        open_set(str(photos), channels=3)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("name", ["photos\n", "photos\x1b[2J"])
def test_folder_of_such_a_name_is_refused(photos, name):
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


# A registered set


def test_data_folder_holds_the_set(entry, photos):
    opened = open_set("own", channels=3, data=photos.parent)
    assert names(opened) == ["a.png", "b.bmp", "c.PNG"]
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
    np.testing.assert_array_equal(opened.images[0].pixels, grey(COLOUR[1]))


def test_grey_set_asked_for_in_colour_is_refused(photos):
    with pytest.raises(InputError, match=r"'bsd68' is grey and colour is asked for.*cbsd68"):
        open_set("bsd68", channels=3, data=photos)


@pytest.mark.usefixtures("entry")
def test_other_pixels_are_refused_with_the_file_named(photos):
    Image.fromarray(COLOUR[0]).save(photos / "b.bmp")
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


def test_files_may_be_left_out(entry, photos, monkeypatch):
    register(monkeypatch, replace(entry, left_out=("b.bmp",)))
    (photos / "b.bmp").unlink()
    assert names(open_set("own", channels=3, data=photos.parent)) == ["a.png", "c.PNG"]


# Download


def test_absent_set_is_downloaded(entry, photos, tmp_path, monkeypatch):
    register(monkeypatch, replace(entry, base_url=photos.as_uri()))
    opened = open_set("own", channels=3, data=tmp_path / "manifests")
    assert names(opened) == ["a.png", "b.bmp", "c.PNG"]


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_download_over_http_is_kept(entry, photos, monkeypatch):
    handler = functools.partial(Silent, directory=str(photos))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        register(monkeypatch, replace(entry, base_url=address))
        first = open_set("own", channels=3)
        server.shutdown()
    again = open_set("own", channels=3)
    assert first.fingerprint == again.fingerprint == open_set(str(photos), channels=3).fingerprint


def test_scattered_files_are_found_by_their_paths(entry, photos, tmp_path, monkeypatch):
    (tmp_path / "manifests/photos_paths.csv").write_text(
        "name,path\na.png,x/a.png\nb.bmp,y/b.bmp\nc.PNG,x/c.PNG\n"
    )
    remote = tmp_path / "remote"
    for name, folder in (("a.png", "x"), ("b.bmp", "y"), ("c.PNG", "x")):
        (remote / folder).mkdir(parents=True, exist_ok=True)
        (photos / name).rename(remote / folder / name)
    register(monkeypatch, replace(entry, base_url=remote.as_uri(), scattered=True))
    assert names(open_set("own", channels=3)) == ["a.png", "b.bmp", "c.PNG"]


def test_failed_download_says_where_and_how(entry, tmp_path):
    with pytest.raises(InputError) as caught:
        open_set("own", channels=3, data=tmp_path / "manifests")
    message = str(caught.value)
    assert f"looked in: {tmp_path}/manifests/photos" in message
    assert entry.base_url in message
    assert "DIR/photos/" in message
    assert "NOISEBENCH_DATA" in message
    with pytest.raises(InputError, match="no data folder was named"):
        open_set("own", channels=3)


# The Hugging Face hub


@pytest.fixture
def hub(photos, tmp_path, monkeypatch):
    """A data set OWNER/NAME: `load_dataset` takes a folder of that name as it takes the hub's repository."""
    repository = tmp_path / "work/someone/pictures"
    repository.parent.mkdir(parents=True)
    photos.rename(repository)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield repository
    datasets.enable_progress_bars()


@pytest.mark.usefixtures("hub")
def test_hub_set_is_its_first_image_column():
    opened = open_set("hub:someone/pictures@main:train", channels=3)
    assert opened.name == "someone/pictures@main:train"
    assert sorted(name.split("-", 1)[1] for name in names(opened)) == ["a.png", "b.bmp", "c.PNG"]
    assert {picture.pixels.tobytes() for picture in opened} == {image.tobytes() for image in COLOUR}
    assert opened.notes == ()
    assert "huggingface.co/datasets/someone/pictures" in opened.licence


@pytest.mark.usefixtures("hub")
def test_hub_set_without_a_revision_says_so():
    opened = open_set("hub:someone/pictures", channels=1)
    assert opened.notes == ("hub:someone/pictures: no revision named, so the images may change",)


def test_hub_set_with_several_splits_asks_for_one(hub):
    for split, name in (("train", "a.png"), ("test", "b.bmp")):
        (hub / split).mkdir()
        (hub / name).rename(hub / split / name)
    (hub / "c.PNG").unlink()
    with pytest.raises(InputError, match=r"splits train, test; name one, as hub:someone/pictures:SPLIT"):
        open_set("hub:someone/pictures", channels=3)
    assert names(open_set("hub:someone/pictures:test", channels=3)) == ["00000-b.bmp"]


def replace_by_table(hub, **columns):
    for file in hub.iterdir():
        file.unlink()
    datasets.Dataset.from_dict(columns).to_parquet(hub / "table.parquet")


def test_hub_set_without_images_is_refused(hub):
    replace_by_table(hub, x=[1], y=[2])
    with pytest.raises(InputError, match="no image column; its columns: x, y"):
        open_set("hub:someone/pictures", channels=3)


def test_hub_images_may_lie_inside_a_table(hub):
    photos = [Image.fromarray(pixels) for pixels in COLOUR]
    replace_by_table(hub, label=[0, 1, 2], photo=photos)
    opened = open_set("hub:someone/pictures", channels=3)
    assert names(opened) == ["00000", "00001", "00002"]
    np.testing.assert_array_equal(opened.images[2].pixels, COLOUR[2])


def test_hub_row_without_an_image_is_refused(hub):
    replace_by_table(hub, photo=[Image.fromarray(COLOUR[0]), None])
    with pytest.raises(InputError, match="row 1 holds no image"):
        open_set("hub:someone/pictures", channels=3)


def test_hub_images_pass_the_same_checks(hub):
    Image.fromarray(COLOUR[0, ..., 0]).save(hub / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*a grey image"):
        open_set("hub:someone/pictures", channels=3)


@pytest.fixture
def secret(tmp_path):
    """A picture of the reader's own, which no data set has any business with."""
    path = tmp_path / "private/secret.png"
    path.parent.mkdir()
    Image.fromarray(COLOUR[0]).save(path)
    return path


ELSEWHERE = ["{secret}", "../private/secret.png", "someone/pictures/../../../private/secret.png", "/dev/zero"]


@pytest.mark.parametrize("named", ELSEWHERE)
def test_a_row_reads_no_file_from_elsewhere(hub, secret, named):
    path = named.format(secret=secret)
    schema = datasets.Features({"photo": datasets.Image()}).arrow_schema
    for file in hub.iterdir():
        file.unlink()
    table = pyarrow.table({"photo": [{"bytes": None, "path": path}]}, schema)
    pyarrow.parquet.write_table(table, hub / "table.parquet")
    with pytest.raises(InputError, match=rf"{Path(path).name}: leads to /.*, outside of"):
        open_set("hub:someone/pictures", channels=3)


@pytest.mark.parametrize("path", ["a\0.png", "a\n.png", "\0/a.png"])
def test_a_row_has_no_path_that_is_none(hub, path):
    row = {"bytes": None, "path": path}
    with pytest.raises(InputError, match=r"row 0: the name '00000-a|no path"):
        sets._hub_file("hub:someone/pictures", 0, row, (hub,))


def test_a_link_in_a_hub_set_leads_nowhere_else(hub, secret):
    (hub / "d.png").symlink_to(secret)
    with pytest.raises(InputError, match=r"d\.png: leads to .*secret\.png, outside of"):
        open_set("hub:someone/pictures", channels=3)


def test_a_picture_in_the_cache_of_the_hub_is_read(tmp_path, monkeypatch, photos):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    mine, other = (tmp_path / f"hub/datasets--someone--{name}/blobs" for name in ("pictures", "private"))
    for blobs in (mine, other):
        blobs.mkdir(parents=True)
        (blobs.parent / "snapshots").mkdir()
        (blobs / "0af").write_bytes((photos / "a.png").read_bytes())
        (blobs.parent / "snapshots/a.png").symlink_to("../blobs/0af")
    roots = sets._hub_folders("someone/pictures")
    row = {"bytes": None, "path": str(mine.parent / "snapshots/a.png")}
    assert sets._hub_file("hub:x", 3, row, roots) == ("00003-a.png", Path(row["path"]))
    row = {"bytes": None, "path": str(other.parent / "snapshots/a.png")}
    with pytest.raises(InputError, match="outside of"):
        sets._hub_file("hub:x", 3, row, roots)


def test_a_loading_script_is_not_run(hub, tmp_path):
    marker = tmp_path / "marker"
    code = f"open({str(marker)!r}, 'w').close()\nimport datasets\n"
    for name in ("pictures.py", "setup.py", "conftest.py", "__init__.py"):
        (hub / name).write_text(code)
    with pytest.raises(InputError, match=r"'hub:someone/pictures'.*scripts are no longer supported"):
        open_set("hub:someone/pictures", channels=3)
    assert not marker.exists()
    (hub / "pictures.py").unlink()
    open_set("hub:someone/pictures", channels=3)
    assert not marker.exists()


def test_a_pickled_table_is_not_loaded(hub, tmp_path):
    for file in hub.iterdir():
        file.unlink()
    (hub / "table.pkl").write_bytes(f"cos\nsystem\n(S'touch {tmp_path}/marker'\ntR.".encode())
    with pytest.raises(InputError, match="'hub:someone/pictures' cannot be loaded"):
        open_set("hub:someone/pictures", channels=3)
    assert not (tmp_path / "marker").exists()


def test_no_older_version_of_datasets_would_run_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (bound,) = (one for one in project["project"]["dependencies"] if one.startswith("datasets"))
    assert not Requirement(bound).specifier.contains("3.99")


def test_failing_hub_is_said(monkeypatch):
    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(InputError, match=r"'hub:a/b' cannot be loaded.*ConnectionError: no route"):
        open_set("hub:a/b", channels=3)


MALFORMED = ["hub:", "hub:name", "hub:a/b/c", "hub:a/b@", "hub:a/b:"]
MALFORMED += ["hub:../b", "hub:a/..", "hub:./b", "hub:/b", "hub:/etc/x"]


@pytest.mark.parametrize("spec", MALFORMED)
def test_malformed_hub_name_is_refused(spec):
    with pytest.raises(InputError, match=f"{spec}.*allowed: hub:OWNER/NAME"):
        open_set(spec, channels=3)


@pytest.mark.parametrize("rest", ["@../../x", "@a/../x", "@a\n", "@a\x1b[2J", ":a/../..", ":a\0", "@a\\b"])
def test_hub_set_is_named_like_a_folder_of_its_own(rest, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(InputError, match=r"image set '(hub:)?a/b"):
        open_set(f"hub:a/b{rest}", channels=3)


# The registry


def test_registered_sets_are_complete():
    counts = {name: (entry.count, entry.channels) for name, entry in REGISTRY.items()}
    assert counts == {
        "embedded-train": (7, 1),
        "embedded-test": (3, 1),
        "embedded-colour-train": (3, 3),
        "embedded-colour-test": (2, 3),
        "bsd400": (399, 1),
        "bsd400-tune": (359, 1),
        "bsd400-held": (40, 1),
        "bsd400+starfish": (400, 1),
        "cbsd432": (431, 3),
        "cbsd432+starfish": (432, 3),
        "set12": (12, 1),
        "bsd68": (68, 1),
        "cbsd68": (68, 3),
        "kodak24": (24, 3),
    }


def test_starfish_is_left_out_and_said():
    for name, file in (("bsd400", "test_020.png"), ("cbsd432", "12003.jpg")):
        assert file not in REGISTRY[name].fingerprints
        assert f"without {file}" in REGISTRY[name].note
        assert file in REGISTRY[f"{name}+starfish"].fingerprints
        assert f"with {file}" in REGISTRY[f"{name}+starfish"].note


def test_settings_are_chosen_on_a_part_of_the_training_set_alone():
    whole, tune, held = (
        set(REGISTRY[name].fingerprints) for name in ("bsd400", "bsd400-tune", "bsd400-held")
    )
    assert tune | held == whole
    assert not tune & held
    assert (RECIPES["tuning"].train, *RECIPES["tuning"].test) == ("bsd400-tune", "bsd400-held")


def test_addresses_are_pinned_at_a_commit():
    for entry in REGISTRY.values():
        if entry.base_url:
            assert all(
                url.split("/")[5].isalnum() and len(url.split("/")[5]) == 40 for url in entry.urls.values()
            )
    urls = REGISTRY["cbsd432+starfish"].urls
    splits = [url.split("/")[-2] for url in urls.values()]
    assert {split: splits.count(split) for split in splits} == {"train": 200, "test": 200, "val": 32}
    assert urls["12003.jpg"].endswith("BSDS500/data/images/train/12003.jpg")


def test_registry_decodes_nothing():
    code = (
        "import sys; from bench.registry import REGISTRY; [entry.count for entry in REGISTRY.values()]; "
        "print([name for name in ('torch', 'datasets', 'skimage', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in REGISTRY if name.startswith("embedded")])
def test_embedded_sets_are_what_their_manifests_say(name):
    entry = REGISTRY[name]
    opened = open_set(name, channels=entry.channels)
    assert [picture.fingerprint for picture in opened] == list(entry.fingerprints.values())
    assert opened.images[0].pixels.shape[2] == entry.channels


def test_embedded_train_and_test_share_no_picture():
    for kind in ("embedded", "embedded-colour"):
        train, test = (REGISTRY[f"{kind}-{part}"].fingerprints for part in ("train", "test"))
        assert not set(train.values()) & set(test.values())
        assert not set(train) & set(test)


def test_manifest_is_name_and_fingerprint(photos, tmp_path):
    opened = open_set(str(photos), channels=3)
    write_manifest(opened, tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["name", "sha256"]
    assert rows[1:] == [[picture.name, picture.fingerprint] for picture in opened]


@pytest.mark.data
@pytest.mark.parametrize("name", [name for name, entry in REGISTRY.items() if entry.base_url])
def test_photographs_are_those_of_the_manifests(name):
    entry = REGISTRY[name]
    if not DATA or not (Path(DATA) / entry.folder).is_dir():
        pytest.skip(f"NOISEBENCH_DATA does not name a folder with {entry.folder}")
    opened = open_set(name, channels=entry.channels, data=Path(DATA))
    assert len(opened.images) == entry.count
