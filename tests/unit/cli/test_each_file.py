"""Work on many files, of which some cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cli.each_file import EachFile, image_paths
from bench.errors import InputError


def work(path: Path) -> None:
    if path.name.startswith("bad"):
        raise InputError(f"{path}: broken")


def test_files_that_fail_are_named_and_the_others_done(capsys: pytest.CaptureFixture[str]):
    loop, done = EachFile(strict=False), []
    loop.run([Path("a"), Path("bad1"), Path("b"), Path("bad2")], lambda path: (work(path), done.append(path)))
    assert [path.name for path in done] == ["a", "b"]
    said = capsys.readouterr().err
    assert "bad1: broken" in said
    assert "2 of 4 files failed: bad1, bad2" in said
    with pytest.raises(SystemExit) as leaving:
        loop.leave()
    assert leaving.value.code == 1


def test_the_only_file_raises_its_own_error_and_none_done_is_bad_input():
    with pytest.raises(InputError, match="bad: broken"):
        EachFile(strict=False).run([Path("bad")], work)
    with pytest.raises(InputError, match="none of 2 files could be used"):
        EachFile(strict=False).run([Path("bad1"), Path("bad2")], work)


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_matter_only_if_strict(strict: bool, capsys: pytest.CaptureFixture[str]):
    loop = EachFile(strict=strict)
    loop.run(
        [Path("a"), Path("bad")], lambda path: (work(path), loop.warn(path, "odd"), loop.warn(path, "even"))
    )
    said = capsys.readouterr().err
    assert ("1 of 1 files with warnings: a" in said) == strict
    with pytest.raises(SystemExit) as leaving:
        loop.leave()
    assert leaving.value.code == (2 if strict else 1)


def test_folders_and_patterns_give_their_images(tmp_path: Path):
    for name in ("b.png", "a.TIF", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    a, b = tmp_path / "a.TIF", tmp_path / "b.png"
    assert image_paths([tmp_path]) == [a, b]
    assert image_paths([b, tmp_path / "*.*[gF]"]) == [b, a]
    assert image_paths([tmp_path / "missing.png"]) == [tmp_path / "missing.png"]
    with pytest.raises(InputError, match="no image files in this folder"):
        image_paths([tmp_path / "folder.png"])
    with pytest.raises(InputError, match="no file fits the pattern"):
        image_paths([tmp_path / "*.jpg"])
