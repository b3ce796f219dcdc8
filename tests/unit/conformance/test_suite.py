"""The conformance suite: every method passes it, and every broken method is reported."""

from __future__ import annotations

import re

import pytest

from bench.cli.main import main
from bench.conformance.suite import DENOISING_CHECKS, LOSS_CHECKS, TRAINING_CHECKS, examine, title
from bench.discovery import listings, parse_method
from bench.errors import InputError
from tests.support.methods.broken import FAULTS
from tests.support.repository import BROKEN

VARIANTS = [
    "noise2score:antithetic=True",
    "noise2score:domain=raw,formula=paper",
]
DECLARATION = "declares itself"


def test_every_broken_method_is_expected_to_be_reported():
    assert set(FAULTS) == {file.stem for file in BROKEN.glob("*/*.py")}


@pytest.mark.parametrize("spec", [*listings(), *VARIANTS])
def test_every_method_keeps_to_the_contract(spec: str):
    if spec == "bm3d":
        pytest.importorskip("bm3d")
    findings = list(examine(spec))
    assert not [finding for finding in findings if finding.fault]
    noises = {finding.noise for finding in findings} - {""}
    assert noises == set(parse_method(spec)[1].noises)


def test_an_unknown_name_is_refused_with_a_similar_one():
    with pytest.raises(InputError, match="unknown method 'supervise'; did you mean 'supervised'"):
        next(examine("supervise"))


@pytest.mark.usefixtures("broken")
def test_a_wrong_declaration_ends_the_checks():
    assert [finding.check for finding in examine("misspelt_need")] == [DECLARATION]


@pytest.mark.usefixtures("broken")
def test_a_broken_method_is_not_trained():
    asked = [finding.check for finding in examine("mixes_images")]
    assert asked == [DECLARATION, *(title(check) for check in (*LOSS_CHECKS, *DENOISING_CHECKS))]
    assert not {title(check) for check in TRAINING_CHECKS} & set(asked)


@pytest.mark.usefixtures("broken")
def test_the_command_shows_each_fault_and_exits_with_1(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        main(["check", "changes_its_input"])
    shown = capsys.readouterr().out
    assert exit_.value.code == 1
    assert (
        "leaves its input unchanged, gaussian: the loss changes batch.noisy in place; work on a copy" in shown
    )
    assert re.search(r"│ leaves its input unchanged +│ FAULT", shown)
    assert re.search(r"│ has a gradient +│ ok", shown)
    assert re.search(r"\d+ of \d+ checks found a fault", shown)
