"""Look up the known vulnerabilities of requirements: ``python tools/audit.py --requirement FILE``.

Arguments are those of pip-audit, which passes in silence where its service knows nothing of what it is asked;
here that is said. The exit code is 1 where something was found, or where pip-audit itself failed, but 0 where
the service gives no answer.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

AUDIT = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
NO_ANSWER = re.compile(r"requests\.exceptions\.|Could not connect to|ServiceError")


def judge(said: str, errors: str) -> str | None:
    """Print what pip-audit found, as JSON or not, and give what is wrong, None where nothing is."""
    if not said:
        unanswered = [line for line in errors.splitlines() if NO_ANSWER.search(line)]
        if not unanswered:
            return f"pip-audit failed:\n{errors}"
        print(f"NOT AUDITED, for the service gives no answer: {unanswered[-1]}")
        return None
    everything = json.loads(said)["dependencies"]
    skipped = [each["name"] for each in everything if "skip_reason" in each]
    if len(skipped) == len(everything):
        print(f"NOT AUDITED, for the service knows none of {len(everything)} distributions")
        return None
    if skipped:
        print(f"NOT AUDITED, for the service does not know them: {', '.join(skipped)}")
    print(f"{len(everything) - len(skipped)} of {len(everything)} distributions audited")
    found = []
    for each in everything:
        for fault in each.get("vulns", []):
            mended = ", ".join(fault["fix_versions"]) or "no version"
            found.append(f"{each['name']} {each['version']}: {fault['id']}, mended in {mended}")
    return "\n".join(found) or None


def main(words: list[str]) -> str | None:
    """Run pip-audit and give what is wrong, None where nothing is."""
    done = subprocess.run([*AUDIT, "--format", "json", *words], capture_output=True, text=True, check=False)
    return judge(done.stdout, done.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
