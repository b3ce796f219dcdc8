"""Say under which licence all is that noisebench installs, and refuse what is not known or not allowed.

``python tools/licences.py`` lists what is installed, with versions; with ``--write`` the table in
docs/licences.md is renewed. The exit code is 1 where a licence is not known or not allowed.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
START, END = "<!-- table: start -->", "<!-- table: end -->"
PROJECT = "noisebench"
EXTRAS = ("bm3d", "ray")

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause"),
    *("BSL-1.0", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
}
WEAK_COPYLEFT = {"LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MPL-2.0"}
PROPRIETARY = {
    "NVIDIA Proprietary": re.compile("nvidia-.*"),
    "non-commercial use": re.compile("bm[34]d"),
}
"""Allowed by name alone: the licence, and the distributions that may have it."""

STATED_NOWHERE = {"cuda-toolkit": "none: it holds no files"}
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "Free for non-commercial use": "non-commercial use",
    "LicenseRef-NVIDIA-Proprietary": "NVIDIA Proprietary",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "NVIDIA Proprietary Software": "NVIDIA Proprietary",
    "Python Software Foundation License": "PSF-2.0",
}


@dataclass(frozen=True)
class Licensed:
    """A distribution, its version and licence, and what needs it."""

    name: str
    version: str
    licence: str
    needed_by: tuple[str, ...]

    @property
    def fault(self) -> str:
        """What is wrong with the licence, empty where nothing is."""
        if not self.licence:
            return "states no licence"
        if self.licence == STATED_NOWHERE.get(self.name):
            return ""
        unknown = [part for part in parts(self.licence) if not allowed(part, self.name)]
        return f"is under {', '.join(map(repr, unknown))}, which is not allowed" if unknown else ""


def parts(licence: str) -> list[str]:
    """Take an expression such as ``MIT AND (ISC OR Zlib)`` apart; all of it must be allowed."""
    return [part for part in re.split(r"\s+AND\s+|\s+OR\s+|[()]", licence) if part]


def allowed(licence: str, name: str) -> bool:
    """Tell whether a distribution of this name may be under this licence."""
    if licence in PROPRIETARY:
        return PROPRIETARY[licence].fullmatch(name) is not None
    return licence in PERMISSIVE | WEAK_COPYLEFT


def stated(metadata: PackageMetadata) -> str:
    """Give the licence that metadata state: as an expression, else in a line, else as classifiers."""
    line = metadata.get("License", "")
    named = "\n" not in line and line != "UNKNOWN"
    classifiers = [
        text.rpartition(" :: ")[2]
        for text in metadata.get_all("Classifier", [])
        if text.startswith("License :: ") and text != "License :: OSI Approved"
    ]
    found = metadata.get("License-Expression") or (line if named else "") or " AND ".join(classifiers)
    return SPDX.get(found, found)


def needs() -> dict[str, set[str]]:
    """Find what is needed here, with the extras: the name of each distribution, and of those that need it."""
    found: dict[str, set[str]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(PROJECT, extra) for extra in ("", *EXTRAS)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for text in distribution(name).requires or []:
            requirement = Requirement(text)
            if asked_for(requirement, extra):
                needed = canonicalize_name(requirement.name)
                found.setdefault(needed, set()).add(f"{name}[{extra}]" if extra and name == PROJECT else name)
                waiting += [(needed, each) for each in ("", *requirement.extras)]
    return found


def asked_for(requirement: Requirement, extra: str) -> bool:
    """Tell whether a requirement holds here, without extras (``""``) or only by this extra."""
    marker = requirement.marker
    if marker is None:
        return not extra
    return marker.evaluate({"extra": extra}) and not (extra and marker.evaluate({"extra": ""}))


def table(everything: list[Licensed]) -> str:
    """Lay licences out in Markdown, without versions, which change daily."""
    rows = [f"| {each.name} | {each.licence} | {', '.join(each.needed_by)} |" for each in everything]
    return "\n".join(["| distribution | licence | needed by |", "| --- | --- | --- |", *rows])


def main(words: list[str]) -> str | None:
    """List the licences and give what is wrong, None where nothing is."""
    everything = []
    for name, needed_by in sorted(needs().items()):
        found = distribution(name)
        licence = stated(found.metadata) or STATED_NOWHERE.get(name, "")
        everything.append(Licensed(name, found.version, licence, tuple(sorted(needed_by))))
    for each in everything:
        print(f"{each.name} {each.version}: {each.licence or 'UNKNOWN'}")
    if words == ["--write"]:
        text = PAGE.read_text(encoding="utf-8")
        before, after = text[: text.index(START)], text[text.index(END) :]
        PAGE.write_text(f"{before}{START}\n{table(everything)}\n{after}", encoding="utf-8")
    faults = [f"{each.name} {each.version} {each.fault}" for each in everything if each.fault]
    return "\n".join(faults) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
