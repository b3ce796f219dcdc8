"""Downloads by a server of this machine."""

from __future__ import annotations

import functools
import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bench.errors import InputError
from bench.images.download import download
from bench.images.sources import open_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.images.registry import Entry


class Recording(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and records what is asked for."""

    def __init__(self, *args, asked: list[str], **options):
        self.asked = asked
        super().__init__(*args, **options)

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@contextmanager
def serve(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder: the address, and the paths that are asked for."""
    asked: list[str] = []
    handler = functools.partial(Recording, directory=str(folder), asked=asked)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_files_are_downloaded_once(photos: Path, tmp_path: Path) -> None:
    names = ("c.PNG", "a.png")
    with serve(photos) as (address, asked):
        urls = {name: f"{address}/{name}" for name in names}
        files = download(urls, folder="some")
        assert sorted(asked) == ["/a.png", "/c.PNG"]
    assert list(files) == list(names)
    for name, file in files.items():
        assert file.parent == tmp_path / "cache/noisebench/some"
        assert file.read_bytes() == (photos / name).read_bytes()
    # The server is gone.
    assert download(urls, folder="some") == files


def test_another_address_is_another_file(photos: Path) -> None:
    with serve(photos) as (address, _):
        first, second = (
            download({"x.png": f"{address}/{name}"}, folder="some")["x.png"] for name in ("a.png", "b.bmp")
        )
    assert first.read_bytes() != second.read_bytes()


def test_a_missing_file_ends_the_download(photos: Path, tmp_path: Path) -> None:
    with serve(photos) as (address, asked):
        urls = {name: f"{address}/no/{name}" for name in ("a.png", "b.bmp", "c.PNG")}
        with pytest.raises(OSError, match="404"):
            download(urls, folder="some")
    assert asked == ["/no/a.png"]
    assert not [file for file in tmp_path.glob("cache/**/*") if file.is_file()]


def test_an_absent_set_is_downloaded(
    entry: Entry, photos: Path, tmp_path: Path, register: Callable[[Entry], None]
) -> None:
    with serve(photos) as (address, _):
        register(replace(entry, base_url=address))
        first = open_set("own", channels=3, data=tmp_path / "manifests")
    again = open_set("own", channels=3)
    assert [image.name for image in first] == ["a.png", "b.bmp", "c.PNG"]
    assert first.fingerprint == again.fingerprint == open_set(str(photos), channels=3).fingerprint


def test_other_pixels_from_the_server_are_refused(
    entry: Entry, photos: Path, register: Callable[[Entry], None]
) -> None:
    (photos / "b.bmp").write_bytes((photos / "a.png").read_bytes())
    with serve(photos) as (address, _):
        register(replace(entry, base_url=address))
        with pytest.raises(
            InputError, match=r"pixels of b\.bmp \(.*cache.*b\.bmp\) are not those of the set"
        ):
            open_set("own", channels=3)


def test_scattered_files_are_found_by_their_paths(
    entry: Entry, photos: Path, tmp_path: Path, register: Callable[[Entry], None]
) -> None:
    (tmp_path / "manifests/photos_paths.csv").write_text(
        "name,path\na.png,x/a.png\nb.bmp,y/b.bmp\nc.PNG,x/c.PNG\n"
    )
    for name, folder in (("a.png", "x"), ("b.bmp", "y"), ("c.PNG", "x")):
        (photos / folder).mkdir(exist_ok=True)
        (photos / name).rename(photos / folder / name)
    with serve(photos) as (address, _):
        register(replace(entry, base_url=address, scattered=True))
        assert [image.name for image in open_set("own", channels=3)] == ["a.png", "b.bmp", "c.PNG"]


def test_a_failed_download_says_where_and_how(entry: Entry, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_set("own", channels=3, data=tmp_path / "manifests")
    message = str(caught.value)
    assert f"looked in: {tmp_path}/manifests/photos" in message
    assert entry.base_url in message
    assert "DIR/photos/" in message
    assert "NOISEBENCH_DATA" in message
    with pytest.raises(InputError, match="no data folder was named"):
        open_set("own", channels=3)
