"""What `noisebench new` writes runs unchanged, and no other file is touched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import methods
from bench.cli.main import main
from bench.conformance.suite import examine
from bench.discovery import EVERY, listings, parse_method
from bench.errors import InputError
from bench.scaffold.write import write_method, write_package

if TYPE_CHECKING:
    from pathlib import Path

NAME = "my_own_method"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a clone whose folder of methods precedes the real one."""
    folder = tmp_path / "clone" / "methods"
    folder.mkdir(parents=True)
    (folder.parent / "pyproject.toml").write_text("")
    monkeypatch.setattr(methods, "__path__", [str(folder), *methods.__path__])
    monkeypatch.delitem(sys.modules, f"methods.{NAME}", raising=False)
    return folder.parent


def test_a_new_method_is_one_file_and_passes_the_checks_unchanged(clone: Path):
    before = {*clone.rglob("*")}
    files = write_method(NAME)
    assert {*clone.rglob("*")} - before == set(files) == {clone / "methods" / f"{NAME}.py"}
    findings = list(examine(NAME))
    assert {finding.noise for finding in findings} == {"", "gaussian", "poisson", "gamma"}
    assert not [finding for finding in findings if finding.fault]


@pytest.mark.usefixtures("clone")
def test_a_new_method_is_listed_trained_and_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_method(NAME)
    assert listings()[NAME].summary().startswith("My own method (Author, Venue year)")
    assert parse_method(f"{NAME}:fraction=0.2")[1].settings == "fraction=0.2"
    main(["list", "methods"])
    assert NAME in capsys.readouterr().out
    small = ["--width", "4", "--steps", "4", "--batch", "2", "--patch", "32", "--noises", "gaussian:25"]
    runs = tmp_path / "runs"
    main(["run", "--methods", NAME, "supervised", *small, "--runs", str(runs)])
    assert NAME in capsys.readouterr().out
    assert "my\\_own\\_method" in (runs / "tables" / "table.md").read_text(encoding="utf-8")
    main(["report", str(runs)])
    assert NAME in (runs / "report" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["My_method", "2fast", "a-b", "", "_", "for", "../up", "a b"])
@pytest.mark.usefixtures("clone")
def test_an_invalid_name_is_refused(name: str, tmp_path: Path):
    for write in (write_method, lambda name: write_package(name, tmp_path / "packages")):
        with pytest.raises(InputError, match="cannot name a method; allowed: lower-case letters"):
            write(name)
    assert not (tmp_path / "packages").exists()


@pytest.mark.parametrize("name", ["supervised", EVERY])
def test_a_name_that_is_taken_is_refused(name: str, clone: Path):
    with pytest.raises(InputError, match=f"the name '{name}' is taken"):
        write_method(name)


def test_existing_files_are_not_overwritten(clone: Path, tmp_path: Path):
    write_package(NAME, tmp_path)
    with pytest.raises(InputError, match="exists already"):
        write_package(NAME, tmp_path)


def test_an_installed_package_is_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(methods, "__path__", [str(tmp_path)])
    with pytest.raises(InputError, match=r"not a clone of the repository.*new another --package"):
        write_method("another")
    assert not list(tmp_path.iterdir())
