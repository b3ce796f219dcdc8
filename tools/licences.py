"""Check that every installed distribution is under a licence that is known and allowed.

``python tools/licences.py`` lists what pip-licenses finds; with ``--write`` it also renews the table in
docs/licences.md. The exit code is 1 if a licence is unknown or not allowed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
START, END = "<!-- table: start -->", "<!-- table: end -->"
OWN = ["noisebench", "pip", "pip-licenses", "prettytable", "wcwidth"]

ALLOWED = {
    *("0BSD", "Apache 2.0", "Apache Software License", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"),
    *("3-Clause BSD License", "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0"),
    *("HPND", "ISC", "MIT", "MIT License", "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
    *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0"),
    *("Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
}
ALLOWED_BY_NAME = {
    "Free for non-commercial use": r"bm[34]d",
    "LicenseRef-NVIDIA-Proprietary": r"nvidia-.*",
    "NVIDIA Proprietary Software": r"nvidia-.*",
    "UNKNOWN": r"cuda-toolkit",  # it holds no files
}
"""A licence, and the distributions that may have it."""


def read_licences() -> dict[str, str]:
    """Return the licence of each installed distribution, in alphabetic order.

    An expression of its metadata counts first, then classifiers, then the line named License.
    """
    command = ["-m", "piplicenses", "--format=json", "--with-system", "--ignore-packages", *OWN]
    printed = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True).stdout
    found = {each["Name"].lower().replace("_", "-"): each["License"] for each in json.loads(printed)}
    return dict(sorted(found.items()))


def find_forbidden(name: str, licence: str) -> list[str]:
    """Return the parts of a licence (``MIT AND (ISC OR Zlib)``) that this distribution must not have."""
    whole = [each for each in licence.split("; ") if each not in ALLOWED]
    parts = [part for each in whole for part in re.split(r" AND | OR |[()]", each) if part]
    return [part for part in parts if part not in ALLOWED and not _allowed_by_name(part, name)]


def _allowed_by_name(licence: str, name: str) -> bool:
    return re.fullmatch(ALLOWED_BY_NAME.get(licence, ""), name) is not None


def update_table(page: str, licences: dict[str, str]) -> str:
    """Return the text of docs/licences.md with this table between its two marks."""
    rows = [f"| {name} | {licence} |" for name, licence in licences.items()]
    table = "\n".join(["| distribution | licence |", "| --- | --- |", *rows])
    return f"{page[: page.index(START)]}{START}\n{table}\n{page[page.index(END) :]}"


def main(words: list[str]) -> str | None:
    """List the licences; return what is wrong, None where nothing is."""
    licences = read_licences()
    print("\n".join(f"{name}: {licence}" for name, licence in licences.items()))
    if words == ["--write"]:
        PAGE.write_text(update_table(PAGE.read_text(encoding="utf-8"), licences), encoding="utf-8")
    wrong = {name: find_forbidden(name, licence) for name, licence in licences.items()}
    return "\n".join(f"not allowed: {name} under {parts}" for name, parts in wrong.items() if parts) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
