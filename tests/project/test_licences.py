"""Licences are judged part by part, and the page lists every dependency."""

from __future__ import annotations

import re
import tomllib
from itertools import chain

import pytest
from packaging.requirements import Requirement

from tests.support.repository import ROOT
from tools.licences import PAGE, find_forbidden, update_table

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize(
    ("name", "licence", "forbidden"),
    [
        ("some", "MIT AND (ISC OR Apache-2.0 WITH LLVM-exception)", []),
        ("some", "MIT AND GPL-3.0-only", ["GPL-3.0-only"]),
        ("some", "MIT OR AGPL-3.0-only", ["AGPL-3.0-only"]),
        ("some", "MIT License; Mozilla Public License 2.0 (MPL 2.0)", []),
        ("some", "MIT License; GNU Affero General Public License", ["GNU Affero General Public License"]),
        ("some", "Copyright, all rights reserved", ["Copyright, all rights reserved"]),
        ("some", "UNKNOWN", ["UNKNOWN"]),
        ("cuda-toolkit", "UNKNOWN", []),
        ("nvidia-cublas", "LicenseRef-NVIDIA-Proprietary", []),
        ("some-nvidia-cublas", "LicenseRef-NVIDIA-Proprietary", ["LicenseRef-NVIDIA-Proprietary"]),
        ("bm3d", "Free for non-commercial use", []),
        ("some-bm3d", "Free for non-commercial use", ["Free for non-commercial use"]),
    ],
)
def test_every_part_of_a_licence_is_allowed_to_all_or_to_this_name(
    name: str, licence: str, forbidden: list[str]
):
    assert find_forbidden(name, licence) == forbidden


def test_the_page_lists_every_dependency():
    listed = re.findall(r"^\| (\S+) \| .+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    needed = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]
    assert {Requirement(text).name for text in needed} <= set(listed)


def test_only_the_table_of_the_page_is_renewed():
    page = PAGE.read_text(encoding="utf-8")
    renewed = update_table(page, {"some": "MIT"})
    assert "\n| some | MIT |\n" in renewed
    assert update_table(renewed, {"some": "MIT"}) == renewed
    assert renewed.splitlines()[:5] == page.splitlines()[:5]
    assert renewed.splitlines()[-1] == page.splitlines()[-1]
