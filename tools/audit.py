"""Look up known vulnerabilities of requirements: ``python tools/audit.py --requirement FILE``.

The arguments are those of pip-audit, which passes silently if its service does not know a package; this tool
reports that. The exit code is 1 if something was found or pip-audit itself failed, but 0 if the service gives
no answer.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

AUDIT = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
NO_ANSWER = re.compile(r"requests\.exceptions\.|Could not connect to|ServiceError")


def judge(output: str, errors: str) -> str | None:
    """Print what pip-audit could look up.

    Args:
        output: of pip-audit, JSON; empty if it failed.
        errors: what it wrote to stderr.

    Returns:
        What is wrong, None where nothing is.
    """
    if not output:
        return _judge_failure(errors)
    dependencies = json.loads(output)["dependencies"]
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    if len(skipped) == len(dependencies):
        print(f"NOT AUDITED, the service knows none of {len(dependencies)} distributions")
        return None
    if skipped:
        print(f"NOT AUDITED, the service does not know them: {', '.join(skipped)}")
    print(f"{len(dependencies) - len(skipped)} of {len(dependencies)} distributions audited")
    return "\n".join(line for each in dependencies for line in _vulnerabilities(each)) or None


def _judge_failure(errors: str) -> str | None:
    unanswered = [line for line in errors.splitlines() if NO_ANSWER.search(line)]
    if not unanswered:
        return f"pip-audit failed:\n{errors}"
    print(f"NOT AUDITED, the service gives no answer: {unanswered[-1]}")
    return None


def _vulnerabilities(dependency: dict[str, Any]) -> list[str]:
    return [
        f"{dependency['name']} {dependency['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version'}"
        for found in dependency.get("vulns", [])
    ]


def main(words: list[str]) -> str | None:
    """Run pip-audit; return what is wrong, None where nothing is."""
    done = subprocess.run([*AUDIT, "--format", "json", *words], capture_output=True, text=True, check=False)
    return judge(done.stdout, done.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
