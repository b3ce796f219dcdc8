"""The documentation: its worked example runs as it is, and what it reads from the code is true."""

from __future__ import annotations

import csv
import io
import pkgutil
import re
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from functools import cache
from inspect import getfile
from typing import TYPE_CHECKING

import pytest

from bench import protocol
from bench.cli.main import main
from bench.conformance.suite import DENOISING_CHECKS, LOSS_CHECKS, TRAINING_CHECKS, title
from bench.discovery import load_class
from bench.images import clean_image
from bench.method import NEEDS, Untrained, sees
from bench.noise import NOISES
from bench.training import step
from docs.source import checks, constants, entries, noise_models
from tests.support.installing import installing_into, shell
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

WORKED_EXAMPLE = ROOT / "docs" / "add-a-method.md"
FENCED = re.compile(r'^```(\w+)(?: title="([^"]*)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
HOLE = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block of a page: its language, its title and its text."""

    language: str
    title: str
    text: str


def blocks_of(page: Path) -> list[Block]:
    return [Block(*found) for found in FENCED.findall(page.read_text(encoding="utf-8"))]


def applied(diff: str, text: str) -> str:
    """Replace the lines of ``diff`` that begin with a blank or a minus by those with a blank or a plus."""
    before, after = (
        "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in signs)
        for signs in (" -", " +")
    )
    assert text.count(before) == 1, f"not once in the file:\n{before}"
    return text.replace(before, after)


def test_the_worked_example_runs_as_it_is(tmp_path: Path) -> None:
    environment = installing_into(tmp_path / "installed")
    place = tmp_path / "afternoon"
    place.mkdir()
    said = ""
    for block in blocks_of(WORKED_EXAMPLE):
        match block.language:
            case "sh":
                code, said = shell(block.text, place=place, environment=environment)
                expected = re.search(r"exits with (\d)", block.title)
                assert code == (int(expected[1]) if expected else 0), f"{block.text}\n{said}"
            case "text":
                for line in block.text.splitlines():
                    assert re.search(".*".join(map(re.escape, line.split(HOLE))), said), f"{line}\n{said}"
            case "python":
                (place / block.title).write_text(block.text, encoding="utf-8")
            case "diff":
                file = place / block.title
                file.write_text(applied(block.text, file.read_text(encoding="utf-8")), encoding="utf-8")
            case language:
                assert language == "console", f"a block of {language} is neither run nor marked as console"
    with (place / "runs" / "tables" / "table.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert {name: row["sees"] for name, row in rows.items()} == {
        "my_method": "noisy",
        "supervised": "noisy + clean",
    }
    assert all(row["status"] == "done" for row in rows.values())
    assert "my_method" in (place / "runs" / "report" / "report.html").read_text(encoding="utf-8")


def test_the_pages_describe_each_method_as_its_class_declares():
    for entry in entries():
        method = load_class(entry.name)
        assert entry.path == f"{method.__module__}.{method.__name__}"
        assert entry.sees == sees(method)
        assert set(entry.noises) == method.noises
        assert entry.precision == method.precision
        assert entry.trained != issubclass(method, Untrained)
        assert entry.file.samefile(getfile(method))


def test_the_pages_name_every_check_in_its_order():
    found = {group: [check.name for check in members] for group, members in checks().items()}
    assert found == {
        "DECLARATION": ["declares itself"],
        "LOSS_CHECKS": list(map(title, LOSS_CHECKS)),
        "DENOISING_CHECKS": list(map(title, DENOISING_CHECKS)),
        "TRAINING_CHECKS": list(map(title, TRAINING_CHECKS)),
    }
    messages = {check.name: check.messages for members in checks().values() for check in members}
    assert "the loss changes batch.… in place; work on a copy" in messages["leaves its input unchanged"]
    assert len(messages["accepts any image size"]) == 3  # of a function that the check calls


def test_the_pages_know_the_noise_models():
    for facts, model in zip(noise_models(), NOISES.values(), strict=True):
        assert facts["name"] == model.name
        assert (facts["example"], facts["blind_range"]) == (model.example, model.blind_range)
        assert [facts["symbol"]] == [field.name for field in fields(model)]
        assert facts["formula"] + "." == model.__doc__


@pytest.mark.parametrize("module", [protocol, step, clean_image], ids=lambda module: module.__name__)
def test_the_pages_know_the_constants(module: ModuleType):
    found = constants(module.__name__)
    assert found
    assert found == {name: getattr(module, name) for name in found}


def test_only_plain_values_are_constants():
    assert constants("bench.method") == {"NEEDS": NEEDS}


def test_the_page_of_faults_advises_on_every_check():
    text = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    for members in checks().values():
        for check in members:
            assert f'"{check.name}": "' in text


def test_the_citation_names_this_version():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.*)"$', project, re.MULTILINE)[1]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "reports" / "README.md"])


def commands_of(page: Path) -> set[tuple[str, str]]:
    """Find each command with each option that a page gives it, in blocks of the shell and in running text."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.text for block in blocks_of(page) if block.language in ("sh", "console")]
    lines = [line.partition("#")[0] for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    calls = [call.groups() for line in lines for call in re.finditer(r"\bnoisebench ([a-z]+)\b(.*)", line)]
    return {(name, option) for name, rest in calls for option in ("", *re.findall(r"(--[a-z-]+)", rest))}


@cache
def help_of(*command: str) -> str:
    text = io.StringIO()
    with redirect_stdout(text), pytest.raises(SystemExit):
        main([*command, "--help"])
    return text.getvalue()


def test_the_page_of_commands_has_an_example_of_every_command():
    known = re.search(r"\{([a-z,]+)\}", help_of())[1].split(",")
    assert {name for name, _ in commands_of(ROOT / "docs" / "commands.md")} == set(known)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_pages_name_commands_and_options_that_exist(page: Path):
    for name, option in commands_of(page):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", help_of(name)), f"noisebench {name} {option}"


def test_the_map_of_the_repository_names_every_package_and_module_of_bench():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    tree = text.partition("    bench/\n")[2].partition("    methods/")[0]
    names = [name for line in tree.splitlines() for name in re.split(r" {3,}", line.strip())[0].split()]
    found = {module.name + "/" * module.ispkg for module in pkgutil.iter_modules([str(ROOT / "bench")])}
    assert sorted(names) == sorted(found)


def test_the_readme_fits_on_two_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90
