"""Finding methods by name, without importing them, and loading them with their hyper-parameters."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import methods
from bench import discovery
from bench.discovery import build, listings, load_class, parse_method, source_hash
from bench.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

OWN = {"noise2noise", "noise2score", "noise2void", "supervised", "sure"}


@pytest.fixture
def method_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Add a folder to those in which methods are found."""
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    return tmp_path


def test_every_file_is_a_method_with_a_summary() -> None:
    found = listings()
    assert set(found) >= OWN
    assert all(found[name].summary().endswith(".") for name in OWN)


def test_listing_imports_no_method_and_neither_torch_nor_pydantic() -> None:
    code = (
        "import sys; from bench.discovery import listings; [one.summary() for one in listings().values()];"
        "print([name for name in sys.modules if name in ('torch', 'pydantic') or name[:8] == 'methods.'])"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.strip() == "[]"


@pytest.mark.parametrize("name", sorted(OWN))
def test_own_methods_load_and_are_frozen(name: str) -> None:
    method = build(load_class(name), {})
    with pytest.raises(AttributeError):
        method.anything = 1


def test_unknown_method_suggests_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown method 'nois2score'; did you mean 'noise2score'\?"):
        parse_method("nois2score")


def test_hyper_parameters_are_parsed_and_those_at_defaults_left_out() -> None:
    name, method = parse_method("noise2score:domain=raw,start=0.2,antithetic=true")
    assert name == "noise2score"
    assert method.hyper_parameters == {
        "domain": "raw",
        "formula": "two_step",
        "start": 0.2,
        "end": None,
        "antithetic": True,
        "level": "given",
    }
    assert parse_method(f"noise2score:{method.settings}")[1] == method
    assert parse_method("noise2score")[1].settings == ""


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "noise2void:fractoin=0.1",
            "unknown hyper-parameter of noise2void 'fractoin'; did you mean 'fraction'",
        ),
        ("noise2void:fraction=much", "fraction='much'"),
        ("noise2void:fraction=2", r"fraction in \(0, 1\], but fraction is 2.0"),
        ("noise2void:radius=0", "radius of at least 1 pixel, but radius is 0"),
        ("noise2score:domain=log", "domain='log': Input should be 'stabilised' or 'raw'"),
        ("noise2score:start=-1", "start > 0, but start is -1.0"),
        ("sure:eps=0", "eps > 0, but eps is 0.0"),
    ],
)
def test_wrong_hyper_parameters_are_named(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_method(spec)


def test_a_file_that_raises_is_named_with_its_error(method_folder: Path) -> None:
    (method_folder / "broken_entry.py").write_text('"""Broken."""\nraise ZeroDivisionError("oh no")\n')
    assert listings()["broken_entry"].summary() == "Broken."
    with pytest.raises(InputError, match=r"broken_entry\.py, line 2: ZeroDivisionError: oh no"):
        load_class("broken_entry")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("import math\n\nmath.sqrt(-1)\n", 3, "ValueError: math domain error"),
        ("import nothing_like_it\n", 1, "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("class Method(\n", 1, "SyntaxError: '(' was never closed"),
    ],
)
def test_the_line_that_cannot_be_imported_is_named(
    method_folder: Path, text: str, line: int, said: str
) -> None:
    file = method_folder / "faulty.py"
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_class("faulty")
    assert str(caught.value) == f"the method 'faulty' could not be imported from {file}, line {line}: {said}"


def test_a_class_that_lacks_functions_of_the_contract_is_named_with_its_line(method_folder: Path) -> None:
    file = method_folder / "incomplete.py"
    file.write_text(
        "from dataclasses import dataclass\n\nfrom bench.method import Method\n\n\n"
        "@dataclass(frozen=True)\nclass Faulty(Method):\n    needs = frozenset({'noisy'})\n"
    )
    with pytest.raises(InputError) as caught:
        parse_method("incomplete")
    assert str(caught.value) == f"{file}, line 6: the class Faulty lacks denoise and loss"


def test_a_file_that_does_not_parse_is_listed_as_such(method_folder: Path) -> None:
    (method_folder / "garbled_entry.py").write_text("def (:\n")
    assert "does not parse" in listings()["garbled_entry"].summary()
    with pytest.raises(InputError, match=r"garbled_entry\.py, line 1: SyntaxError"):
        load_class("garbled_entry")


def test_a_file_without_a_method_is_refused(method_folder: Path) -> None:
    (method_folder / "empty_entry.py").write_text('"""Nothing here."""\n')
    with pytest.raises(InputError, match=r"'empty_entry' needs one subclass.*holds 0"):
        load_class("empty_entry")


def test_a_plugin_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("outsider", "methods.supervised:Supervised", discovery.ENTRY_POINTS)
    monkeypatch.setattr(
        discovery.metadata, "entry_points", lambda group: [point] if group == point.group else []
    )
    assert load_class("outsider") is load_class("supervised")


def test_a_name_that_exists_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("sure", "somewhere.else:Sure", discovery.ENTRY_POINTS)
    monkeypatch.setattr(discovery.metadata, "entry_points", lambda group: [point])
    with pytest.raises(InputError, match="'sure' exists twice, in noisebench and an unknown package"):
        listings()


def test_the_source_hash_follows_the_file(method_folder: Path) -> None:
    text = (
        "from dataclasses import dataclass\nfrom bench.method import Method\n"
        "@dataclass(frozen=True)\nclass One(Method):\n    needs = frozenset({'noisy'})\n"
    )
    hashes = []
    for name, addition in (("one_entry", ""), ("two_entry", "# changed\n")):
        (method_folder / f"{name}.py").write_text(text + addition)
        hashes.append(source_hash(load_class(name)))
    assert hashes[0] != hashes[1]
