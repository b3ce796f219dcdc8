"""Find words that this project does not use: ``python tools/words.py [PATH ...]``.

The exit code is 1 where one is found. ``tools/words.toml`` lists them with what to write instead.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tools" / "words.toml"
CHECKED = (
    "bench",
    "methods",
    "docs",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "tables",
    "tests",
    "tools",
    "tox.ini",
    "pyproject.toml",
)
SUFFIXES = {".py", ".md", ".j2", ".toml", ".js", ".css", ".ini"}

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def find_words(text: str, listed: dict[str, Any], *, python: bool) -> Iterator[tuple[int, str, str]]:
    """Find the words of the list in a text.

    Yields:
        The line, counted from 1, what was found, and what to write instead.
    """
    shown = re.sub(rf"\b({'|'.join(listed['names'])})\b", "", text).replace("_", " ")
    joined = re.sub(r"\s*\n[ \t#]*", lambda gap: " " + "\0" * gap[0].count("\n"), shown)
    for pattern, better in listed["words"].items():
        spaced = pattern.replace(" ", r"[ \0]+")
        for found in re.finditer(rf"(?<![A-Za-z-])(?:{spaced})(?![A-Za-z-])", joined, re.IGNORECASE):
            yield joined.count("\0", 0, found.start()) + 1, found[0].replace("\0", ""), better
    if python:
        yield from _first_words(text, listed["docstring"])


def _first_words(text: str, refused: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DOCUMENTED) and (words := ast.get_docstring(node)):
            first = words.split(maxsplit=1)[0]
            if first in refused:
                line = getattr(node, "lineno", 1)  # a module has none
                yield line, f"{first} ...", "Return, Compute, Format, Check whether, Write"


def main(paths: Sequence[str]) -> int:
    """Print each word that is found, with its place; return the exit code."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    roots = [Path(path).resolve() for path in paths] or [ROOT / name for name in CHECKED]
    files = [file for root in roots for file in (sorted(root.rglob("*")) if root.is_dir() else [root])]
    count = 0
    for file in files:
        if file.suffix not in SUFFIXES or file == LIST or "__pycache__" in file.parts:
            continue
        text = file.read_text(encoding="utf-8")
        for line, found, better in sorted(find_words(text, listed, python=file.suffix == ".py")):
            print(f"{file.relative_to(ROOT)}:{line}: {found!r}: write {better}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
