"""``noisebench check``: what it prints of the findings, and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.cli.main import main
from bench.conformance.suite import Finding
from tests.support.command_line import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

DECLARED = Finding("declares itself")
LEARNS = Finding("learns", "gaussian", measured="+2.0 dB")
FAULT = Finding("learns", "gamma", fault="the loss is not finite")


def check(findings: list[Finding], monkeypatch: pytest.MonkeyPatch) -> None:
    def examine(method: str) -> Iterator[Finding]:
        assert method == "sure"
        yield from findings

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("bench.cli.commands.methods.check.examine", examine)
    main(["check", "sure"])


def test_a_sound_method_passes_every_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check([DECLARED, LEARNS], monkeypatch)
    printed = capsys.readouterr().out
    assert "+2.0 dB" in printed
    assert printed.endswith("all 2 checks passed\n")


def test_a_fault_is_explained_with_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit) as leaving:
        check([DECLARED, LEARNS, FAULT], monkeypatch)
    assert leaving.value.code == 1
    *table, fault, count = capsys.readouterr().out.splitlines()
    cells = [[cell.strip() for cell in line.split("│")] for line in table]
    assert ["", "declares itself", "ok", "ok", ""] in cells
    assert ["", "learns", "+2.0 dB", "FAULT", ""] in cells
    assert fault == "learns, gamma: the loss is not finite"
    assert count == "1 of 3 checks found a fault"


def test_an_unknown_method_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unknown method 'supervise'; did you mean 'supervised'?" in refuse(capsys, ["check", "supervise"])
