"""What pip-audit finds is reported, and what it could not look up."""

from __future__ import annotations

import json

import pytest

from tools.audit import judge

SOUND = {"name": "numpy", "version": "2.1.0", "vulns": []}
UNKNOWN = {
    "name": "torch",
    "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.15.0)",
}
FAULTY = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.6"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


def output_of(*dependencies: dict[str, object]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_nothing_found(capsys: pytest.CaptureFixture[str]):
    assert judge(output_of(SOUND), "No known vulnerabilities found") is None
    assert capsys.readouterr().out == "1 of 1 distributions audited\n"


def test_vulnerabilities_are_named():
    assert judge(output_of(SOUND, FAULTY, UNKNOWN), "Found 2 known vulnerabilities in 1 package") == (
        "jinja2 3.1.0: PYSEC-1, fixed in 3.1.6\njinja2 3.1.0: PYSEC-2, fixed in no version"
    )


def test_unknown_distributions_are_named(capsys: pytest.CaptureFixture[str]):
    assert judge(output_of(UNKNOWN, SOUND), "No known vulnerabilities found") is None
    assert capsys.readouterr().out == (
        "NOT AUDITED, the service does not know them: torch\n1 of 2 distributions audited\n"
    )
    assert judge(output_of(UNKNOWN), "No known vulnerabilities found") is None
    assert capsys.readouterr().out == "NOT AUDITED, the service knows none of 1 distributions\n"


@pytest.mark.parametrize(
    "errors",
    [
        "Traceback\nrequests.exceptions.ConnectionError: Failed to resolve",
        "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed",
        "Traceback\npip_audit._service.interface.ServiceError",
    ],
)
def test_a_service_without_answer_is_reported_but_no_failure(errors: str, capsys: pytest.CaptureFixture[str]):
    assert judge("", errors) is None
    assert capsys.readouterr().out.startswith("NOT AUDITED, the service gives no answer: ")


def test_a_failure_of_pip_audit_itself_is_reported():
    assert "unrecognized arguments" in judge("", "pip-audit: error: unrecognized arguments: --requirment")
