"""The exit codes are those that the documentation lists."""

from __future__ import annotations

import re

from bench.cli.exit_codes import BAD_INPUT, SIGNALLED, SOME_FAILED, STORE_LOST
from tests.support.repository import ROOT


def test_the_documentation_lists_the_exit_codes() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    meanings = dict(re.findall(r"^\| (\S.*?) \| (\S.*?) \|", page, re.MULTILINE))
    assert "runs failed" in meanings[str(SOME_FAILED)]
    assert "request" in meanings[str(BAD_INPUT)]
    assert "disk" in meanings[str(STORE_LOST)]
    assert "signal" in meanings[f"{SIGNALLED} + N"]
