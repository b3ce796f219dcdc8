"""The layout of the repository: how large folders, files and functions are, and what imports what."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import median

import grimp

from tests.support.repository import ROOT

FOLDERS = ("bench", "methods", "docs", "tests", "tools")
LARGEST_FOLDER = 16
LONGEST_FILE = 350
LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 8

SHARED_NAMES = {
    "write": "the module of a package that writes its result",
}
"""Module names that are used more than once, with what they mean in each place."""


@cache
def python_files(folder: str) -> tuple[Path, ...]:
    """Return the Python files of a folder, relative to the root of the repository."""
    return tuple(sorted(file.relative_to(ROOT) for file in (ROOT / folder).rglob("*.py")))


@cache
def parse(file: Path) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def test_no_folder_has_too_many_files():
    counts = Counter(str(file.parent) for folder in FOLDERS for file in python_files(folder))
    assert {folder: count for folder, count in counts.items() if count > LARGEST_FOLDER} == {}


def test_no_file_is_too_long():
    files = [file for folder in FOLDERS for file in python_files(folder)]
    lengths = {str(file): len((ROOT / file).read_bytes().splitlines()) for file in files}
    assert {file: length for file, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short():
    lengths = {
        f"{file}:{node.lineno}: {node.name}": node.end_lineno - node.lineno + 1
        for folder in ("bench", "methods")
        for file in python_files(folder)
        for node in ast.walk(parse(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length >= LONGEST_FUNCTION} == {}
    assert median(lengths.values()) <= MEDIAN_FUNCTION


def test_every_module_has_a_test_module_at_the_same_place():
    modules = [file for file in python_files("bench") if not file.name.startswith("__")]
    tests = [Path("tests", "unit", *file.parts[1:-1], f"test_{file.name}") for file in modules]
    assert [str(test) for test in tests if not (ROOT / test).is_file()] == []


def imported_by(file: Path) -> set[str]:
    """Return the dotted names that a file imports; of ``from a import b`` both ``a`` and ``a.b``."""
    names = set()
    for node in ast.walk(parse(file)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_no_test_module_imports_another():
    test_modules = {".".join(file.with_suffix("").parts) for file in python_files("tests") if is_test(file)}
    found = {str(file): test_modules & imported_by(file) for file in python_files("tests")}
    assert {file: names for file, names in found.items() if names} == {}


def is_test(file: Path) -> bool:
    return file.name.startswith("test_") or file.name == "conftest.py"


def test_a_module_name_has_one_meaning():
    """Commands, and the options that they share, are named as on the command line."""
    places = defaultdict(list)
    for file in python_files("bench"):
        if not file.name.startswith("__") and not {"commands", "options"} & set(file.parts):
            places[file.stem].append(str(file))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert {name: files for name, files in shared.items() if name not in SHARED_NAMES} == {}
    assert set(SHARED_NAMES) <= set(shared)


def test_no_module_imports_itself_through_others():
    graph = grimp.build_graph("bench", "methods", exclude_type_checking_imports=True)
    circular = {
        module
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if graph.chain_exists(importer=imported, imported=module)
    }
    assert circular == set()
