"""Image sets of the Hugging Face hub, from a folder in its place."""

import tomllib
from pathlib import Path

import datasets
import huggingface_hub
import numpy as np
import pyarrow.parquet
import pytest
from packaging.requirements import Requirement
from PIL import Image

from bench.errors import InputError
from bench.images.hub import allowed_folders, file_of
from bench.images.sources import open_set
from tests.support.images import THREE_IMAGES
from tests.support.repository import ROOT


def names_of(image_set):
    return [image.name for image in image_set]


@pytest.fixture
def hub(photos, tmp_path, monkeypatch):
    """A data set OWNER/NAME: `load_dataset` takes a folder of that name as it takes the hub's repository."""
    repository = tmp_path / "work/someone/photos"
    repository.parent.mkdir(parents=True)
    photos.rename(repository)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield repository
    datasets.enable_progress_bars()


@pytest.mark.usefixtures("hub")
def test_hub_set_is_its_first_image_column():
    opened = open_set("hub:someone/photos@main:train", channels=3)
    assert opened.name == "someone/photos@main:train"
    assert sorted(name.split("-", 1)[1] for name in names_of(opened)) == ["a.png", "b.bmp", "c.PNG"]
    assert {image.pixels.tobytes() for image in opened} == {image.tobytes() for image in THREE_IMAGES}
    assert opened.notes == ()
    assert "huggingface.co/datasets/someone/photos" in opened.licence


@pytest.mark.usefixtures("hub")
def test_hub_set_without_a_revision_has_a_note():
    opened = open_set("hub:someone/photos", channels=1)
    assert opened.notes == ("hub:someone/photos: no revision named, so the images may change",)


def test_hub_set_with_several_splits_asks_for_one(hub):
    for split, name in (("train", "a.png"), ("test", "b.bmp")):
        (hub / split).mkdir()
        (hub / name).rename(hub / split / name)
    (hub / "c.PNG").unlink()
    with pytest.raises(InputError, match=r"splits train, test; name one, as hub:someone/photos:SPLIT"):
        open_set("hub:someone/photos", channels=3)
    assert names_of(open_set("hub:someone/photos:test", channels=3)) == ["00000-b.bmp"]


def replace_by_table(hub, **columns):
    for file in hub.iterdir():
        file.unlink()
    datasets.Dataset.from_dict(columns).to_parquet(hub / "table.parquet")


def test_hub_set_without_images_is_refused(hub):
    replace_by_table(hub, x=[1], y=[2])
    with pytest.raises(InputError, match="no image column; its columns: x, y"):
        open_set("hub:someone/photos", channels=3)


def test_hub_images_may_be_inside_a_table(hub):
    photos = [Image.fromarray(pixels) for pixels in THREE_IMAGES]
    replace_by_table(hub, label=[0, 1, 2], photo=photos)
    opened = open_set("hub:someone/photos", channels=3)
    assert names_of(opened) == ["00000", "00001", "00002"]
    np.testing.assert_array_equal(opened.images[2].pixels, THREE_IMAGES[2])


def test_hub_row_without_an_image_is_refused(hub):
    replace_by_table(hub, photo=[Image.fromarray(THREE_IMAGES[0]), None])
    with pytest.raises(InputError, match="row 1 holds no image"):
        open_set("hub:someone/photos", channels=3)


def test_hub_images_pass_the_same_checks(hub):
    Image.fromarray(THREE_IMAGES[0, ..., 0]).save(hub / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*a grey image"):
        open_set("hub:someone/photos", channels=3)


@pytest.fixture
def secret(tmp_path):
    """An image of the reader, which no data set may read."""
    path = tmp_path / "private/secret.png"
    path.parent.mkdir()
    Image.fromarray(THREE_IMAGES[0]).save(path)
    return path


ELSEWHERE = ["{secret}", "../private/secret.png", "someone/photos/../../../private/secret.png", "/dev/zero"]


@pytest.mark.parametrize("named", ELSEWHERE)
def test_a_row_reads_no_file_from_elsewhere(hub, secret, named):
    path = named.format(secret=secret)
    schema = datasets.Features({"photo": datasets.Image()}).arrow_schema
    for file in hub.iterdir():
        file.unlink()
    table = pyarrow.table({"photo": [{"bytes": None, "path": path}]}, schema)
    pyarrow.parquet.write_table(table, hub / "table.parquet")
    with pytest.raises(InputError, match=rf"{Path(path).name}: leads to /.*, outside of"):
        open_set("hub:someone/photos", channels=3)


@pytest.mark.parametrize("path", ["a\0.png", "a\n.png", "\0/a.png"])
def test_a_row_with_an_invalid_path_is_refused(hub, path):
    row = {"bytes": None, "path": path}
    with pytest.raises(InputError, match=r"row 0: the name '00000-a|not a path"):
        file_of("hub:someone/photos", 0, row, (hub,))


def test_a_link_out_of_a_hub_set_is_refused(hub, secret):
    (hub / "d.png").symlink_to(secret)
    with pytest.raises(InputError, match=r"d\.png: leads to .*secret\.png, outside of"):
        open_set("hub:someone/photos", channels=3)


def test_an_image_in_the_cache_of_the_hub_is_read(tmp_path, monkeypatch, photos):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    mine, other = (tmp_path / f"hub/datasets--someone--{name}/blobs" for name in ("photos", "private"))
    for blobs in (mine, other):
        blobs.mkdir(parents=True)
        (blobs.parent / "snapshots").mkdir()
        (blobs / "0af").write_bytes((photos / "a.png").read_bytes())
        (blobs.parent / "snapshots/a.png").symlink_to("../blobs/0af")
    roots = allowed_folders("someone/photos")
    row = {"bytes": None, "path": str(mine.parent / "snapshots/a.png")}
    assert file_of("hub:x", 3, row, roots) == ("00003-a.png", Path(row["path"]))
    row = {"bytes": None, "path": str(other.parent / "snapshots/a.png")}
    with pytest.raises(InputError, match="outside of"):
        file_of("hub:x", 3, row, roots)


def test_a_loading_script_is_not_run(hub, tmp_path):
    marker = tmp_path / "marker"
    code = f"open({str(marker)!r}, 'w').close()\nimport datasets\n"
    for name in ("photos.py", "setup.py", "conftest.py", "__init__.py"):
        (hub / name).write_text(code)
    with pytest.raises(InputError, match=r"'hub:someone/photos'.*scripts are no longer supported"):
        open_set("hub:someone/photos", channels=3)
    assert not marker.exists()
    (hub / "photos.py").unlink()
    open_set("hub:someone/photos", channels=3)
    assert not marker.exists()


def test_a_pickled_table_is_not_loaded(hub, tmp_path):
    for file in hub.iterdir():
        file.unlink()
    (hub / "table.pkl").write_bytes(f"cos\nsystem\n(S'touch {tmp_path}/marker'\ntR.".encode())
    with pytest.raises(InputError, match="'hub:someone/photos' cannot be loaded"):
        open_set("hub:someone/photos", channels=3)
    assert not (tmp_path / "marker").exists()


def test_no_allowed_version_of_datasets_runs_loading_scripts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (bound,) = (one for one in project["project"]["dependencies"] if one.startswith("datasets"))
    assert not Requirement(bound).specifier.contains("3.99")


def test_a_failing_hub_is_reported(monkeypatch):
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
def test_unsafe_hub_names_are_refused(rest, monkeypatch):
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("loaded"))
    with pytest.raises(InputError, match=r"image set '(hub:)?a/b"):
        open_set(f"hub:a/b{rest}", channels=3)
