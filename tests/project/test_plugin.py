"""Methods of other packages that are really installed: one that works, and some that do not."""

from __future__ import annotations

import csv
import json
import shlex
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.support.images import photograph
from tests.support.installing import installing_into, shell
from tests.support.repository import PLUGIN

if TYPE_CHECKING:
    from pathlib import Path

TINY = "--noises gaussian:25 --width 4 --steps 3 --batch 2 --patch 32 --train ./train --test ./test"
COMMANDS = {
    "list": "list methods",
    "check": "check charbonnier:eps=0.02",
    "run": f"run --methods charbonnier supervised {TINY}",
    "table": "table",
    "report": "report",
    "raising": f"run --methods raising {TINY}",
    "absent": f"run --methods absent {TINY}",
}
# All in one process, since each command takes seconds to load torch.
DRIVER = """
import contextlib, io, json, sys
from bench.cli.main import main
found = {}
for name, command in json.load(sys.stdin).items():
    code, said = 0, io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(command.split())
        except SystemExit as leaving:
            code = leaving.code
    found[name] = code, said.getvalue()
json.dump(found, sys.stdout)
"""


def write_package(folder: Path, *, methods: dict[str, str], files: dict[str, str]) -> Path:
    """Write a distribution ``noisebench-FOLDER`` with entry points and modules."""
    folder.mkdir()
    points = "\n".join(f'{name} = "{target}"' for name, target in methods.items())
    text = (PLUGIN / "pyproject.toml").read_text()
    text = text.replace('charbonnier = "noisebench_charbonnier:Charbonnier"', points)
    text = text.replace("noisebench-charbonnier", f"noisebench-{folder.name}")
    text = text.replace('["noisebench_charbonnier.py"]', str(list(files)))
    (folder / "pyproject.toml").write_text(text)
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def install(place: Path, *packages: Path) -> dict[str, str]:
    """Install packages; return the environment that contains them."""
    environment = installing_into(place / "installed")
    command = shlex.join(["pip", "install", *map(str, packages)])
    code, said = shell(command, place=place, environment=environment)
    assert code == 0, said
    return environment


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a few small photographs to train and test on."""
    place = tmp_path_factory.mktemp("plugins")
    for seed, name in enumerate(["train", "test"]):
        (place / name).mkdir()
        Image.fromarray(photograph(48, 64, 1, seed=seed)).save(place / name / "photograph.png")
    return place


@pytest.fixture(scope="module")
def said(place: Path) -> dict[str, tuple[int, str]]:
    """Run all commands with the plugin installed, and with a package whose methods cannot be loaded.

    Returns:
        The exit code of each, and what it prints.
    """
    broken = write_package(
        place / "broken",
        methods={"raising": "noisebench_raising:Raising", "absent": "noisebench_absent:Absent"},
        files={"noisebench_raising.py": '"""Raising: it does."""\nraise ZeroDivisionError("oh no")\n'},
    )
    (place / "commands.json").write_text(json.dumps(COMMANDS))
    (place / "driver.py").write_text(DRIVER)
    environment = install(place, PLUGIN, broken)
    code, found = shell("python driver.py < commands.json 2> errors", place=place, environment=environment)
    assert code == 0, (place / "errors").read_text()
    return json.loads(found)


def test_plugins_are_listed_with_their_distribution(said: dict[str, tuple[int, str]]):
    code, listed = said["list"]
    assert code == 0, listed
    lines = {line.split()[0]: line for line in listed.splitlines() if line.split()}
    assert "a loss that is robust to outliers. [noisebench-charbonnier]" in lines["charbonnier"]
    assert "Raising: it does. [noisebench-broken]" in lines["raising"]
    assert "(its file is missing) [noisebench-broken]" in lines["absent"]
    assert "[noisebench]" in lines["supervised"]


def test_a_plugin_passes_the_checks(said: dict[str, tuple[int, str]]):
    code, checked = said["check"]
    assert code == 0, checked
    assert "checks passed" in checked


def test_a_plugin_has_its_row_in_tables_and_reports(said: dict[str, tuple[int, str]], place: Path):
    for command in ("run", "table", "report"):
        code, text = said[command]
        assert code == 0, text
    assert "2 trained" in said["run"][1]
    with (place / "runs" / "tables" / "table.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert {name: row["sees"] for name, row in rows.items()} == {
        "charbonnier": "noisy + clean",
        "supervised": "noisy + clean",
    }
    for command in ("run", "table"):
        assert f"{float(rows['charbonnier']['psnr']):.2f}" in said[command][1]
    assert "charbonnier" in (place / "runs" / "report" / "report.html").read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raising", "noisebench_raising.py, line 2: ZeroDivisionError: oh no"),
        ("absent", "ModuleNotFoundError: No module named 'noisebench_absent'"),
    ],
)
def test_a_broken_plugin_is_reported_with_its_error(name: str, words: str, said: dict[str, tuple[int, str]]):
    code, text = said[name]
    assert code == 2, text
    assert f"the method {name!r} could not be imported" in text
    assert words in text


def test_two_packages_with_the_same_method_are_both_named(tmp_path: Path):
    namesake = write_package(
        tmp_path / "namesake",
        methods={"charbonnier": "noisebench_namesake:Charbonnier"},
        files={"noisebench_namesake.py": (PLUGIN / "noisebench_charbonnier.py").read_text()},
    )
    environment = install(tmp_path, PLUGIN, namesake)
    code, text = shell("noisebench list methods", place=tmp_path, environment=environment)
    assert code == 2, text
    assert "the method 'charbonnier' exists twice, in noisebench-" in text
    assert {"noisebench-charbonnier", "noisebench-namesake"} <= {word.strip(";,") for word in text.split()}
