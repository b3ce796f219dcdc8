"""Licences are read from what distributions state, in each of its forms, and judged part by part."""

from __future__ import annotations

import re
import tomllib
from email.message import Message

import pytest
from packaging.requirements import Requirement

from tests.support.repository import ROOT
from tools.licences import PAGE, Licensed, asked_for, stated

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def metadata_of(**fields: str | list[str]) -> Message:
    metadata = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            metadata[name.replace("_", "-")] = value
    return metadata


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT AND Zlib", "License": "some"}, "MIT AND Zlib"),
        ({"License": "Apache 2.0", "Classifier": "License :: OSI Approved :: BSD License"}, "Apache-2.0"),
        (
            {
                "License": "UNKNOWN",
                "Classifier": ["License :: OSI Approved", "License :: OSI Approved :: BSD License"],
            },
            "BSD",
        ),
        (
            {"License": "Copyright (c)\n all of it", "Classifier": "License :: OSI Approved :: MIT License"},
            "MIT",
        ),
        ({"Classifier": ["License :: Free for non-commercial use", "Topic :: Any"]}, "non-commercial use"),
        ({}, ""),
    ],
)
def test_licence_is_what_is_stated(fields: dict[str, str | list[str]], licence: str):
    assert stated(metadata_of(**fields)) == licence


@pytest.mark.parametrize(
    ("name", "licence", "fault"),
    [
        ("some", "MIT AND (ISC OR Apache-2.0 WITH LLVM-exception)", ""),
        ("some", "MIT AND GPL-3.0-only", "is under 'GPL-3.0-only', which is not allowed"),
        ("some", "MIT OR AGPL-3.0-only", "is under 'AGPL-3.0-only', which is not allowed"),
        ("some", "Copyright, all of it", "is under 'Copyright, all of it', which is not allowed"),
        ("some", "", "states no licence"),
        ("nvidia-cublas", "NVIDIA Proprietary", ""),
        ("some", "NVIDIA Proprietary", "is under 'NVIDIA Proprietary', which is not allowed"),
        ("bm3d", "non-commercial use", ""),
        ("some-bm3d", "non-commercial use", "is under 'non-commercial use', which is not allowed"),
    ],
)
def test_every_part_of_a_licence_is_allowed_or_named(name: str, licence: str, fault: str):
    assert Licensed(name, "1.0", licence, ()).fault == fault


@pytest.mark.parametrize(
    ("text", "alone", "by_extra"),
    [
        ("one", True, False),
        ("one; python_version > '3'", True, False),
        ("one; python_version < '3'", False, False),
        ("one; extra == 'bm3d'", False, True),
        ("one; extra == 'ray'", False, False),
        ("one; extra == 'bm3d' and python_version < '3'", False, False),
    ],
)
def test_what_an_extra_adds_is_told_apart(text: str, alone: bool, by_extra: bool):
    requirement = Requirement(text)
    assert (asked_for(requirement, ""), asked_for(requirement, "bm3d")) == (alone, by_extra)


def test_the_page_names_every_dependency():
    rows = dict(re.findall(r"^\| (\S+) \| .* \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for text in PROJECT["dependencies"]:
        assert "noisebench" in rows[Requirement(text).name].split(", ")
    for extra, texts in PROJECT["optional-dependencies"].items():
        for text in texts:
            assert f"noisebench[{extra}]" in rows[Requirement(text).name]
