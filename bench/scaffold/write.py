"""Write a working sample method, to be changed line by line."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

import methods
from bench.discovery import EVERY, listings
from bench.errors import InputError
from bench.system.files import open_folder

CLONE_MARKER = "pyproject.toml"


def write_method(name: str) -> list[Path]:
    """Write ``methods/NAME.py`` in a clone of the repository.

    Args:
        name: name of the new method, a lower-case Python identifier that is not taken.

    Returns:
        The written file.

    Raises:
        InputError: the name cannot be used, the file exists, or this is not a clone.
    """
    folder = Path(methods.__path__[0])
    if not (folder.parent / CLONE_MARKER).is_file():
        raise InputError(
            f"{str(folder)!r} is an installed package, not a clone of the repository; "
            f"`noisebench new {name} --package` writes a package of its own"
        )
    return _write({folder / f"{name}.py": "method.py.j2"}, name=name)


def write_package(name: str, folder: Path) -> list[Path]:
    """Write a package with a method, its test, a README and ``pyproject.toml``.

    Args:
        name: as for ``write_method``.
        folder: folder in which the package's folder ``noisebench-NAME`` is created.

    Returns:
        The written files.

    Raises:
        InputError: the name cannot be used, or a file exists.
    """
    root = folder / _distribution(name)
    templates = {
        f"{_module(name)}.py": "method.py.j2",
        f"test_{name}.py": "test.py.j2",
        "pyproject.toml": "pyproject.toml.j2",
        "README.md": "README.md.j2",
    }
    return _write({root / file: template for file, template in templates.items()}, name=name)


def _write(files: dict[Path, str], *, name: str) -> list[Path]:
    _require_free_name(name)
    for file in files:
        if file.exists():
            raise InputError(f"{file} exists already")
    environment = Environment(  # noqa: S701 - for Python and TOML, not HTML
        loader=PackageLoader("bench.scaffold", "templates"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    for file, template in files.items():
        open_folder(file.parent)
        file.write_text(environment.get_template(template).render(_names(name)), encoding="utf-8")
    return list(files)


def _require_free_name(name: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise InputError(f"{name!r} cannot name a method; allowed: lower-case letters, digits and _")
    if name in (*listings(), EVERY):
        raise InputError(f"the name {name!r} is taken; `noisebench list methods` shows all")


def _names(name: str) -> dict[str, str]:
    words = name.strip("_").split("_")
    return {
        "name": name,
        "title": " ".join(words).capitalize(),
        "class_name": "".join(word.capitalize() for word in words),
        "module": _module(name),
        "distribution": _distribution(name),
    }


def _module(name: str) -> str:
    return f"noisebench_{name}"


def _distribution(name: str) -> str:
    return f"noisebench-{name.replace('_', '-')}"
